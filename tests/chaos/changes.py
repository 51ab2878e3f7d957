"""The operator of the lab: changes the quorum while faults go on, as the manual says, and never in a hurry.

One server more, one fewer, a longer lease, and all that back: each change is two steps, every node is brought
to one after the other, and `leader quorum` says when the next step may begin. What a move is stands here;
when it is made is the nemesis' affair.
"""

import signal
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle

from leader.errors import AgentUnreachable
from tests.chaos.lab import Lab
from tests.chaos.node import LabNode
from tests.support.node import Settings
from tests.support.polling import until

LONGER = 1.2
"""Leases."""
BROUGHT_WITHIN_S = 120.0
FINISHED_WITHIN_S = 300.0
"""Both for a machine that is overloaded; of the second 45 s are the memory of ticks, twice at most."""


def steps(first: Settings, spare: str, longer: str) -> Iterator[Settings]:
    """What all nodes are to run next, again and again, from the step after the first list on."""
    more = (*first.urls, spare)
    changes = ((more, first.lease), (more[1:], first.lease), (more[1:], longer), (first.urls, first.lease))
    step = first
    for urls, lease in cycle(changes):
        step = Settings(urls, lease, generation=step.generation + 1, previous=step)
        yield step
        step = replace(step, generation=step.generation + 1, previous=None)
        yield step


class Operator:
    """Makes one move at a time."""

    def __init__(self, lab: Lab) -> None:
        shape, urls = lab.shape, lab.urls
        self.step = Settings(urls[: shape.servers], f"{shape.lease_ms}ms")
        """What all nodes run, or are to run."""
        self.completed = 0
        """Changes that are over."""
        self._lab = lab
        self._steps = steps(self.step, urls[-1], f"{int(shape.lease_ms * LONGER)}ms")

    @property
    def next_node(self) -> LabNode | None:
        """Who is to be brought to the present step next."""
        return next((node for node in self._lab.nodes.values() if node.settings != self.step), None)

    def bring(self, node: LabNode) -> None:
        """Give it the file of the present step, and reload it; return when it runs that."""
        node.configure(self.step)
        until(node.is_settled, f"{node} has started", BROUGHT_WITHIN_S)
        node.signal(signal.SIGHUP)
        until(partial(self._runs_it, node), f"{node} runs the step", BROUGHT_WITHIN_S)
        if self.next_node is None and self.step.previous is None:
            self.completed += 1

    def _runs_it(self, node: LabNode) -> bool:
        try:
            return bool(node.status()["generation"] == self.step.generation)
        except AgentUnreachable:
            return False

    def ask(self, node: LabNode) -> bool:
        """Have `leader quorum` say there whether the next step may begin; it is the present one then."""
        ended = node.run("quorum", "--config", str(node.config), within_s=BROUGHT_WITHIN_S)
        self._lab.timeline.tell(
            f"leader quorum on {node}: {(ended.output or ended.complaint).splitlines()[-1]}"
        )
        if ended.code == 0:
            self.step = next(self._steps)
        return ended.code == 0

    def finish(self) -> None:
        """Bring the change that is under way to its end, now that nothing else goes on.

        Raises:
            AssertionError: it did not come to an end.
        """
        until(
            self._is_finished, f"generation {self.step.generation} is run, and is the last", FINISHED_WITHIN_S
        )

    def _is_finished(self) -> bool:
        node = self.next_node
        if node is not None:
            self.bring(node)
        elif self.step.previous is not None:
            self.ask(next(iter(self._lab.nodes.values())))
        return self.next_node is None and self.step.previous is None
