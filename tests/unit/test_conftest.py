"""That nothing is left out in silence: the rules of `tests/conftest.py`, on a session of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
GOOD = "def test_good(): pass\n"
SKIPS = """
import pytest
@pytest.mark.needs("no-such-program-anywhere")
def test_needy(): pass
@pytest.mark.xfail(strict=True)
def test_expected_to_fail(): assert False
"""
SKIPS_ALL = "import pytest\npytest.importorskip('no_such_module_anywhere')\n"


def session(folder: Path, *options: str, ci: bool) -> subprocess.CompletedProcess[str]:
    """Run pytest on the files of a folder, with the project's conftest."""
    shutil.copy(CONFTEST, folder)
    (folder / "pytest.ini").write_text(
        "[pytest]\nmarkers = needs(*things): x\nxfail_strict = true\naddopts = -p no:valkey\n"
    )
    environ = {name: value for name, value in os.environ.items() if name != "CI" and "PYTEST" not in name}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        env=environ | ({"CI": "true"} if ci else {}),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_a_skipped_test_fails_a_run_in_ci_and_is_named(tmp_path: Path, options: tuple[str, ...]) -> None:
    """A test or a whole file; the run's closing line is still the last line."""
    (tmp_path / "test_one.py").write_text(GOOD + SKIPS)
    (tmp_path / "test_two.py").write_text(SKIPS_ALL)
    run = session(tmp_path, *options, ci=True)
    assert run.returncode == 1
    assert "test_one.py::test_needy: Skipped: needs no-such-program-anywhere" in run.stdout
    assert "test_two.py: Skipped: could not import" in run.stdout
    assert "1 passed, 2 skipped, 1 xfailed" in run.stdout.splitlines()[-1]


def test_a_skipped_test_is_no_failure_elsewhere(tmp_path: Path) -> None:
    """At home not everything is installed."""
    (tmp_path / "test_one.py").write_text(GOOD + SKIPS)
    run = session(tmp_path, ci=False)
    assert run.returncode == 0
    assert "skipped, which fails" not in run.stdout


def test_a_run_in_ci_that_skips_nothing_is_good(tmp_path: Path) -> None:
    """Nothing is added to it."""
    (tmp_path / "test_one.py").write_text(GOOD)
    run = session(tmp_path, ci=True)
    assert run.returncode == 0
    assert "skipped" not in run.stdout
