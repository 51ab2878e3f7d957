"""The agent's socket: reachable by everybody, never half done, never taken from a live agent."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from leader.api.binding import bind_socket, remove_socket
from leader.errors import AlreadyRunning, ConfigurationError, Refused


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    """The permissions of a file."""
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.usefixtures("_umask")
def test_modes_hold_whatever_the_umask(tmp_path: Path) -> None:
    """Every crontab may ask, also if a strict root started the agent; missing directories are made 0755."""
    path = tmp_path / "run" / "leader" / "leader.sock"
    with bind_socket(path):
        assert mode_of(path) == 0o666
        assert [mode_of(parent) for parent in (path.parent, path.parent.parent)] == [0o755, 0o755]


def test_the_mode_can_be_chosen_and_a_directory_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """`[api] socket_mode`; what an administrator set up stays."""
    (tmp_path / "run").mkdir(mode=0o700)
    with bind_socket(tmp_path / "run" / "leader.sock", mode=0o660):
        assert mode_of(tmp_path / "run" / "leader.sock") == 0o660
        assert mode_of(tmp_path / "run") == 0o700


def test_it_listens_when_it_appears_and_leaves_nothing_else(path: Path) -> None:
    """A client that finds the file can connect."""
    with bind_socket(path), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert [file.name for file in path.parent.iterdir()] == ["leader.sock"]


def test_a_thousand_clients_can_wait(path: Path) -> None:
    """The backlog holds them although nobody accepts."""
    with bind_socket(path):
        clients = [socket.socket(socket.AF_UNIX) for _ in range(1000)]
        for client in clients:
            client.settimeout(0)
            client.connect(str(path))
        for client in clients:
            client.close()


def test_a_stale_socket_is_replaced(path: Path) -> None:
    """A killed agent leaves one behind; what was left half done too."""
    bind_socket(path).close()
    (path.parent / ".new").write_text("")
    with bind_socket(path), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_live_agents_socket_is_not_taken(path: Path) -> None:
    """Not even when it is too busy to accept."""
    with bind_socket(path) as live:
        live.listen(0)
        for _ in range(2):
            with pytest.raises(AlreadyRunning, match="another agent listens"):
                bind_socket(path)
        assert path.is_socket()


def test_what_is_no_socket_is_not_removed(path: Path) -> None:
    """A mistyped `--socket` costs nobody a file."""
    path.write_text("precious")
    with pytest.raises(Refused, match="move it away"):
        bind_socket(path)
    assert path.read_text() == "precious"


def test_a_path_that_is_too_long_is_refused_with_the_limit(tmp_path: Path) -> None:
    """One sentence, before anything is made."""
    with pytest.raises(ConfigurationError, match=r"may have 107: name a shorter one"):
        bind_socket(tmp_path / ("x" * 108) / "leader.sock")
    assert not list(tmp_path.iterdir())


def test_the_longest_path_works(tmp_path: Path) -> None:
    """The limit is the kernel's, not less."""
    folder = tmp_path / ("x" * (107 - len(str(tmp_path)) - len("/" + "/leader.sock")))
    path = folder / "leader.sock"
    assert len(str(path)) == 107
    with bind_socket(path), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """What happened, and what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match=r"cannot listen at .*; give this user the directory"):
        bind_socket(tmp_path / "file" / "leader.sock")


def test_a_clean_end_leaves_no_socket(path: Path) -> None:
    """And may be done twice."""
    bind_socket(path).close()
    remove_socket(path)
    remove_socket(path)
    assert not path.exists()
