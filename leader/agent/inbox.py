"""When a notice is taken in: at once if this node may have to act on it, else a few of them together.

After a release every agent hears from every instance at once, and again when the successor takes the records.
Only the successor is in a hurry; on a machine that runs many agents, or has little to spare, what the others
make of all that would delay it. It spares work at every beat, too.
"""

from collections.abc import Callable, Sequence

from leader.agent.soon import Soon
from leader.protocol.calls import Notice
from leader.protocol.record import Record, State

TOGETHER_S = 0.02
"""How long a notice may wait for those of other instances: little beside the shortest lease."""
MOST_WAITING = 1000
"""An instance that publishes without end fills no memory."""

Received = tuple[str, Notice]
"""By which instance, and what."""


class Inbox:
    """Keeps notices in their order until they are taken in."""

    def __init__(self, node: str, take_in: Callable[[Sequence[Received]], None]) -> None:
        self._node = node
        self._take_in = take_in
        self._waiting: list[Received] = []
        self._soon = Soon(TOGETHER_S, self._empty)

    def put(self, instance: str, notice: Notice) -> None:
        """Take it in now, after those that came before, or within a moment."""
        self._waiting.append((instance, notice))
        if self._is_urgent(notice.record) or len(self._waiting) >= MOST_WAITING:
            self._soon.now()
        else:
            self._soon.ask()

    def close(self) -> None:
        """Take in nothing more."""
        self._soon.cancel()

    def _is_urgent(self, record: Record) -> bool:
        """Whether it is released, and not to another node: whoever is named goes first anyway."""
        return record.state is State.RELEASED and (not record.successor or record.successor == self._node)

    def _empty(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._take_in(waiting)
