"""What the tests of the installed package share."""

from pathlib import Path

import pytest

from tests.e2e.asking import Asker
from tests.e2e.installed import install


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a clean environment with the package in it."""
    return install(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the agent of this test listens."""
    return tmp_path / "leader.sock"


@pytest.fixture
def ask(programs: Path, path: Path) -> Asker:
    """`leader is-leader` for the agent of this test."""
    return Asker(programs, path)
