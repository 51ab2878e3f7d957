"""What must still be written at the instances about runs: until a majority has it, however long that takes.

The others are told for a while longer: who alone remembers a run must not remember it as running. Each report
is kept with the moment it is about, so that it says the same when it comes late.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from leader import clock
from leader.agent.job_lane import JobLane
from leader.protocol.events import NS_PER_MS, Instant
from leader.protocol.quorum import Voters
from leader.protocol.runs import Report, TickCall

PATIENCE_NS = 60_000_000_000
"""How long an instance that does not answer is told what a majority has."""

MOST = 1000
"""Reports that wait: the oldest is given up for one more."""


@dataclass(slots=True)
class Waiting:
    """One report, since when it is true, and which instances have it."""

    report: Report
    since: Instant
    told: set[str] = field(default_factory=set)
    written: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a majority has this report, or, if it was replaced, a later one."""
    put_at: Instant = field(default_factory=clock.now_ns)


class Reports:
    """All reports of one agent that are on their way."""

    def __init__(self, beat_ns: int, voters: Voters) -> None:
        self._voters = voters
        self._beat_s = beat_ns / 1e9
        self._waiting: dict[str, Waiting] = {}
        self._wanted = asyncio.Event()

    def put(self, report: Report, since: Instant) -> asyncio.Event:
        """Write this down, unless later news of the run is on its way; the event: a majority has the news."""
        waiting, nonce = Waiting(report, since), report.run.nonce
        before = self._waiting.get(nonce)
        if before is not None:
            if before.report.run.state.rank > report.run.state.rank:
                return before.written
            # whoever waits for the older news waits for the newer, and is not woken by the older
            waiting.written, before.written = before.written, asyncio.Event()
            waiting.written.clear()
            del self._waiting[nonce]
        self._waiting[nonce] = waiting
        if len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]
        self._wanted.set()
        return waiting.written

    @property
    def are_told(self) -> bool:
        """Whether nothing is left to be told."""
        return not self._waiting

    async def run(self, lanes: Mapping[str, JobLane]) -> None:
        """Tell every instance, again and again those that did not answer, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting:
                await asyncio.gather(*(self._tell(lane) for lane in lanes.values()))
                self._drop_told(lanes.keys())
                if self._waiting and not self._wanted.is_set():
                    await asyncio.sleep(self._beat_s)

    async def _tell(self, lane: JobLane) -> None:
        untold = [waiting for waiting in self._waiting.values() if lane.name not in waiting.told]
        await asyncio.gather(*(self._write(lane, waiting) for waiting in untold))

    async def _write(self, lane: JobLane, waiting: Waiting) -> None:
        age_ms = (clock.now_ns() - waiting.since) // NS_PER_MS
        report = replace(waiting.report, run=replace(waiting.report.run, age_ms=age_ms))
        if await lane.ask(TickCall(report.run.job, report)) is None:
            return
        waiting.told.add(lane.name)
        if self._voters.spare(waiting.told) >= 0:
            waiting.written.set()

    def _drop_told(self, instances: Collection[str]) -> None:
        """Forget what every instance has, and what a majority has had for long."""
        long_ago = clock.now_ns() - PATIENCE_NS
        self._waiting = {
            nonce: waiting
            for nonce, waiting in self._waiting.items()
            if not waiting.told >= set(instances)
            and not (waiting.written.is_set() and waiting.put_at < long_ago)
        }
