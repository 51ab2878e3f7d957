"""Who runs jobs while this node leads, and have they ended?

A guard is a connection of `leader run`: it is told when its job must end, and leaves when nothing of it is
left. A planned hand-over waits for all of them (rule R4). Decides nothing about elections.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from leader import clock
from leader.agent.journal import Listener
from leader.protocol.events import Instant

Looked = Callable[[str], None]
"""Called with an election when a guard of it has left."""


class Guards:
    """All guards of one agent; `ended` is called when one that was told to has left."""

    def __init__(self, *, returning_until: Instant = 0) -> None:
        """Until that instant, guards of the process before this one may still be on their way back."""
        self.ended: Looked = lambda _election: None
        self._returning_until = returning_until
        self._guards: defaultdict[str, list[Listener]] = defaultdict(list)
        self._terms: dict[str, int] = {}
        """The leaderships whose jobs must end."""

    def join(self, election: str, listener: Listener) -> Callable[[], None]:
        """Wait for this guard at a hand-over, until what is returned is called."""
        self._guards[election].append(listener)
        if election in self._terms:
            listener(_must_end(election, self._terms[election]))

        def leave() -> None:
            self._guards[election].remove(listener)
            self.ended(election)

        return leave

    def begin(self, election: str) -> None:
        """A new leadership begins: nobody waits for the jobs of the last one any more."""
        self._terms.pop(election, None)

    def end(self, election: str, term: int) -> None:
        """Tell all guards of an election that their jobs must end."""
        self._terms[election] = term
        for listener in tuple(self._guards[election]):
            listener(_must_end(election, term))
        left_ns = self._returning_until - clock.now_ns()
        if left_ns > 0:
            asyncio.get_running_loop().call_later(left_ns / 1e9, self.ended, election)

    def count(self, election: str) -> int:
        """How many there are."""
        return len(self._guards[election])

    def are_gone(self, election: str) -> bool:
        """Whether no guard of this election is left, nor may still come back."""
        return not self._guards[election] and clock.now_ns() >= self._returning_until


def _must_end(election: str, term: int) -> dict[str, object]:
    return {"event": "ends", "election": election, "term": term}
