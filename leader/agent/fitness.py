"""Whether this node is fit to lead: the operator's command and limits, checked again and again.

An unfit node does not contend, and hands over what it leads. A few bad checks in a row make it unfit
(`fall`), a few good ones fit again (`rise`); at the start the first one decides, and until then the node
does not lead, unless it goes on with what it led before a restart. Every agent reads its vitals, to be shown.
"""

import asyncio
from collections.abc import Mapping

from leader.agent import children, vitals
from leader.agent.contention import Contention
from leader.agent.journal import Journal
from leader.agent.threads import on_a_thread
from leader.config.model import FitnessConfig
from leader.protocol.events import Cause
from leader.protocol.snapshot import VitalsView

MS_PER_S = 1000
ONLY_SHOWN_MS = 60_000
"""How often vitals are read, at most, that nothing depends on."""
NOT_YET = "its first fitness check has not ended yet"


class Judgement:
    """Fit or not, by the last checks in a row; `fit` is None before the first, which decides alone."""

    def __init__(self, rise: int, fall: int, *, fit: bool | None) -> None:
        self.fit = fit
        self._needed = {True: rise, False: fall}
        self._in_a_row = 0

    def take(self, *, is_good: bool) -> None:
        """Take in one check."""
        if is_good is self.fit:
            self._in_a_row = 0
            return
        self._in_a_row += 1
        if self.fit is None or self._in_a_row >= self._needed[is_good]:
            self.fit = is_good
            self._in_a_row = 0


class Fitness:
    """The checks of one agent; `vitals` are those of the last one."""

    def __init__(
        self,
        limits: FitnessConfig,
        environment: Mapping[str, str],
        contention: Contention,
        journal: Journal,
        *,
        resumes: bool,
    ) -> None:
        """`environment` is added to the command's own; `resumes`: the process before this one led."""
        self.vitals: VitalsView | None = None
        self._limits = limits
        self._environment = environment
        self._contention = contention
        self._journal = journal
        self._judgement = Judgement(limits.rise, limits.fall, fit=True if resumes else None)
        interval_ms = limits.interval_ms
        if not limits.asks_for_something:
            interval_ms = max(interval_ms, ONLY_SHOWN_MS)
        self._interval_s = interval_ms / MS_PER_S
        self._timeout_s = limits.timeout_ms / MS_PER_S
        self._reading: asyncio.Future[list[str]] | None = None

    def begin(self) -> None:
        """Let this node not contend before the first check, if there is anything to check."""
        if self._limits.asks_for_something and self._judgement.fit is None:
            self._contention.forbid(Cause.UNFIT, NOT_YET)

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            complaints = await self._complaints()
            if self._limits.asks_for_something:
                self._judge("; ".join(complaints))
            await asyncio.sleep(self._interval_s)

    def _judge(self, complaint: str) -> None:
        was_fit = self._judgement.fit
        self._judgement.take(is_good=not complaint)
        if self._judgement.fit:
            self._contention.allow(Cause.UNFIT)
        elif complaint:
            self._contention.forbid(Cause.UNFIT, complaint)
        if was_fit is False and self._judgement.fit:
            self._journal.tell("fit", "this node is fit to lead again")
        elif was_fit is not False and not self._judgement.fit:
            self._journal.tell("unfit", f"this node is unfit to lead: {complaint}", reason=complaint)

    async def _complaints(self) -> list[str]:
        """All that is wrong, a sentence each; the command and the vitals beside each other."""
        said, read = await asyncio.gather(self._ask_command(), self._read_vitals())
        return said + read

    async def _ask_command(self) -> list[str]:
        command = self._limits.command
        if not command:
            return []
        try:
            ended = await children.run(command, self._timeout_s, self._environment, leaves_nothing=True)
        except OSError as error:
            return [f"the fitness command {command[0]} cannot be started ({error.strerror})"]
        if ended.code == 0:
            return []
        how = "took longer than timeout" if ended.code is None else f"ended with {ended.code}"
        return [f"the fitness command {command[0]} {how}" + (f": {ended.said}" if ended.said else "")]

    async def _read_vitals(self) -> list[str]:
        """Read on a thread; while one hangs, on a disk that does, no second one is started."""
        if self._reading is None:
            self._reading = on_a_thread(self._examine)
        await asyncio.wait([self._reading], timeout=self._timeout_s)
        if not self._reading.done():
            return ["the vitals cannot be read within timeout: a disk may hang"]
        reading, self._reading = self._reading, None
        try:
            return reading.result()
        except OSError as error:
            return [f"the vitals cannot be read: {error}"]

    def _examine(self) -> list[str]:
        found = vitals.read(self._limits.min_free_disk_percent)
        self.vitals = found.view()
        return vitals.broken_limits(self._limits, found) + vitals.missing(self._limits)
