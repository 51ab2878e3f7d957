"""What befalls a cluster of real processes around a tick: each is mended seconds later, as on a real machine.

An agent that is gone is started again, as a service manager does; one that was stopped goes on. A majority of
the instances is up all the time: of two that lose their data the second does so when the first votes again.
"""

import signal
from collections import Counter
from collections.abc import Callable
from functools import partial

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import Cluster, Node
from tests.support.ticker import Agenda

AT_ONCE_S = 0.3
SOON_S = 1.0
LATER_S = 4.0
"""Longer than the lease of 2 s, a beat and a round trip: another node leads meanwhile."""
NEXT_S = 4.0
"""An instance that has lost its data votes again after one lease, which is seen by the next beat."""


class Misfortunes:
    """What can befall, by its name; everything is done at once, and undone on the agenda."""

    def __init__(self, cluster: Cluster, quorum: EmbeddedQuorum, agenda: Agenda) -> None:
        self._cluster = cluster
        self._quorum = quorum
        self._agenda = agenda
        self._times: Counter[str] = Counter()
        self.all: dict[str, Callable[[], None]] = {
            "none": lambda: None,
            "kill -9 of the leader's agent, back after 1 s": partial(self._kill, SOON_S),
            "kill -9 of the leader's agent, back after 4 s": partial(self._kill, LATER_S),
            "SIGTERM of the leader's agent, back after 1 s": self._end,
            "SIGSTOP of the leader's agent for 1 s": partial(self._pause, SOON_S),
            "SIGSTOP of the leader's agent for 4 s": partial(self._pause, LATER_S),
            "kill -9 of an instance, back after 4 s, data kept": self._lose_for_long,
            "kill -9 of two instances in turn, data kept": partial(self._in_turn, self._restart),
            "kill -9 of two instances in turn, data lost": partial(self._in_turn, self._empty),
            "SIGSTOP of two instances in turn, for 1 s": partial(self._in_turn, self._hang),
        }

    # An agent.

    def _leader(self) -> Node:
        """The node that leads; any, should there be none."""
        return self._cluster.leader() or next(node for node in self._cluster.nodes.values() if node.runs)

    def _kill(self, seconds: float) -> None:
        node = self._leader()
        node.kill()
        self._agenda.after(seconds, partial(node.start, wait=False))

    def _end(self) -> None:
        node = self._leader()
        node.signal(signal.SIGTERM)
        self._agenda.after(SOON_S, partial(self._start_ended, node))

    def _start_ended(self, node: Node) -> None:
        if node.runs:
            self._agenda.after(AT_ONCE_S, partial(self._start_ended, node))
        else:
            node.start(wait=False)

    def _pause(self, seconds: float) -> None:
        node = self._leader()
        node.signal(signal.SIGSTOP)
        self._agenda.after(seconds, partial(node.signal, signal.SIGCONT))

    # Instances, other ones each time.

    def _turn(self, what: str) -> int:
        """Which instance it befalls first this time."""
        self._times[what] += 1
        return (self._times[what] - 1) % 3

    def _in_turn(self, befall: Callable[[int], None]) -> None:
        first = self._turn(befall.__name__)
        befall(first)
        self._agenda.after(NEXT_S, partial(befall, (first + 1) % 3))

    def _lose_for_long(self) -> None:
        self._restart(self._turn("one"), LATER_S)

    def _restart(self, index: int, after_s: float = AT_ONCE_S) -> None:
        self._quorum.save_now(index)
        self._quorum.kill(index)
        self._agenda.after(after_s, partial(self._quorum.restart, index, keep_data=True))

    def _empty(self, index: int) -> None:
        self._quorum.kill(index)
        self._agenda.after(AT_ONCE_S, partial(self._quorum.restart, index, keep_data=False))

    def _hang(self, index: int) -> None:
        self._quorum.hang(index)
        self._agenda.after(SOON_S, partial(self._quorum.resume, index))
