"""How long the last calls to one instance took: the median and the 99th percentile."""

from collections import deque

REMEMBERED = 200


class RoundTrips:
    """The last round trips, nanoseconds each."""

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=REMEMBERED)

    def add(self, round_trip_ns: int) -> None:
        """Take in one more."""
        self._last.append(round_trip_ns)

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
