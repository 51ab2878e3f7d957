"""How long there was a leader, and how long there were two, at true time: the same sum for either system.

It hears of each agent until which true moment it will answer yes, whenever that changes; so it needs no
samples, and no moment escapes it.
"""

from tests.simulation.timeline import Timeline


class Account:
    """What agents answered, from a true moment on."""

    def __init__(self, time: Timeline, begins_at: int) -> None:
        self.led_ns = 0
        self.twice_led_ns = 0
        self._time = time
        self._counted_to = begins_at
        self._until: dict[str, int] = {}

    def note(self, place: str, until: int) -> None:
        """Hear that this agent answers yes up to this true moment, and no after it."""
        self.count()
        self._until[place] = until

    def count(self) -> None:
        """Add up to the present."""
        if self._time.now <= self._counted_to:
            return
        *_, second, first = sorted((0, 0, *self._until.values()))
        self.led_ns += self._passed(first)
        self.twice_led_ns += self._passed(second)
        self._counted_to = self._time.now

    def _passed(self, until: int) -> int:
        return max(0, min(until, self._time.now) - self._counted_to)
