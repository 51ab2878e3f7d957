"""Who says beforehand that it is about to hand over, and what does whoever hears that do?

A moment later nobody leads, and the successor alone is in a hurry. So it has its next term saved while the
old leader still leads, and all the others stop listening: on a machine that runs many agents they would all
wake up with it. A courtesy: nothing is decided by an announcement, and one that is lost or untrue costs some
milliseconds.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from leader import clock
from leader.agent.lane import Lane
from leader.instances.problems import Ineligible, Unanswered
from leader.protocol.calls import Announcement
from leader.protocol.events import NS_PER_MS, Announced, Event, Instant

HEADS_UP_S = 0.004
"""So long before a hand-over it is announced: a message, and a flush of a disk."""

ALL_TELL_NS = 500 * NS_PER_MS
"""What is heard so soon after an announcement is the same one, from another instance."""

NEAR_NS = 3 * NS_PER_MS
"""An instance that takes longer to answer would be busy with the announcement when the release comes."""


class Herald:
    """Announces what one agent hands over, and hears what others do."""

    def __init__(
        self,
        node: str,
        lanes: Mapping[str, Lane],
        feed: Callable[[Sequence[tuple[str, Event]]], None],
        passed_on: Callable[[], None],
        patience_ns: int,
    ) -> None:
        """`lanes` may be filled later; `passed_on` is called when what is announced is not for this node."""
        self._node = node
        self._lanes = lanes
        self._feed = feed
        self._passed_on = passed_on
        self._patience_ns = patience_ns
        self._telling: set[asyncio.Task[None]] = set()
        self._passed_on_at: Instant | None = None

    async def announce(self, heirs: Mapping[str, str]) -> None:
        """Return a moment after those who are to follow could hear of it; at once if nobody is."""
        near = [lane for lane in self._lanes.values() if _is_near(lane)]
        if not heirs or not near:
            return
        for lane in near:
            task = asyncio.create_task(self._tell(lane, Announcement(self._node, heirs)))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)
        await asyncio.sleep(HEADS_UP_S)

    def hear(self, elections: Iterable[str], announcement: Announcement) -> None:
        """Prepare to follow in those of these elections that are announced to this node."""
        ours = [election for election in elections if announcement.heirs.get(election) == self._node]
        if ours:
            self._feed([(election, Announced()) for election in ours])
        elif announcement.node != self._node:
            self._pass_on(clock.now_ns())

    def _pass_on(self, now: Instant) -> None:
        """Every instance tells of it, and the last ones are read when the moment is over."""
        if self._passed_on_at is None or now - self._passed_on_at > ALL_TELL_NS:
            self._passed_on_at = now
            self._passed_on()

    async def _tell(self, lane: Lane, announcement: Announcement) -> None:
        with contextlib.suppress(Unanswered, Ineligible):
            await lane.instance.announce(announcement, self._patience_ns)


def _is_near(lane: Lane) -> bool:
    """Whether it answers at all, and at once."""
    round_trip_ns = lane.round_trips.median_ns
    return lane.problem is None and round_trip_ns is not None and round_trip_ns <= NEAR_NS
