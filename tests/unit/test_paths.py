"""Where socket and directories are, for an agent and for a client."""

from pathlib import Path

import pytest

from leader import paths
from leader.errors import ConfigurationError

EVERYTHING = {
    "LEADER_SOCKET": "/a/s.sock",
    "LEADER_RUNTIME_DIR": "/b",
    "RUNTIME_DIRECTORY": "/c:/d",
    "XDG_RUNTIME_DIR": "/e",
}


def without(*variables: str) -> dict[str, str]:
    """An environment with everything but some variables, which are set but empty."""
    return EVERYTHING | dict.fromkeys(variables, "")


def test_an_agent_listens_at_the_first_place_that_is_named() -> None:
    """Option, variable, runtime directory, systemd's, root's, the user's: in this order."""
    assert paths.agent_socket(EVERYTHING, root=True, option="/x.sock") == "/x.sock"
    assert paths.agent_socket(EVERYTHING, root=True) == "/a/s.sock"
    rest = without("LEADER_SOCKET")
    assert paths.agent_socket(rest, root=True) == "/b/leader.sock"
    rest = without("LEADER_SOCKET", "LEADER_RUNTIME_DIR")
    assert paths.agent_socket(rest, root=True) == "/c/leader.sock"
    rest = without("LEADER_SOCKET", "LEADER_RUNTIME_DIR", "RUNTIME_DIRECTORY")
    assert paths.agent_socket(rest, root=True) == "/run/leader/leader.sock"
    assert paths.agent_socket(rest, root=False) == "/e/leader/leader.sock"


def test_an_agent_without_any_place_says_which_variable_to_set() -> None:
    """An ordinary user without a session has no runtime directory."""
    with pytest.raises(ConfigurationError, match="LEADER_RUNTIME_DIR"):
        paths.agent_runtime_directory({}, root=False)


def test_a_client_never_looks_where_systemd_put_another_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`RUNTIME_DIRECTORY` is passed over."""
    monkeypatch.setattr(paths, "SYSTEM_RUNTIME_DIR", str(tmp_path))
    assert paths.client_socket(EVERYTHING, "/x.sock") == "/x.sock"
    assert paths.client_socket(EVERYTHING) == "/a/s.sock"
    assert paths.client_socket(without("LEADER_SOCKET")) == "/b/leader.sock"
    rest = without("LEADER_SOCKET", "LEADER_RUNTIME_DIR")
    assert paths.client_socket(rest) == "/e/leader/leader.sock"
    assert paths.client_socket({}) == f"{tmp_path}/leader.sock"
    (tmp_path / "leader.sock").touch()
    assert paths.client_socket(rest) == f"{tmp_path}/leader.sock"


def test_state_is_kept_where_the_system_keeps_state() -> None:
    """Variable, systemd's, root's, the user's: in this order."""
    assert paths.agent_state_directory({"LEADER_STATE_DIR": "/a", "STATE_DIRECTORY": "/b"}, root=True) == "/a"
    assert paths.agent_state_directory({"STATE_DIRECTORY": "/b:/c"}, root=True) == "/b"
    assert paths.agent_state_directory({"XDG_STATE_HOME": "/d"}, root=True) == "/var/lib/leader"
    assert paths.agent_state_directory({"XDG_STATE_HOME": "/d"}, root=False) == "/d/leader"
    assert paths.agent_state_directory({}, root=False).endswith("/.local/state/leader")


def test_a_socket_path_that_the_kernel_does_not_take_is_refused_beforehand() -> None:
    """107 bytes are the limit, counted as bytes; the message says what to do."""
    assert paths.client_socket({}, "/" + "s" * 106)
    for option in ("/" + "s" * 107, "/" + "ü" * 54):
        with pytest.raises(ConfigurationError, match=r"has 10[89] bytes, and the kernel takes 107: choose"):
            paths.client_socket({}, option)
        with pytest.raises(ConfigurationError, match="--socket"):
            paths.agent_socket({}, root=True, option=option)
