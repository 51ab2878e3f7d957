"""Which server program is used: the one that is named, the one that a package carries, one on the PATH."""

import sys
from pathlib import Path

import pytest

from leader.errors import InstanceError
from leader.instances import program
from leader.instances.program import carried_by, find_server


def make_program(path: Path) -> Path:
    """An executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_program_that_is_named_wins(tmp_path: Path) -> None:
    """`LEADER_TEST_SERVER` is asked first."""
    server = make_program(tmp_path / "mine")
    assert find_server({"LEADER_TEST_SERVER": str(server), "PATH": ""}) == server


def test_a_named_program_that_is_none_is_refused(tmp_path: Path) -> None:
    """It is not silently replaced by another."""
    with pytest.raises(InstanceError, match="which is no program"):
        find_server({"LEADER_TEST_SERVER": str(tmp_path / "missing")})


def test_a_package_carries_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found in its folder, wherever it keeps it, without importing the package."""
    server = make_program(tmp_path / "carrier" / "_binaries" / "some-system" / "valkey-server")
    (tmp_path / "carrier" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert carried_by("carrier") == server
    assert "carrier" not in sys.modules
    assert carried_by("no_such_package") is None


def test_without_a_package_the_path_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And without anything there, the sentence says what to install."""
    monkeypatch.setattr(program, "carried_by", lambda _package: None)
    server = make_program(tmp_path / "bin" / "redis-server")
    assert find_server({"PATH": str(server.parent)}) == server
    with pytest.raises(InstanceError, match=r"pip install 'leader\[embedded\]', or apt-get install redis"):
        find_server({"PATH": str(tmp_path)})
