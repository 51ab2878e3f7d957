"""A pause is on disk and in force, or neither: whatever happens beside it, and whoever goes away."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from leader import clock
from leader.agent.conductor import Conductor
from leader.agent.contention import Contention
from leader.agent.guards import Guards
from leader.agent.hooks import Hooks
from leader.agent.jobs import Jobs, Quorum, Sight
from leader.agent.journal import Journal
from leader.agent.leases import Leases
from leader.agent.pause import Pause, PauseStore
from leader.agent.registry import Registry
from leader.agent.steering import Steered, Steering
from leader.agent.store import HolderStore, TermStore, directory_id
from leader.api.peers import Peer
from leader.errors import Refused
from leader.protocol.calls import Configuration
from leader.protocol.events import Cause, ContentionChanged
from leader.protocol.quorum import Voters
from leader.protocol.resume import Place
from tests.support.polling import eventually

OPERATOR = Peer(pid=7, uid=0, gid=0, groups=frozenset({0}))


class Stuck(PauseStore):
    """Keeps what it is given, and cannot remove it."""

    def remove(self) -> None:
        raise OSError(30, "Read-only file system")


class Desk:
    """The steering of an agent that takes part in no election, and what it said."""

    def __init__(self, directory: Path, store: PauseStore | None = None, returning_until: int = 0) -> None:
        self.told: list[ContentionChanged] = []
        self.journal = Journal("a")
        self.contention = Contention(self.told.append)
        place = Place("boot", "machine", directory_id(directory), "c", "a", Configuration(1, "f", 2000))
        guards = Guards(returning_until=returning_until)
        conductor = Conductor(
            {},
            (TermStore(directory, "c"), HolderStore(directory, place), Leases(directory / "s", "a", 1)),
            (guards, Hooks({}, {})),
            self.journal,
        )
        sight = Sight(lambda _: None, lambda _: False, frozenset, frozenset)
        jobs = Jobs(Quorum("a", {}, Voters(()), 2000), sight, guards, self.journal)
        self.steering = Steering(
            Steered(
                "a",
                conductor,
                self.contention,
                jobs,
                Registry(),
                self.journal,
                self.forget,
                2_000_000_000,
                self.announce,
            ),
            store or PauseStore(directory),
        )

    async def announce(self, _heirs: Mapping[str, str]) -> None:
        """There is nobody to follow."""

    async def forget(self, _node: str) -> dict[str, str]:
        """There is no instance."""
        return {}

    @property
    def is_paused(self) -> bool:
        """Whether the elections were told so last."""
        return Cause.PAUSED in self.contention.reasons

    def events(self) -> list[object]:
        """The names of what was told."""
        return [change["event"] for change in self.journal.recent]


async def test_file_and_memory_say_the_same_when_two_ask_at_once(tmp_path: Path) -> None:
    """Pause and resume at the same moment come one after the other, in either order."""
    for _ in range(100):
        desk = Desk(tmp_path)
        await desk.steering.pause("old", None, OPERATOR)
        await asyncio.gather(desk.steering.resume(OPERATOR), desk.steering.pause("new", None, OPERATOR))
        assert (PauseStore(tmp_path).load() is not None) is desk.is_paused
        assert (desk.steering.pause_now is not None) is desk.is_paused
        PauseStore(tmp_path).remove()


async def test_a_pause_is_carried_through_though_whoever_asked_is_gone(tmp_path: Path) -> None:
    """Else it would lie on disk, and come into force at the next restart."""
    desk = Desk(tmp_path)
    asked = asyncio.create_task(desk.steering.pause("new disk", None, OPERATOR))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await eventually(lambda: desk.is_paused)
    assert PauseStore(tmp_path).load() is not None


async def test_a_pause_whose_file_cannot_be_removed_ends_when_its_time_has_come(tmp_path: Path) -> None:
    """The agent goes on, and says in its log that the file is still there."""
    desk = Desk(tmp_path, Stuck(tmp_path))
    await desk.steering.pause("", 20, OPERATOR)
    running = asyncio.create_task(desk.steering.run())
    await eventually(lambda: not desk.is_paused)
    assert not running.done()
    running.cancel()


async def test_a_pause_that_cannot_be_ended_goes_on(tmp_path: Path) -> None:
    """The operator hears so; a restart would pause the node again."""
    desk = Desk(tmp_path, Stuck(tmp_path))
    await desk.steering.pause("", None, OPERATOR)
    with pytest.raises(
        Refused,
        match=r"^the pause cannot be ended \(Read-only file system\): make the state directory writable",
    ):
        await desk.steering.resume(OPERATOR)
    assert desk.is_paused


async def test_a_pause_that_ended_while_the_agent_was_down_is_told_and_removed(tmp_path: Path) -> None:
    """So that a clock that is set back does not bring it back."""
    now_ms = clock.wall_ms()
    PauseStore(tmp_path).save(Pause("", "uid 0, pid 7", now_ms - 100, now_ms - 10))
    desk = Desk(tmp_path)
    desk.steering.begin()
    assert not desk.is_paused
    running = asyncio.create_task(desk.steering.run())
    await eventually(lambda: desk.events() == ["resumed"])
    assert PauseStore(tmp_path).load() is None
    running.cancel()


async def test_after_a_restart_a_drain_waits_for_those_who_may_still_come_back(tmp_path: Path) -> None:
    """What runs under the agent before this one is not there yet, and must not be taken for gone."""
    desk = Desk(tmp_path, returning_until=clock.now_ns() + 10**12)
    assert desk.steering.work("default")
    assert str(desk.steering.work("default")) == "what ran before the agent's restart"
    assert not Desk(tmp_path).steering.work("default")
