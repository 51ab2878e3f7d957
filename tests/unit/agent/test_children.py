"""Commands of an operator: they end within their time, with all that they started, and are heard."""

import os
from pathlib import Path

import pytest

from leader import clock
from leader.agent import children
from tests.support.polling import NS_PER_S, eventually


async def ended(script: str, timeout_s: float = 20.0) -> children.Ended:
    """How a script ends."""
    return await children.run(("/bin/sh", "-c", script), timeout_s, {"ASKED": "yes"}, leaves_nothing=True)


async def test_the_code_and_the_last_line_are_told() -> None:
    """Of what it wrote to either output; it knows what it was given."""
    assert await ended("echo first; echo $ASKED >&2; exit 7") == children.Ended(7, "yes")


@pytest.mark.parametrize(
    ("urls", "seen"),
    [("redis://10.0.0.1 redis://:secret@10.0.0.2", ""), ("redis://10.0.0.1", "redis://10.0.0.1")],
)
async def test_urls_with_passwords_are_kept_from_a_command(
    monkeypatch: pytest.MonkeyPatch, urls: str, seen: str
) -> None:
    """Those without any are not, so that it can run `leader quorum`."""
    monkeypatch.setenv("LEADER_QUORUM", urls)
    assert await ended("echo $LEADER_QUORUM") == children.Ended(0, seen)


async def test_a_command_that_says_nothing_is_quoted_with_nothing() -> None:
    """An empty line is nothing."""
    assert await ended("echo; exit 0") == children.Ended(0, "")


async def test_a_flood_is_read_and_mostly_forgotten() -> None:
    """A full pipe must not keep the command from ending, nor fill the memory."""
    flood = await ended("dd if=/dev/zero bs=1M count=20 2>/dev/null | tr '\\0' x; exit 3")
    assert flood.code == 3
    assert set(flood.said) == {"x"}
    assert len(flood.said) == children.LONGEST_LINE


async def test_a_terminal_is_not_steered_by_what_a_command_says() -> None:
    """Its words go into logs and tables."""
    assert (await ended("printf '\\033[31mred\\n'; exit 1")).said == "?[31mred"


async def test_a_command_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    """Even if both ignore SIGTERM."""
    note = tmp_path / "pid"
    script = f"trap '' TERM; sh -c 'echo $$ >{note}; trap \"\" TERM; exec sleep 600' & wait"
    began = clock.now_ns()
    assert (await ended(script, timeout_s=0.5)).code is None
    assert clock.now_ns() - began < 20 * NS_PER_S
    await eventually(lambda: is_gone(int(note.read_text())))


async def test_what_a_command_leaves_behind_is_ended(tmp_path: Path) -> None:
    """A child that goes on, and holds the outputs open, is neither waited for nor left."""
    note = tmp_path / "pid"
    assert (await ended(f"sleep 600 & echo $! >{note}")).code == 0
    await eventually(lambda: is_gone(int(note.read_text())))


async def test_a_command_that_is_not_there_cannot_be_started() -> None:
    """The system says why."""
    with pytest.raises(FileNotFoundError):
        await children.run(("/no/such/command",), 5.0, {})


def is_gone(pid: int) -> bool:
    """Whether there is no such process, or it is only waited for."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z" and os.getpid() != pid
