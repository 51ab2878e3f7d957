"""Packages of this project as it stands, or others that are to be tested instead."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.node import PROJECT

VARIABLE = "LEADER_TEST_PACKAGES"
"""A folder of packages to test, such as those that are about to be published."""


def package_to_test(kind: str, directory: Path) -> Path:
    """The package to test."""
    given = os.environ.get(VARIABLE)
    if not given:
        return build(kind, directory)
    (found,) = Path(given).glob(f"*.{kind}")
    return found


def build(kind: str, directory: Path) -> Path:
    """A new package, in that directory."""
    command = [sys.executable, "packaging/build.py", kind, "--to", str(directory)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.strip().splitlines()[-1])
