"""The entrance of the command: what it says where Python itself is not whole."""

import subprocess
import sys

import pytest

WITHOUT = "import sys; sys.modules['_ctypes'] = None; from leader.__main__ import main; main()"


@pytest.mark.parametrize("words", [["run", "--", "true"], ["once", "report", "--", "true"]])
def test_a_python_without_a_part_of_its_library_is_told_in_one_sentence(words: list[str]) -> None:
    """As one that was built without libffi; the job is not started, and that is what the exit code says."""
    command = [sys.executable, "-c", WITHOUT, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (75, "")
    assert done.stderr.startswith("leader: this Python lacks a part of its library (")
    assert done.stderr.count("\n") == 1
