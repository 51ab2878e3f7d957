"""Looks on from outside whether there are ever two leaders: every node is asked all the time.

A yes with `remaining_ms` says that the node leads now and may rely on it for so long; agents on one machine
share one clock, so two such spans of different nodes must not meet. A planned hand-over ends a span early.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

from leader.clock import now_ns
from tests.support.agents import Node

NS_PER_MS = 1_000_000
PAUSE_S = 0.01


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """One yes: from when it was received, until when it counts, who said it, with which term."""

    since: int
    until: int
    node: str
    term: int


class Watch:
    """Asks some nodes from its beginning to its end, each in a thread; checks at its end.

    What a node said counts no longer once it `hands_over`: an answer may be older than a planned hand-over.
    """

    def __init__(self, nodes: Iterable[Node], election: str = "default") -> None:
        self._election = election
        self._ended = threading.Event()
        self._claims: list[Claim] = []
        self._handed_over: dict[tuple[str, int], int] = {}
        self.unknown = 0
        """How many questions got no answer in time."""
        self._threads = [threading.Thread(target=self._ask, args=(node,), daemon=True) for node in nodes]

    def hands_over(self, node: Node) -> None:
        """From now on, what this node says of its present term counts no longer."""
        term = max((claim.term for claim in self.claims if claim.node == node.name), default=0)
        self._handed_over.setdefault((node.name, term), now_ns())

    @property
    def claims(self) -> list[Claim]:
        """All that was heard so far, in order."""
        return sorted(self._claims)

    def leaders(self) -> list[str]:
        """Who led, in order, each as often as it was somebody else's turn before."""
        names = [claim.node for claim in self.claims]
        return names[:1] + [after for before, after in pairwise(names) if before != after]

    def longest_gap_ns(self) -> int:
        """The longest time for which nobody was heard to lead."""
        claims = self.claims
        return max((after.since - before.since for before, after in pairwise(claims)), default=0)

    def check(self) -> None:
        """Raise AssertionError if two nodes led at one time, or a term fell."""
        claims = [cut for claim in self.claims if (cut := self._cut(claim))]
        ends: dict[str, int] = {}
        for claim in claims:
            for node, end in ends.items():
                assert node == claim.node or end <= claim.since, f"{node} and {claim.node} both led: {claim}"
            ends[claim.node] = max(claim.until, ends.get(claim.node, 0))
        for before, after in pairwise(claims):
            assert before.term <= after.term, f"the term fell: {before}, {after}"

    def _cut(self, claim: Claim) -> Claim | None:
        """What counts of a claim; nothing, if it was heard after its hand-over had begun."""
        end = self._handed_over.get((claim.node, claim.term), claim.until)
        return replace(claim, until=min(claim.until, end)) if claim.since <= end else None

    def _ask(self, node: Node) -> None:
        while not self._ended.wait(PAUSE_S):
            asked = now_ns()
            answer = node.leadership(self._election)
            received = now_ns()
            if answer is None:
                self.unknown += 1
            elif answer.leader:
                until = asked + answer.remaining_ms * NS_PER_MS
                self._claims.append(Claim(received, max(received, until), node.name, answer.term))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        if kind is None:
            self.check()
