"""How long calls to one instance took: the median and the 99th percentile of the last, a histogram of all."""

from bisect import bisect_left
from collections import deque
from itertools import accumulate

from leader.api.figures import Histogram

REMEMBERED = 200
BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""From a server next door to the patience of a lease of 25 s."""
NS_PER_S = 1_000_000_000


class RoundTrips:
    """The last round trips, nanoseconds each."""

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=REMEMBERED)
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._total_ns = 0

    def add(self, round_trip_ns: int) -> None:
        """Take in one more."""
        self._last.append(round_trip_ns)
        self._counts[bisect_left(BOUNDS_S, round_trip_ns / NS_PER_S)] += 1
        self._total_ns += round_trip_ns

    @property
    def histogram(self) -> Histogram:
        """All of them since the start."""
        *sums, count = accumulate(self._counts)
        return Histogram(tuple(zip(BOUNDS_S, sums, strict=True)), count, self._total_ns / NS_PER_S)

    @property
    def median_ns(self) -> int | None:
        """What half of them took at most; None before the first."""
        return self._at_most(50)

    @property
    def p99_ns(self) -> int | None:
        """What all but one of a hundred took at most; None before the first."""
        return self._at_most(99)

    def _at_most(self, percent: int) -> int | None:
        if not self._last:
            return None
        in_order = sorted(self._last)
        return in_order[(len(in_order) * percent - 1) // 100]
