"""What the README says is so: its commands exist, its configuration is good, its targets are there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from leader import __version__
from leader.cli.main import MODULES
from leader.instances.answers import MINIMAL_ACL

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> set[str]:
    """Every command of `leader` that the README has in its code."""
    code = [
        *re.findall(r"(?<!`)`([^`\n]+)`(?!`)", README),
        *re.findall(r"```\w+\n(.*?)```", README, re.DOTALL),
    ]
    return set(re.findall(r"\bleader ([a-z][a-z-]+)", "\n".join(code)))


def test_every_command_that_the_readme_names_is_there() -> None:
    """Nobody types a command from the README in vain."""
    assert len(commands()) >= len(MODULES)
    assert commands() <= set(MODULES)


def test_every_command_that_is_there_stands_in_the_readme() -> None:
    """The README leaves none out."""
    assert set(MODULES) <= commands()


def test_the_configuration_in_the_readme_is_good(tmp_path: Path) -> None:
    """Copied word by word, each passes the check without a warning, given the files that it names."""
    file = tmp_path / "leader.toml"
    for text in blocks("toml"):
        for name in re.findall(r"/etc/leader/([\w.]+)", text):
            (tmp_path / name).write_text("x")
            (tmp_path / name).chmod(0o600)
        whole = text if "cluster =" in text else f'cluster = "prod"\n{text}'
        file.write_text(whole.replace("/etc/leader", str(tmp_path)))
        command = [sys.executable, "-m", "leader", "config", "check", "--config", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning" not in done.stdout


def test_the_rights_in_the_readme_are_those_that_agents_need() -> None:
    """The line that messages tell, for the cluster of the example."""
    (line,) = blocks("redis")
    assert line == f"ACL SETUSER agent on >PASSWORD {MINIMAL_ACL.format(cluster='prod')}\n"


def test_the_package_in_the_readme_is_of_this_version() -> None:
    """As `make deb` names it."""
    assert set(re.findall(r"leader_(\S+)-1_\w+\.deb", README)) == {__version__}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^make ([a-z]+)", README, re.MULTILINE))))
def test_every_make_target_in_the_readme_is_there(target: str) -> None:
    """`make` knows what the README calls."""
    assert re.search(rf"^{target}:", (PROJECT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("line", [line for block in blocks("crontab") for line in block.splitlines()])
def test_every_crontab_line_has_five_fields_and_a_guard(line: str) -> None:
    """A line copied into a crontab is one that cron takes."""
    assert re.match(r"(?:[\d*/,-]+\s+){5}leader (?:is-leader && \S|once \S.* -- \S)", line)
