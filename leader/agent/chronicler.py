"""Who writes the history: what this agent tells, what the records show, what other nodes say of themselves.

It looks a moment after a record has changed, never while a hand-over is going on: with many candidates each
hears of every instance, and whoever is to lead must not wait for those who only write it down.
"""

from collections.abc import Mapping

from leader import clock
from leader.agent.ends import EndTold
from leader.agent.history import History, Sight
from leader.agent.journal import Change, Journal
from leader.agent.registry import Entry, Registry
from leader.agent.soon import Soon
from leader.agent.view import standing_holder
from leader.protocol.elector import Elector
from leader.protocol.events import Instant
from leader.protocol.record import Holder, Record, State

PAUSE_S = 0.05
"""So long after a notice the records are looked at."""


class Chronicler:
    """Keeps the history of one agent up to date."""

    def __init__(
        self, history: History, electors: Mapping[str, Elector], registry: Registry, journal: Journal
    ) -> None:
        self._history = history
        self._electors = electors
        self._registry = registry
        self._journal = journal
        self._noticed: dict[str, tuple[State, int]] = {}
        self._read: dict[str, Entry] = {}
        self._saw_at: dict[str, Instant] = {}
        """When a majority was last seen, by election."""
        self._look_soon = Soon(PAUSE_S, self.look)
        journal.subscribe(self._hear)

    def notice(self, election: str, record: Record) -> None:
        """Take in a record that an instance has published; most renew what is known."""
        term = record.holder.term if record.holder else record.term
        sight = record.state, term
        if self._noticed.get(election) == sight:
            return
        self._noticed[election] = sight
        if record.state is State.RELEASED:
            self._hear_of_release(election, term)
        self._look_soon.ask()

    def look(self) -> None:
        """Write down who leads, if a majority of the records says it, and how other leaderships ended."""
        self._look_soon.cancel()
        now = clock.now_ns()
        for election, elector in self._electors.items():
            holder = standing_holder(elector, now)
            sight = self._sight(elector, holder, now)
            if sight and self._history.seen(election, holder, now, sight) and holder:
                self._journal.tell(
                    "leader-changed",
                    f"{holder.node} leads",
                    election=election,
                    term=holder.term,
                    holder=holder.node,
                )
        for node, (_, entry) in self._registry.nodes().items():
            if self._read.get(node) is not entry:
                self._read[node] = entry
                for end in entry.ended:
                    self._history.told(node, end, now)

    def _sight(self, elector: Elector, holder: Holder | None, now: Instant) -> Sight | None:
        """How well the records are seen; None if that says nothing: before they ever were, or in a stall."""
        election = elector.identity.election
        saw_at = self._saw_at.get(election)
        is_blind = saw_at is None or now - saw_at > elector.lease_ns
        if holder is not None or _sees_majority(elector, now):
            self._saw_at[election] = now
        elif saw_at is None or not is_blind:
            return None
        return Sight(_renewed(elector, holder) if holder else None, is_blind)

    def _hear_of_release(self, election: str, term: int) -> None:
        """The first instance says so; if its holder was not seen to lead yet, others may still name it."""
        if not self._history.knows(election, term):
            self.look()
        self._history.saw_release(election, term)

    def close(self) -> None:
        """Look no more of itself."""
        self._look_soon.cancel()

    def _hear(self, change: Change) -> None:
        """Write down what this node has led, and why no longer."""
        match change:
            case {"event": "gained", "election": str(election), "term": int(term), "node": str(node)}:
                self._history.began(election, term, node, clock.now_ns())
            case {
                "event": "lost",
                "election": str(election),
                "term": int(term),
                "cause": str(cause),
                "reason": str(reason),
            }:
                self._history.ended(EndTold(election, term, cause, reason), clock.now_ns())


def _sees_majority(elector: Elector, now: Instant) -> bool:
    """Whether so many instances have answered within half of a lease: they are asked three times in one.

    A record that nobody could ask for has not expired; it takes a whole lease to.
    """
    electorate, latest_ns = elector.electorate, elector.lease_ns // 2
    seen = [
        witness.name
        for witness in electorate.witnesses.values()
        if witness.answered_at is not None and now - witness.answered_at <= latest_ns
    ]
    return electorate.voters.spare(seen) >= 0


def _renewed(elector: Elector, holder: Holder) -> Instant:
    """When a record that names this holder was last seen to change."""
    return max(w.standing_since for w in elector.electorate.witnesses.values() if w.names(holder))
