"""A short text that is written in place, over the older of two."""

import errno
import os
from pathlib import Path

import pytest

from leader.agent.slots import BLOCK, Slots


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file stands."""
    return tmp_path / "file"


def written(path: Path, *texts: str) -> Slots:
    """What wrote these, one after the other."""
    slots = Slots(path, durably=True)
    for text in texts:
        slots.write(text)
    return slots


def spoil(path: Path, text: str) -> None:
    """Leave half of what was written with this text."""
    content = path.read_bytes()
    at = content.index(text.encode())
    path.write_bytes(content[:at] + b"\0" * len(text) + content[at + len(text) :])


def fails(*_: object) -> int:
    """What a disk says that is broken."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_text_that_was_written_last_is_in_force(path: Path, count: int) -> None:
    """In this process and in the next, which goes on from there."""
    texts = [f"text {number}" for number in range(count)]
    assert written(path, *texts).read() == texts[-1]
    slots = Slots(path, durably=True)
    assert slots.read() == texts[-1]
    slots.write("next")
    assert Slots(path, durably=True).read() == "next"


def test_a_text_is_written_into_the_file_that_is_there(path: Path) -> None:
    """So no other name, and no other file, has to become durable."""
    slots = written(path, "first")
    before = path.stat()
    for number in range(5):
        slots.write(f"text {number}")
    after = path.stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    assert [one.name for one in path.parent.iterdir()] == ["file"]


def test_a_write_that_was_torn_leaves_the_text_before(path: Path) -> None:
    """The newer of the two is damaged, so the older is in force; the next write goes over the damage."""
    written(path, "one", "two", "three")
    spoil(path, "three")
    slots = Slots(path, durably=True)
    assert slots.read() == "two"
    slots.write("four")
    spoil(path, "two")
    assert Slots(path, durably=True).read() == "four"


def test_a_write_that_failed_is_made_good_by_the_next(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It took the place of the older text, and so does the next one: the newer is never touched."""
    slots = written(path, "one", "two")
    with monkeypatch.context() as patched, pytest.raises(OSError, match="Input/output error"):
        patched.setattr(os, "fdatasync", fails)
        slots.write("three")
    slots.write("four")
    spoil(path, "four")
    assert Slots(path, durably=True).read() == "two"


def test_a_write_that_came_to_a_part_of_it_has_failed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full: what was in force stays so."""
    slots = written(path, "one")
    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space left"):
        patched.setattr(os, "pwrite", lambda *_: 5)
        slots.write("two")
    assert Slots(path, durably=True).read() == "one"


def test_what_need_not_outlive_the_machine_waits_for_no_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in force for whoever reads it next, as what is durable is."""
    for sync in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, sync, fails)
    slots = Slots(path, durably=False)
    for number in range(3):
        slots.write(f"text {number}")
        assert Slots(path, durably=False).read() == f"text {number}"


@pytest.mark.parametrize("other", ["", "something else", " " * 2 * BLOCK])
def test_a_file_that_somebody_put_there_is_replaced(path: Path, other: str) -> None:
    """Nothing is written into a file of another make, whatever its size."""
    slots = written(path, "one", "two")
    path.unlink()
    path.write_text(other)
    slots.write("three")
    assert Slots(path, durably=True).read() == "three"


def test_a_file_that_is_gone_is_made_anew(path: Path) -> None:
    """With the text that is to be in force."""
    slots = written(path, "one")
    path.unlink()
    slots.write("two")
    assert Slots(path, durably=True).read() == "two"


def test_a_text_that_outgrows_its_place_gets_a_larger_file(path: Path) -> None:
    """And is written in place again from then on."""
    long = "x" * 2 * BLOCK
    slots = written(path, "one", long)
    assert Slots(path, durably=True).read() == long
    inode = path.stat().st_ino
    slots.write(long + "y")
    assert Slots(path, durably=True).read() == long + "y"
    assert path.stat().st_ino == inode


@pytest.mark.parametrize("content", ["", "{}", '{"c": {"e": 7}}', "x" * 2 * BLOCK])
def test_a_file_of_another_kind_is_read_as_it_is(path: Path, content: str) -> None:
    """Whether it means anything is for the caller to say."""
    path.write_text(content)
    assert Slots(path, durably=True).read() == content
