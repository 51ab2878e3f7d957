"""Terms and holders on disk (rules R5 and R9)."""

import errno
import json
import os
from pathlib import Path

import pytest

from leader.agent.store import HolderStore, TermStore, directory_id
from leader.errors import ConfigurationError, TermNotSaved
from leader.files import replace
from leader.protocol.calls import Configuration
from leader.protocol.record import Holder
from leader.protocol.resume import Place

HELD = (Holder("a", "first", 7),)


def place(directory: Path, boot: str = "this boot") -> Place:
    """Where this test's agent runs."""
    return Place(boot, "this machine", directory_id(directory), "c", "a", Configuration(1, "f", 10_000))


def test_a_saved_term_is_known_after_a_restart(tmp_path: Path) -> None:
    """The highest term survives, for its cluster and election only."""
    TermStore(tmp_path, "c").save("default", 41)
    assert TermStore(tmp_path, "c").highest("default") == 41
    assert TermStore(tmp_path, "c").highest("other") == 0
    assert TermStore(tmp_path, "d").highest("default") == 0


def test_a_lower_term_never_replaces_a_higher_one(tmp_path: Path) -> None:
    """Terms on disk only grow."""
    store = TermStore(tmp_path, "c")
    store.save("default", 41)
    store.save("default", 40)
    assert TermStore(tmp_path, "c").highest("default") == 41


def test_a_damaged_term_file_stops_the_start_and_says_what_to_do(tmp_path: Path) -> None:
    """Guessing a term could repeat one, so a person decides."""
    (tmp_path / "terms.json").write_text('{"c": {"default": "many"}}')
    with pytest.raises(ConfigurationError, match="put it back from a backup"):
        TermStore(tmp_path, "c")


def no_space(*_: object) -> int:
    """What a full disk says."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_told_and_loses_no_term(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A term that cannot be written is not claimed, and what was there stays."""
    store = TermStore(tmp_path, "c")
    store.save("default", 41)
    monkeypatch.setattr(os, "pwrite", no_space)
    with pytest.raises(TermNotSaved, match="claims no leadership"):
        store.save("default", 42)
    assert TermStore(tmp_path, "c").highest("default") == 41


def test_a_durable_write_leaves_no_other_file(tmp_path: Path) -> None:
    """The file is replaced in one step."""
    replace(tmp_path / "terms.json", "{}", durably=True)
    assert [path.name for path in tmp_path.iterdir()] == ["terms.json"]


def test_holders_written_at_this_place_may_be_resumed(tmp_path: Path) -> None:
    """A restart on the same machine and directory finds what was held."""
    HolderStore(tmp_path, place(tmp_path)).save("default", HELD)
    assert HolderStore(tmp_path, place(tmp_path)).load() == {"default": HELD}


def test_a_struck_holder_is_gone(tmp_path: Path) -> None:
    """An empty tuple strikes one election and leaves the others."""
    store = HolderStore(tmp_path, place(tmp_path))
    store.save("default", HELD)
    store.save("reports", HELD)
    store.save("default", ())
    assert HolderStore(tmp_path, place(tmp_path)).load() == {"reports": HELD}


def test_holders_of_another_boot_are_deleted_unread(tmp_path: Path) -> None:
    """After a reboot nothing is resumed, and the file is gone."""
    HolderStore(tmp_path, place(tmp_path, "an earlier boot")).save("default", HELD)
    assert HolderStore(tmp_path, place(tmp_path)).load() == {}
    assert not (tmp_path / "holders.json").exists()


def test_a_copied_runtime_directory_is_another_place(tmp_path: Path) -> None:
    """A copy on the same machine resumes nothing (trace 8)."""
    original, copy = tmp_path / "original", tmp_path / "copy"
    original.mkdir()
    copy.mkdir()
    HolderStore(original, place(original)).save("default", HELD)
    (copy / "holders.json").write_text((original / "holders.json").read_text())
    assert HolderStore(copy, place(copy)).load() == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"place": 1}', json.dumps({"place": {}, "holders": {}})])
def test_a_damaged_file_of_holders_resumes_nothing(tmp_path: Path, text: str) -> None:
    """What cannot be read is not believed."""
    (tmp_path / "holders.json").write_text(text)
    assert HolderStore(tmp_path, place(tmp_path)).load() == {}


def test_a_file_of_holders_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    """Nobody can tell whether it names a holder, so the agent does not start; the remedy is told."""
    (tmp_path / "holders.json").mkdir()
    with pytest.raises(
        ConfigurationError,
        match=r"holders\.json cannot be read .*: it names what this node held; .*, or remove it$",
    ) as told:
        HolderStore(tmp_path, place(tmp_path)).load()
    assert told.value.exit_code == 78


def test_a_file_of_holders_that_is_no_text_is_deleted(tmp_path: Path) -> None:
    """It resumes nothing, and does not come in the way again."""
    (tmp_path / "holders.json").write_bytes(b"\xff\xfe")
    assert HolderStore(tmp_path, place(tmp_path)).load() == {}
    assert not (tmp_path / "holders.json").exists()
