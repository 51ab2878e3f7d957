"""Which tick ran where: the count of what the jobs themselves wrote down. Knows no process and no clock."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

RECENT_TICKS = 60


@dataclass(frozen=True, slots=True)
class Count:
    """How many ticks there were, and how they went.

    `doubles` ran more than once, on one node or on several; `idle` ran nowhere.
    """

    ticks: int
    runs: int
    doubles: int
    idle: int


@dataclass(slots=True)
class Tally:
    """The nodes that ran each tick; ticks are numbered from 0."""

    _nodes: dict[int, list[str]] = field(default_factory=dict)
    _runs: Counter[str] = field(default_factory=Counter)

    def add(self, lines: Iterable[str]) -> None:
        """Take in what jobs wrote: `node tick` a line."""
        for line in lines:
            node, tick = line.split()
            self._nodes.setdefault(int(tick), []).append(node)
            self._runs[node] += 1

    def nodes(self, tick: int) -> list[str]:
        """The nodes on which this tick ran, in the order in which they wrote."""
        return self._nodes.get(tick, [])

    def runs_of(self, node: str) -> int:
        """How many times any tick ran on this node."""
        return self._runs[node]

    def count(self, ticks: Iterable[int]) -> Count:
        """How these ticks went."""
        each = [len(self.nodes(tick)) for tick in ticks]
        return Count(
            ticks=len(each),
            runs=sum(each),
            doubles=sum(1 for runs in each if runs > 1),
            idle=each.count(0),
        )
