"""Which moment it is for one host, when it is another for the world."""

from dataclasses import dataclass

from leader.protocol.events import Instant


@dataclass(frozen=True, slots=True)
class BootClock:
    """A host's clock that goes on during suspend: `rate` in thousandths of the true one, and an offset.

    Rates from 953 to 1047 are the edge of what promise 1 allows: 1047 / 953 = 1.0986.
    """

    rate: int = 1000
    offset: int = 0

    def read(self, true_ns: int) -> Instant:
        """What it shows at this true moment."""
        return self.offset + true_ns * self.rate // 1000

    def when(self, instant: Instant) -> int:
        """The first true moment at which it shows this."""
        return -((self.offset - instant) * 1000 // self.rate)
