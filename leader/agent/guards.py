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

Ended = Callable[[str, int], None]
"""Called with election and term when no job of that leadership is left."""


class Guards:
    """All guards of one agent."""

    def __init__(self, ended: Ended, *, returning_until: Instant = 0) -> None:
        """Until that instant, guards of the process before this one may still be on their way back."""
        self._ended = ended
        self._returning_until = returning_until
        self._guards: defaultdict[str, list[Listener]] = defaultdict(list)
        self._ending: dict[str, int] = {}

    def join(self, election: str, listener: Listener) -> Callable[[], None]:
        """Wait for this guard at a hand-over, until what is returned is called."""
        self._guards[election].append(listener)
        if election in self._ending:
            listener(_must_end(election, self._ending[election]))

        def leave() -> None:
            self._guards[election].remove(listener)
            self._look(election)

        return leave

    def end(self, election: str, term: int) -> None:
        """Tell all guards of an election that their jobs must end, and say when they have."""
        self._ending[election] = term
        for listener in tuple(self._guards[election]):
            listener(_must_end(election, term))
        left_ns = self._returning_until - clock.now_ns()
        if left_ns > 0:
            asyncio.get_running_loop().call_later(left_ns / 1e9, self._look, election)
        self._look(election)

    def begin(self, election: str) -> None:
        """A new leadership begins: what the last one waited for is over."""
        self._ending.pop(election, None)

    def _look(self, election: str) -> None:
        if not self._guards[election] and clock.now_ns() >= self._returning_until:
            term = self._ending.pop(election, None)
            if term is not None:
                self._ended(election, term)


def _must_end(election: str, term: int) -> dict[str, object]:
    return {"event": "ends", "election": election, "term": term}
