"""Notices that this agent stood still, that its machine slept, or that its wall clock jumped, and how far.

A timer that comes late says that the agent was stopped or starved; the suspend-proof clock, ahead of the one
that stops in suspend, that the machine slept; the wall clock, moved against both, that it was set. Who stood
still for most of a lease, or whose wall clock was set, cannot know how long its machine was frozen: its
clocks may have stood still as well. So it gives up what it leads, and wins it anew. Decides nothing else.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from leader import clock
from leader.protocol.events import NS_PER_MS, Cause, Instant

LONGEST_PAUSE_NS = 2_500_000_000
SHORTEST_FREEZE_NS = 1_000_000_000
"""Ordinary trouble on a loaded machine is shorter."""
QUICK_NS = 2_000_000
TRIES = 10


@dataclass(frozen=True, slots=True)
class Clocks:
    """What the clocks show at one moment, nanoseconds: suspend-proof, stopping in suspend, wall."""

    boot: Instant
    monotonic: int
    wall: int


@dataclass(frozen=True, slots=True)
class Happening:
    """`kind` is frozen, suspended or clock-jumped; how long it lasted, or how far the clock jumped.

    `unseats`: whoever leads when it happens gives that up, whatever is left of the lease.
    """

    kind: str
    duration_ms: int
    unseats: bool = False

    @property
    def sentence(self) -> str:
        """It in words."""
        seconds = f"{abs(self.duration_ms) / 1000:.1f} s"
        match self.kind:
            case "frozen":
                return f"this agent stood still for {seconds}"
            case "suspended":
                return f"this machine was suspended for {seconds}"
            case _:
                return f"the wall clock jumped {seconds} {'ahead' if self.duration_ms > 0 else 'back'}"

    @property
    def cause(self) -> Cause:
        """What a leadership ends by, if this ends it."""
        return Cause.CLOCK_JUMPED if self.kind == "clock-jumped" else Cause.FROZEN


def read_clocks() -> Clocks:
    """All three, read so quickly that nothing came between; else the last try."""
    for _ in range(TRIES):
        clocks = _read()
        if clock.now_ns() - clocks.boot < QUICK_NS:
            return clocks
    return _read()


def _read() -> Clocks:
    return Clocks(clock.now_ns(), clock.monotonic_ns(), clock.wall_ns())


def compare(before: Clocks, after: Clocks, pause_ns: int, lease_ns: int) -> list[Happening]:
    """What happened between two looks, of which the second was due after a pause.

    A freeze counts from a quarter of the lease on, at least a second, and unseats a leader from half of it
    on: a beat that is lost, a third, never does. A jump counts, and unseats, from a tenth of the lease on,
    which is what the deadline leaves to the clocks; slewing moves a clock by less than a tenth of what passes
    (chrony, the boldest, by 8.3 %), however long that was.
    """
    happenings = []
    passed = after.boot - before.boot
    asleep = passed - (after.monotonic - before.monotonic)
    late = passed - asleep - pause_ns
    jumped = after.wall - before.wall - passed
    freeze_ns = max(SHORTEST_FREEZE_NS, lease_ns // 4)
    unseats = asleep + late > lease_ns // 2
    if asleep > freeze_ns:
        happenings.append(Happening("suspended", asleep // NS_PER_MS, unseats))
    if late > freeze_ns:
        happenings.append(Happening("frozen", late // NS_PER_MS, unseats))
    if abs(jumped) > max(lease_ns, passed) // 10:
        happenings.append(Happening("clock-jumped", round(jumped / NS_PER_MS), unseats=True))
    return happenings


class Pulse:
    """Looks at the clocks some times a lease; `happened` is told what it finds, `beat` called each time."""

    def __init__(
        self, lease_ns: int, beat: Callable[[], None], happened: Callable[[Happening], None]
    ) -> None:
        self._lease_ns = lease_ns
        self._pause_ns = min(LONGEST_PAUSE_NS, lease_ns // 4)
        self._beat = beat
        self._happened = happened

    async def run(self) -> None:
        """Look until cancelled."""
        before = read_clocks()
        while True:
            await asyncio.sleep(self._pause_ns / 1e9)
            after = read_clocks()
            for happening in compare(before, after, self._pause_ns, self._lease_ns):
                self._happened(happening)
            before = after
            self._beat()
