"""At which instance is the registry read now? At one a beat, each in turn, those that answer first.

Every node registers at every instance that it reaches, so each of them shows all but those that have trouble;
a node that reaches few is seen when the turn comes to one of those.
"""

from collections.abc import Mapping
from random import SystemRandom
from typing import Protocol

from leader import clock
from leader.instances.problems import Problem
from leader.protocol.events import Instant


class Reader(Protocol):
    """What reads an instance's registry; `problem` is why the instance does not answer, if it does not."""

    problem: Problem | None

    def wake(self) -> None:
        """Ask whether it is its turn."""


class Rota:
    """Whose turn it is among these, by the names of their instances; another one's each beat."""

    def __init__(self, readers: Mapping[str, Reader], beat_ns: int) -> None:
        self._readers = readers
        self._shortest_ns = beat_ns * 3 // 4
        self._turn = ""
        self._began: Instant | None = None
        self._waits = False
        """Whether nobody has begun with this turn."""

    def takes(self, name: str) -> bool:
        """Whether this one is to read now; true once each turn."""
        now = clock.now_ns()
        if self._began is None or now - self._began > self._shortest_ns:
            self._pass_on(now)
        if name != self._turn or not self._waits:
            return False
        self._waits = False
        return True

    def failed(self, name: str) -> None:
        """Give the turn to another one that answers, if any."""
        if name == self._turn and any(reader.problem is None for reader in self._readers.values()):
            self._pass_on(clock.now_ns())

    def _pass_on(self, now: Instant) -> None:
        names = list(self._readers)
        after = names.index(self._turn) + 1 if self._turn else SystemRandom().randrange(len(names))
        order = names[after:] + names[:after]
        self._turn = next((name for name in order if self._readers[name].problem is None), order[0])
        self._began, self._waits = now, True
        self._readers[self._turn].wake()
