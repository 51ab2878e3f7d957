"""Whom would this leader hand over to, and if nobody: why not?

Asked before a step-down, so that an operator hears in one sentence what stands in the way. It decides
nothing about safety: a successor that is named and does not come only costs a tenth of a lease.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from leader.protocol import ranking
from leader.protocol.events import Candidate, Instant


@dataclass(frozen=True, slots=True)
class Heir:
    """The node that a step-down would name; or, where `node` is empty, the sentence that says why none."""

    node: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Others:
    """The other nodes, as one election's leader sees them at one moment."""

    election: str
    candidates: tuple[Candidate, ...]
    now: Instant
    lease_ns: int

    def best(self) -> Heir:
        """The best-ranked of those that are able to lead."""
        able = [candidate for candidate in self.candidates if not self.obstacle(candidate)]
        node = ranking.best(self.election, able)
        return Heir(node) if node else Heir("", _nobody(map(self.obstacle, self.candidates)))

    def named(self, node: str) -> Heir:
        """This very one, if it is able to lead."""
        candidate = next((other for other in self.candidates if other.node == node), None)
        if candidate is None:
            known = ", ".join(sorted(other.node for other in self.candidates)) or "none"
            return Heir("", f"no other node of {self.election} is called {node}: the others are {known}")
        obstacle = self.obstacle(candidate)
        return Heir("", obstacle) if obstacle else Heir(node)

    def obstacle(self, candidate: Candidate) -> str:
        """What keeps this node from leading, or nothing; the first thing that does."""
        node, unseen_ns = candidate.node, self.now - candidate.seen_at
        if unseen_ns >= self.lease_ns:
            return f"{node} was last seen {unseen_ns / 1e9:.0f} s ago"
        if candidate.priority <= 0:
            return f"{node} only observes: its priority is 0"
        if not candidate.contends:
            return _why_it_does_not_contend(candidate)
        if not candidate.sees_majority:
            return f"{node} does not reach a majority of the instances"
        return ""


def _why_it_does_not_contend(candidate: Candidate) -> str:
    node, why = candidate.node, f": {candidate.reason}" if candidate.reason else ""
    if candidate.paused:
        return f"{node} is paused{why}"
    if not candidate.fit:
        return f"{node} is unfit{why}"
    return f"{node} does not contend: `leader status` there says why"


def _nobody(obstacles: Iterable[str]) -> str:
    reasons = "; ".join(sorted(obstacles))
    return f"no other node is able to lead: {reasons}" if reasons else "there is no other node"
