"""What the tests of the packages share: they build each once, in one process, for they share its folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.built import package_to_test
from tests.packaging.installed import installed
from tests.packaging.machine import Machine


@pytest.fixture(scope="session")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package."""
    return package_to_test("deb", tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="session")
def rpm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The RPM package."""
    return package_to_test("rpm", tmp_path_factory.mktemp("rpm"))


@pytest.fixture(scope="module")
def node(deb: Path) -> Iterator[Machine]:
    """A machine with the package on it, for all tests of a file."""
    with installed(deb) as booted:
        yield booted
