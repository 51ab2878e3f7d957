"""The pause of a node, as it is kept in its state directory."""

import os
from pathlib import Path

import pytest

from leader import clock
from leader.agent.pause import FILE, Pause, PauseStore
from leader.errors import ConfigurationError


def test_a_pause_is_kept_and_removed(tmp_path: Path) -> None:
    """Another process finds it as it was, and none when it was removed."""
    pause = Pause("upgrade", "uid 0, pid 7", 1_790_000_000_000, None)
    PauseStore(tmp_path).save(pause)
    assert PauseStore(tmp_path).load() == pause
    PauseStore(tmp_path).remove()
    assert PauseStore(tmp_path).load() is None
    PauseStore(tmp_path).remove()


def test_a_pause_that_was_removed_does_not_come_back_by_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory is synced after the file is gone from it."""
    store, synced = PauseStore(tmp_path), list[list[Path]]()
    store.save(Pause("upgrade", "uid 0, pid 7", 1_790_000_000_000, None))
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(list(Path(f"/proc/self/fd/{fd}").iterdir())))
    store.remove()
    assert synced == [[]]


@pytest.mark.parametrize(("left_ms", "is_over"), [(60_000, False), (-1, True)])
def test_a_pause_may_be_over_when_it_is_found(tmp_path: Path, left_ms: int, *, is_over: bool) -> None:
    """It has ended while no agent ran."""
    now_ms = clock.wall_ms()
    PauseStore(tmp_path).save(Pause("", "uid 0, pid 7", now_ms - 100, now_ms + left_ms))
    found = PauseStore(tmp_path).load()
    assert found is not None
    assert found.is_over is is_over


def test_it_is_told_who_asked_and_why() -> None:
    """Without a reason nothing is made up."""
    assert Pause("upgrade", "uid 0, pid 7", 0, None).sentence == "by uid 0, pid 7: upgrade"
    assert Pause("", "uid 0, pid 7", 0, 60_000).sentence == "by uid 0, pid 7 until 1970-01-01T00:01:00Z"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"reason": "x', '{"reason":"","by":"","since_ms":"x"}'])
def test_a_file_that_cannot_be_read_keeps_the_agent_from_starting(tmp_path: Path, text: str) -> None:
    """A node that was paused must not lead because of a torn file; the sentence says what to remove."""
    (tmp_path / FILE).write_text(text)
    with pytest.raises(
        ConfigurationError,
        match=r"pause\.json cannot be read .*: it keeps this node from leading; remove it",
    ):
        PauseStore(tmp_path).load()
