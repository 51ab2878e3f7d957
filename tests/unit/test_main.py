"""The entrance of the command: what it says where Python itself is not whole."""

import subprocess
import sys

import pytest

from leader import __version__

WITHOUT = "import sys; sys.modules['_ctypes'] = None; from leader.__main__ import main; main()"


@pytest.mark.parametrize("words", [["run", "--", "true"], ["once", "report", "--", "true"]])
def test_a_python_without_a_part_of_its_library_is_told_in_one_sentence(words: list[str]) -> None:
    """As one that was built without libffi; the job is not started, and that is what the exit code says."""
    command = [sys.executable, "-c", WITHOUT, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (75, "")
    assert done.stderr.startswith("leader: this Python lacks a part of its library (")
    assert done.stderr.count("\n") == 1


def test_a_version_is_told_without_loading_any_command() -> None:
    """Only that and help are loaded: installers and monitors ask for it."""
    program = "import sys; from leader.cli.main import main; main(['--version']); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    version, _, modules = told.stdout.partition("\n")
    assert version == f"leader {__version__}"
    assert {name for name in modules.split() if name.startswith("leader.cli.")} == {
        "leader.cli.main",
        "leader.cli.whole",
    }
