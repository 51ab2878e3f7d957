"""`leader config check`, `show` and `init`."""

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leader.cli.config import app
from leader.config import load
from leader.errors import ConfigurationError, LeaderError, Refused

FILLED_IN = (
    '#   "redis://10.0.0.11:6379",\n#   "redis://10.0.1.11:6379",\n#   "rediss://10.0.2.11:6379",\n',
    '    "redis://10.0.0.11:6379",\n    "redis://10.0.1.11:6379",\n    "rediss://10.0.2.11:6379",\n',
)


def run(*arguments: str) -> str:
    """What the command prints; an error of ours is raised, as the entry point gets it."""
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, LeaderError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A path for a configuration, in a folder that is not there yet."""
    return tmp_path / "etc" / "leader.toml"


def fill_in(file: Path) -> None:
    """Do what the written file asks for: list the servers."""
    text = file.read_text()
    assert FILLED_IN[0] in text
    file.write_text(text.replace(*FILLED_IN))


def test_what_init_writes_passes_check_once_it_is_filled_in(file: Path) -> None:
    """And not before: the list of servers is nobody's to guess."""
    assert f"leader config check --config {file}" in run("init", "--config", str(file))
    with pytest.raises(ConfigurationError, match="must list the URL of at least one"):
        run("check", "--config", str(file))
    fill_in(file)
    said = run("check", "--config", str(file))
    assert f"{file}: good: cluster main" in said
    assert "3 instances, majority 2, lease 10s, elections default" in said
    assert "note:" not in said


def test_all_that_is_commented_out_in_the_written_file_is_right_too(file: Path) -> None:
    """With every # before a key taken away, only the files that it names are missing."""
    run("init", "--config", str(file))
    fill_in(file)
    lines = [
        line[2:] if line.startswith("# ") and is_toml(line[2:]) else line
        for line in file.read_text().split("\n")
    ]
    file.write_text("\n".join(lines))
    with pytest.raises(ConfigurationError) as refusal:
        load(str(file), {})
    assert {problem.split(": ")[1].split(" = ")[0] for problem in refusal.value.problems} == {
        "quorum.password_file",
        "quorum.tls.ca_file",
        "quorum.tls.cert_file",
        "quorum.tls.key_file",
    }


def is_toml(line: str) -> bool:
    """Whether a line says something in TOML."""
    try:
        return bool(tomllib.loads(line))
    except tomllib.TOMLDecodeError:
        return False


def test_init_does_not_overwrite_unless_it_is_told_to(file: Path) -> None:
    """What somebody filled in is worth a question."""
    run("init", "--config", str(file))
    file.write_text("mine")
    with pytest.raises(Refused, match="is there already: --force overwrites it"):
        run("init", "--config", str(file))
    assert file.read_text() == "mine"
    run("init", "--config", str(file), "--force")
    assert "[quorum]" in file.read_text()


def test_init_where_nothing_can_be_written_says_what_to_do(tmp_path: Path) -> None:
    """A file stands where a folder should be."""
    (tmp_path / "etc").touch()
    with pytest.raises(Refused, match=r"cannot be written .*--config"):
        run("init", "--config", str(tmp_path / "etc" / "leader.toml"))


def test_check_prints_notes_and_raises_problems(file: Path) -> None:
    """A note is no failure; a problem ends with exit code 78."""
    run("init", "--config", str(file))
    fill_in(file)
    file.write_text(file.read_text().replace('"redis://', '"redis://:secret@', 1) + "\n[api]\n")
    assert "holds a password in clear" in run("check", "--config", str(file))
    file.write_text(file.read_text() + "lisen = 1\n")
    with pytest.raises(ConfigurationError, match='did you mean "listen"') as refusal:
        run("check", "--config", str(file))
    assert refusal.value.exit_code == 78


def test_show_prints_toml_without_passwords(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is in effect, the environment included."""
    run("init", "--config", str(file))
    monkeypatch.setenv("LEADER_QUORUM", "redis://:topsecret@10.0.0.1")
    monkeypatch.setenv("LEADER_CONFIG", str(file))
    said = run("show")
    assert "topsecret" not in said
    assert tomllib.loads(said)["quorum"]["instances"] == ["redis://:***@10.0.0.1:6379/0"]
    assert "# LEADER_QUORUM" in said
