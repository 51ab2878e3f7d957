"""When does a leader make room for a better candidate, and how long does it wait after that went wrong?

A courtesy, as the ranks are, that must not disturb more than it helps: a candidate has to have been able to
lead for a while without a break, and each preemption that came to nothing doubles that while.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from leader.protocol import ranking
from leader.protocol.events import NS_PER_MS, Candidate, Instant
from leader.protocol.record import Holder

MOST_DOUBLINGS = 10
"""With three leases of ten seconds: about eight hours."""


@dataclass(frozen=True, slots=True)
class Streak:
    """Since when this incarnation of a node has been seen able to lead, and when it last was."""

    incarnation: str
    since: Instant
    seen_at: Instant


@dataclass(frozen=True, slots=True)
class Trial:
    """A preemption whose outcome is open: to whom, when, after which term.

    `held_term` is what the successor has held last, since `held_since`.
    """

    successor: str
    term: int
    began: Instant
    held_term: int = 0
    held_since: Instant = 0


class Preference:
    """What one node, in one election, knows of those that it would make room for."""

    def __init__(self, election: str, priority: int, delay_ms: int, lease_ns: int) -> None:
        self._election = election
        self._priority = priority
        self._delay_ns = delay_ms * NS_PER_MS
        self._lease_ns = lease_ns
        self._streaks: dict[str, Streak] = {}
        self._failures = 0
        self._trial: Trial | None = None

    @property
    def pause_ns(self) -> int:
        """How long a candidate must have been able to lead, and this node have led, before it makes room."""
        return self._delay_ns << min(self._failures, MOST_DOUBLINGS)

    def learn(self, candidates: Iterable[Candidate], now: Instant) -> None:
        """Take in the registry: whoever is not there, or was not for a lease, begins anew."""
        self._streaks = {c.node: self._streak(c, now) for c in self._better(candidates, now)}

    def _better(self, candidates: Iterable[Candidate], now: Instant) -> list[Candidate]:
        live = ranking.live(candidates, now, self._lease_ns)
        return [c for c in live if c.sees_majority and c.priority > self._priority]

    def _streak(self, candidate: Candidate, now: Instant) -> Streak:
        known = self._streaks.get(candidate.node)
        goes_on = (
            known is not None
            and known.incarnation == candidate.incarnation
            and candidate.seen_at - known.seen_at < self._lease_ns
        )
        since = known.since if known is not None and goes_on else now
        return Streak(candidate.incarnation, since, candidate.seen_at)

    def choose(self, candidates: Iterable[Candidate], led_since: Instant, now: Instant) -> str | None:
        """The node that the leader is to make room for now; `candidates` are those last learned."""
        if not self._streaks or now - led_since < self.pause_ns:
            return None
        stable = [c for c in self._better(candidates, now) if self._is_stable(c.node, now)]
        return ranking.best(self._election, stable)

    def _is_stable(self, node: str, now: Instant) -> bool:
        return now - self._streaks[node].since >= self.pause_ns

    def try_out(self, successor: str, term: int, now: Instant) -> None:
        """Note that a leadership of this term makes room for this node."""
        self._trial = Trial(successor, term, now)

    def judge(self, holder: Holder | None, now: Instant) -> None:
        """See what came of it: the successor leads when the pause is over, or somebody else led before.

        A claim that it has not heard of may name it for a while; only who leads renews that beyond a lease.
        """
        trial = self._trial
        if trial is None or holder is None or holder.term <= trial.term:
            return
        if holder.node != trial.successor:
            self._failures += 1
            self._trial = None
        elif holder.term != trial.held_term:
            self._trial = replace(trial, held_term=holder.term, held_since=now)
        elif now - trial.began >= self.pause_ns and now - trial.held_since >= self._lease_ns:
            self._failures = 0
            self._trial = None
