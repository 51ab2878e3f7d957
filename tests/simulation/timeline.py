"""Virtual time: what happens when, and in which order. One seed decides all.

Knows nothing of what takes part; it also keeps the account of what happened.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable
from random import Random

from leader.protocol.events import NS_PER_MS

LEASE_MS = 10_000
LEASE_NS = LEASE_MS * NS_PER_MS
WALL_MS = 1_790_000_000_000
"""What a good wall clock shows at the beginning, milliseconds since 1970."""

REMEMBERED_LINES = 3000
MOST_STEPS = 3_000_000
TIMERS = (0.1, 0.25, 1 / 3, 0.5, 0.9, 1.0, 1.1, 2.0, 4.0)
"""The protocol's own timers, and some leases: cruel moments, in leases."""


class Timeline:
    """The true time, nanoseconds since the beginning, and what is still to come."""

    def __init__(self, seed: int, *, keeps_log: bool = False) -> None:
        self.now = 0
        self.random = Random(seed)
        self.counts: Counter[str] = Counter()
        self.log: deque[str] | None = deque(maxlen=REMEMBERED_LINES) if keeps_log else None
        self.steps = 0
        self._queue: list[tuple[int, int, Callable[..., None], tuple[object, ...]]] = []
        self._serial = 0

    def at(self, moment: int, action: Callable[..., None], *arguments: object) -> None:
        """Let this happen at that true moment, or now if it has passed."""
        self._serial += 1
        heapq.heappush(self._queue, (max(moment, self.now), self._serial, action, arguments))

    def after(self, delay_ns: int, action: Callable[..., None], *arguments: object) -> None:
        """Let this happen so much later."""
        self.at(self.now + delay_ns, action, *arguments)

    def run_until(self, moment: int, stop: Callable[[], bool] | None = None) -> bool:
        """Let time pass up to this moment, or until `stop` says so; return whether it did."""
        queue = self._queue
        while queue and queue[0][0] <= moment:
            self.now, _, action, arguments = heapq.heappop(queue)
            action(*arguments)
            self.steps += 1
            assert self.steps < MOST_STEPS, "the world spins"
            if stop is not None and stop():
                return True
        self.now = moment
        return stop is not None and stop()

    def tell(self, line: str) -> None:
        """Write down what happened, if anybody reads it."""
        if self.log is not None:
            self.log.append(f"{self.now / LEASE_NS:8.4f}  {line}")

    def count(self, what: str) -> None:
        """Count a fault, a verdict, an effect."""
        self.counts[what] += 1

    def unique(self, prefix: str) -> str:
        """A name that no other thing has."""
        self._serial += 1
        return f"{prefix}{self._serial}"

    def chance(self, share: float) -> bool:
        """Whether something happens that does in this share of cases."""
        return share > 0 and self.random.random() < share

    def cruel_ns(self) -> int:
        """A time close to one of the protocol's timers, on either side of it."""
        return int(self.random.choice(TIMERS) * LEASE_NS * self.random.uniform(0.9, 1.1))
