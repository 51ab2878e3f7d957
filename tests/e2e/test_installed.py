"""The command as installers leave it: in a path with blanks, behind links, and by its name."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.e2e.installed import install
from tests.e2e.lease_files import good_words, write
from tests.e2e.shells import SCRIPT


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment whose path has blanks."""
    return install(tmp_path_factory.mktemp("a place") / "of our own")


def said(command: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Code, output and complaint of a command."""
    done = subprocess.run(
        [str(command), *arguments],
        env={"PATH": os.defpath, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_script_is_installed_word_for_word(programs: Path) -> None:
    """No installer has to put anything in."""
    assert (programs / "leader").read_text() == SCRIPT.read_text()
    assert os.access(programs / "leader", os.X_OK)


def test_it_works_in_a_path_with_blanks_and_behind_links(programs: Path, tmp_path: Path) -> None:
    """By the shell and in Python: `ln -s` into a directory of the PATH, under any name, as pipx does."""
    leases = tmp_path / "leader.sock.leases"
    leases.mkdir()
    write(leases / "default", good_words())
    (tmp_path / "leader").symlink_to(programs / "leader")
    (tmp_path / "ldr").symlink_to("leader")
    place = {"LEADER_SOCKET": str(tmp_path / "leader.sock")}
    for command in (programs / "leader", tmp_path / "leader", tmp_path / "ldr"):
        assert said(command, "is-leader", **place) == (0, "", "")
        code, _, complaint = said(command, "is-leader", "other", **place)
        assert code == 3
        assert "no agent has a socket at" in complaint


def test_the_process_is_called_by_its_name(programs: Path, tmp_path: Path) -> None:
    """`pgrep -x leader`, `ps -C leader` and `killall leader` find what runs in Python, too."""
    place = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(place)
        silent.listen()
        command = [str(programs / "leader"), "is-leader", "--timeout", "50s", "--socket", place]
        with subprocess.Popen(command) as process:
            asking, _ = silent.accept()
            with asking:
                name = Path(f"/proc/{process.pid}/comm").read_text()
    assert name == "leader\n"
