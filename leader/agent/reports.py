"""What must still be written at the instances about runs, until a majority has it, however long that takes.

Each report is kept with the moment it is about, so that it says the same when it comes late.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from leader import clock
from leader.agent.job_lane import JobLane
from leader.protocol.events import NS_PER_MS, Instant
from leader.protocol.quorum import majority
from leader.protocol.runs import Report, TickCall

MOST = 1000
"""Reports that wait: the oldest is given up for one more."""


@dataclass(slots=True)
class Waiting:
    """One report, since when it is true, and which instances have it."""

    report: Report
    since: Instant
    told: set[str] = field(default_factory=set)
    written: asyncio.Event = field(default_factory=asyncio.Event)


class Reports:
    """All reports of one agent that are on their way."""

    def __init__(self, beat_ns: int) -> None:
        self._beat_s = beat_ns / 1e9
        self._waiting: dict[str, Waiting] = {}
        self._wanted = asyncio.Event()

    def put(self, report: Report, since: Instant) -> asyncio.Event:
        """Write this down; the event is set once a majority of the instances has it."""
        waiting = Waiting(report, since)
        before = self._waiting.pop(report.run.nonce, None)
        if before is not None:  # whoever waits for the older news waits for the newer
            waiting.written = before.written
        self._waiting[report.run.nonce] = waiting
        if len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]
        self._wanted.set()
        return waiting.written

    async def run(self, lanes: Mapping[str, JobLane]) -> None:
        """Tell every instance, again and again those that did not answer, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting:
                await asyncio.gather(*(self._tell(lane, len(lanes)) for lane in lanes.values()))
                self._drop_told(len(lanes))
                if self._waiting and not self._wanted.is_set():
                    await asyncio.sleep(self._beat_s)

    async def _tell(self, lane: JobLane, instances: int) -> None:
        untold = [waiting for waiting in self._waiting.values() if lane.name not in waiting.told]
        await asyncio.gather(*(self._write(lane, waiting, instances) for waiting in untold))

    async def _write(self, lane: JobLane, waiting: Waiting, instances: int) -> None:
        age_ms = (clock.now_ns() - waiting.since) // NS_PER_MS
        report = replace(waiting.report, run=replace(waiting.report.run, age_ms=age_ms))
        if await lane.ask(TickCall(report.run.job, report)) is None:
            return
        waiting.told.add(lane.name)
        if len(waiting.told) >= majority(instances):
            waiting.written.set()

    def _drop_told(self, instances: int) -> None:
        """Forget what a majority has: the others were told as well, and whoever looks merges what it sees."""
        self._waiting = {
            nonce: waiting
            for nonce, waiting in self._waiting.items()
            if len(waiting.told) < majority(instances)
        }
