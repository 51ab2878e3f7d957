"""When a notice is taken in: at once if this node may have to act on it, else a few of them together.

After a release every agent hears from every instance at once, and again when the successor takes the records.
Only the successor is in a hurry; on a machine that runs many agents, or has little to spare, what the others
make of all that would delay it. So they do not even read on for a moment. It spares work at every beat, too.
"""

from collections.abc import Callable, Mapping, Sequence

from leader.agent.soon import Soon
from leader.protocol.calls import Notice
from leader.protocol.elector import Elector
from leader.protocol.record import Holder, Record, State

TOGETHER_S = 0.02
"""How long a notice may wait for those of other instances: little beside the shortest lease."""
MOST_WAITING = 1000
"""An instance that publishes without end fills no memory."""

Received = tuple[str, Notice]
"""By which instance, and what."""


class Inbox:
    """Keeps notices in their order until they are taken in."""

    def __init__(
        self,
        node: str,
        electors: Mapping[str, Elector],
        take_in: Callable[[Sequence[Received]], None],
        passed_on: Callable[[], None],
    ) -> None:
        """`passed_on` is called when the first instance tells of a release to another node."""
        self._node = node
        self._electors = electors
        self._take_in = take_in
        self._passed_on = passed_on
        self._waiting: list[Received] = []
        self._released: dict[str, Holder | None] = {}
        """Whose release to another node was told last, by election."""
        self._soon = Soon(TOGETHER_S, self._empty)

    def put(self, instance: str, notice: Notice) -> None:
        """Take it in now, after those that came before, or within a moment, if there is an elector for it."""
        if notice.election not in self._electors:
            return
        self._waiting.append((instance, notice))
        if self._is_urgent(notice.record) or len(self._waiting) >= MOST_WAITING:
            self._soon.now()
        else:
            self._soon.ask()
            self._look_for_release(instance, notice)

    def _look_for_release(self, instance: str, notice: Notice) -> None:
        record = notice.record
        if record.state is State.RELEASED and self._released.get(notice.election) != record.holder:
            self._released[notice.election] = record.holder
            if not self._gives_up_more(instance, notice):
                self._passed_on()

    def _gives_up_more(self, instance: str, notice: Notice) -> bool:
        """Whether the node that released one election was last seen to hold another there.

        It may be giving up that one as well, and to this node.
        """
        holder = notice.record.holder
        others = (elector for election, elector in self._electors.items() if election != notice.election)
        return holder is not None and any(
            elector.electorate.witnesses[instance].is_of(holder.node) for elector in others
        )

    def close(self) -> None:
        """Take in nothing more."""
        self._soon.cancel()

    def _is_urgent(self, record: Record) -> bool:
        """Whether it is released, and not to another node: whoever is named goes first anyway."""
        return record.state is State.RELEASED and (not record.successor or record.successor == self._node)

    def _empty(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._take_in(waiting)
