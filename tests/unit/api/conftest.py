"""What the tests of the API share."""

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the server of this test listens."""
    return tmp_path / "leader.sock"
