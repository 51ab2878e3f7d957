"""What the tests of the packages share: they build each once, in one process, for they share its folder."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.installed import installed
from tests.packaging.machine import Machine
from tests.support.node import PROJECT

VARIABLE = "LEADER_TEST_PACKAGES"
"""A folder of packages to test, instead of such as are built from the project as it stands."""


def package(kind: str, directory: Path) -> Path:
    """The package to test."""
    given = os.environ.get(VARIABLE)
    if given:
        (found,) = Path(given).glob(f"*.{kind}")
        return found
    command = [sys.executable, "packaging/build.py", kind, "--to", str(directory)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="session")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package."""
    return package("deb", tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="session")
def rpm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The RPM package."""
    return package("rpm", tmp_path_factory.mktemp("rpm"))


@pytest.fixture(scope="module")
def node(deb: Path) -> Iterator[Machine]:
    """A machine with the package on it, for all tests of a file."""
    with installed(deb) as booted:
        yield booted
