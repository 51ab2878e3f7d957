"""The quorum's password: where it may stand, who else can read it, and that no error quotes it."""

import os
from pathlib import Path

import pytest

from leader.config import Config, from_document
from leader.config.address import parse_address
from leader.errors import ConfigurationError

SECRET = "topsecret"
URLS = ["redis://10.0.0.1", "redis://10.0.0.2", "redis://10.0.0.3"]


def read(environ: dict[str, str] | None = None, **quorum: object) -> Config:
    """A configuration with that section."""
    document = {"cluster": "prod", "quorum": {"instances": URLS, **quorum}}
    return from_document(document, "leader.toml", environ, node="a")


def refused(environ: dict[str, str] | None = None, **quorum: object) -> str:
    """All that is wrong with such a configuration."""
    with pytest.raises(ConfigurationError) as error:
        read(environ, **quorum)
    return str(error.value)


def passwords(config: Config) -> set[str]:
    """What is sent to the instances."""
    return {instance.password for instance in config.quorum.instances}


def file_of(path: Path, password: str = SECRET, mode: int = 0o600) -> str:
    """A file with a password."""
    path.write_text(f"{password}\n")
    path.chmod(mode)
    return str(path)


def test_a_credential_of_systemd_is_the_password(tmp_path: Path) -> None:
    """If neither the file nor a variable names another, and where it came from is shown."""
    handed_over = file_of(tmp_path / "leader.password", "handed over", 0o444)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    config = read(environ)
    assert passwords(config) == {"handed over"}
    assert config.quorum.password_file == handed_over
    assert config.origins["quorum.password_file"] == "CREDENTIALS_DIRECTORY"
    assert config.warnings == ()
    other = file_of(tmp_path / "other", "other")
    assert passwords(read(environ, password_file=other)) == {"other"}
    assert passwords(read(environ | {"LEADER_PASSWORD_FILE": other})) == {"other"}
    (tmp_path / "leader.password").unlink()
    assert passwords(read(environ)) == {""}


def test_a_place_of_credentials_that_cannot_be_searched_holds_none() -> None:
    """Such as that of another user's service, whose environment was passed on."""
    assert passwords(read({"CREDENTIALS_DIRECTORY": "/" + "x" * 300})) == {""}


def test_an_empty_credential_is_refused(tmp_path: Path) -> None:
    """By the variable's name, for that is where it comes from."""
    file_of(tmp_path / "leader.password", "")
    told = refused({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert told.startswith("environment: CREDENTIALS_DIRECTORY = ")
    assert "must hold a password, and is empty" in told


@pytest.mark.parametrize(
    ("mode", "owner", "advice"),
    [
        (0o600, (0, 0), ""),
        (0o400, (0, 0), ""),
        (0o604, (0, 0), "chmod o-r"),
        (0o644, (0, 0), "chmod o-r"),
        (0o640, (0, 0), "chmod g-r"),
        (0o640, (0, 1234), ""),
        (0o640, (4321, 1234), "chmod g-r"),
        (0o644, (0, 1234), "chmod o-r"),
    ],
)
@pytest.mark.needs("root")
def test_whoever_else_can_read_a_password_or_a_key_is_told(
    tmp_path: Path, mode: int, owner: tuple[int, int], advice: str
) -> None:
    """All users, or a group; but root's own file may let one group read: the agent's."""
    file = file_of(tmp_path / "secret", mode=mode)
    os.chown(file, *owner)
    tls = {"cert_file": file, "key_file": file}
    for config in (read(password_file=file), read(tls=tls, instances=["rediss://10.0.0.1"])):
        assert [advice in warning for warning in config.warnings] == ([True] if advice else [])


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe would let the agent wait at each reload until somebody writes."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        assert "must be a file, for it is read again at each reload" in refused(password_file=str(path))


@pytest.mark.parametrize(
    "quorum",
    [
        {"password_file": SECRET},
        {"password_file": [SECRET]},
        {"password": SECRET},
        {"pasword": SECRET},
        {"passwd": 12345},
        {"auth": SECRET},
        {"instance": f"redis://:{SECRET}@10.0.0.1"},
        {"instances": f"redis://:{SECRET}@10.0.0.1"},
        {"instances": [[f"redis://:{SECRET}@10.0.0.1"]]},
        {"instances": [{"url": f"redis://:{SECRET}@10.0.0.1"}]},
        {"instances": [f"redis://default:{SECRET}"]},
        {"instances": [f"redis://default:{SECRET}/0"]},
        {"instances": [f"redis://10.0.0.1:6379?password={SECRET}"]},
        {"instances": [f"redis://10.0.0.1:6379#{SECRET}"]},
        {"instances": [f"redis://:{SECRET}#@10.0.0.1"]},
        {"instances": [f"redis://:{SECRET}/x@10.0.0.1"]},
        {"instances": {"a": "redis://10.0.0.1", "password": SECRET}},
        {"tls": f"{SECRET}@"},
    ],
)
def test_no_error_quotes_what_may_be_a_password(quorum: dict[str, object]) -> None:
    """Wherever it was written by mistake; the key is named, so that it is found."""
    told = refused(None, **quorum)
    assert SECRET not in told
    assert "12345" not in told
    assert "leader.toml: quorum." in told


@pytest.mark.parametrize(
    "environ",
    [
        {"LEADER_PASSWORD_FILE": SECRET},
        {"LEADER_QUORUM": f"redis://default:{SECRET}"},
        {"LEADER_QUORUM": f"rdis://:{SECRET}@10.0.0.1"},
    ],
)
def test_no_error_quotes_a_password_of_the_environment(environ: dict[str, str]) -> None:
    """A path that is none, a URL that is none."""
    told = refused(environ)
    assert SECRET not in told
    assert f"environment: {next(iter(environ))}" in told


def test_a_whole_section_that_is_none_is_not_quoted() -> None:
    """A URL where a table belongs."""
    with pytest.raises(ConfigurationError) as error:
        from_document({"cluster": "prod", "quorum": f"redis://:{SECRET}@h"}, "leader.toml", node="a")
    assert SECRET not in str(error.value)


def test_nothing_that_python_prints_of_a_configuration_has_the_password(tmp_path: Path) -> None:
    """Neither of the whole, nor of an instance, nor of an address."""
    urls = [f"redis://:{SECRET}@10.0.0.1", *URLS[1:]]
    config = read(instances=urls, password_file=file_of(tmp_path / "password", f"{SECRET}2"))
    assert passwords(config) == {SECRET, f"{SECRET}2"}
    assert SECRET not in repr(config)
    assert SECRET not in str(config)
    assert SECRET not in repr(parse_address(urls[0]))
