"""What one elector knows of the whole quorum and of the other nodes, and when it may claim.

Answers the questions of a candidate: which records may be taken and when, is it my turn, which term
comes next, does anything forbid me to claim. Decides nothing and sends nothing: that is the elector's.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from leader.protocol import ranking
from leader.protocol.calls import Configuration
from leader.protocol.events import NS_PER_MS, Bar, Barred, Candidate, Instant, Replied
from leader.protocol.quorum import Voters, lower_median, majority
from leader.protocol.record import LARGEST_TERM, Holder, Record, State
from leader.protocol.witness import Kept, Witness

TEN_YEARS_MS = 10 * 366 * 24 * 3600 * 1000


class Electorate:
    """The instances as witnesses, the other nodes as candidates, and the highest term of all."""

    def __init__(self, voters: Voters, configuration: Configuration, known_term: int, now: Instant) -> None:
        self.configuration = configuration
        self.voters = voters
        self.lease_ns = configuration.held_lease_ms * NS_PER_MS
        self.watch_ms = configuration.watched_lease_ms
        self.witnesses = {name: Witness(name, due=now) for name in voters.instances}
        self.candidates: tuple[Candidate, ...] = ()
        self.known_term = known_term
        self.conflicts: dict[str, Instant] = {}
        self._began = now
        self._met: dict[tuple[str, str], Instant] = {}
        """When each incarnation of another node was first seen: it watches since then."""
        self._own_wall_ms = 0
        self._before: dict[int, list[Candidate]] = {}
        """Those of the candidates that go before this node, by its priority, once that was asked."""

    # Learning.

    def learn_reply(self, witness: Witness, reply: Replied) -> None:
        """Keep what the newest reply of an instance says beside its answer: configuration, own clock."""
        self._own_wall_ms = reply.own_wall_ms
        witness.configured_by = reply.configured_by
        witness.keeps(reply.configuration, self.configuration)

    def learn_term(self, witness: Witness, record: Record) -> None:
        """Keep the highest term seen; one ten years ahead of every clock is not believed (rule R2)."""
        term = max(record.term, record.holder.term if record.holder else 0)
        witness.believed = term <= self.known_term or term <= self._highest_plausible_term()
        if witness.believed:
            self.known_term = max(self.known_term, term)

    def _highest_plausible_term(self) -> int:
        return min(max(self._own_wall_ms, self._majority_ms()) + TEN_YEARS_MS, LARGEST_TERM - 1)

    def learn_candidates(self, candidates: tuple[Candidate, ...], now: Instant) -> None:
        """Keep the registry, and note names that are another server for another agent (rule R7)."""
        self.candidates = candidates
        self._before = {}
        self._met = {(c.node, c.incarnation): self._met_at(c) for c in candidates}
        said = {candidate.processes for candidate in candidates if now - candidate.seen_at < self.lease_ns}
        contested = {
            name for processes in said for name, process in processes if self._sees_another(name, process)
        }
        self.conflicts = {name: self.conflicts.get(name, now) for name in contested}

    def _met_at(self, candidate: Candidate) -> Instant:
        return self._met.get((candidate.node, candidate.incarnation), candidate.seen_at)

    def _sees_another(self, name: str, process: str) -> bool:
        """Whether this node sees another process at that name, now: a silent one may have been restarted."""
        witness = self.witnesses.get(name)
        return witness is not None and not witness.silent and witness.process != process

    # The state of the election.

    def median_ms(self) -> int:
        """The lower median of the instances' wall clocks, by their newest replies; of two lists the later."""
        return max(lower_median(self._clocks(names)) for names in self.voters.lists)

    def _majority_ms(self) -> int:
        """That median once a majority showed its clock, else 0: a liar that answers first is no median."""
        medians = [
            lower_median(clocks)
            for names in self.voters.lists
            if len(clocks := self._clocks(names)) >= majority(len(names))
        ]
        return max(medians, default=0)

    def knows_clocks(self) -> bool:
        """Whether a majority of every list has shown its clock: one of few may be the only wrong one."""
        return self.voters.spare(name for name, witness in self.witnesses.items() if witness.wall_ms) >= 0

    def _clocks(self, names: Iterable[str]) -> list[int]:
        return [wall_ms for name in names if (wall_ms := self.witnesses[name].wall_ms)]

    def next_term(self) -> int:
        """The term of the next claim: above all that were seen or claimed, near the clocks (rule R2)."""
        return max(self.known_term + 1, self.median_ms())

    def accepts_us(self, now: Instant) -> bool:
        """Whether our configuration is in force: no instance refuses it, or a majority has it (rule R10).

        An instance that keeps an older generation has merely stayed behind, if a majority of some list has
        come further and no node is seen that still runs such a generation.
        """
        if not self._keeping(Kept.OLDER, Kept.OTHER) or self.voters.spare(self._keeping(Kept.OURS)) >= 0:
            return True
        came_further = self.voters.may_agree(self._keeping(Kept.OURS, Kept.BESIDE))
        return came_further and not self._keeping(Kept.OTHER) and not self._sees_older_node(now)

    def _sees_older_node(self, now: Instant) -> bool:
        oldest = self.configuration.generation - 1
        return any(0 < c.generation < oldest and now - c.seen_at < self.lease_ns for c in self.candidates)

    def _keeping(self, *kept: Kept) -> list[str]:
        return [name for name, witness in self.witnesses.items() if witness.kept in kept]

    def contested(self, now: Instant) -> list[str]:
        """The names that have been two live servers for a lease or longer (rule R7)."""
        if not self.conflicts:
            return []
        return sorted(name for name, since in self.conflicts.items() if now - since >= self.lease_ns)

    def bar(self, now: Instant) -> Barred | None:
        """What forbids this node to claim, or nothing."""
        if not self.accepts_us(now):
            refusing = self.witnesses[self._keeping(Kept.OTHER, Kept.OLDER)[0]]
            return Barred(Bar.OTHER_CONFIGURATION, refusing.name, refusing.configured_by)
        contested = self.contested(now)
        return Barred(Bar.TWO_SERVERS, contested[0]) if contested else None

    def takeable(self, now: Instant) -> list[Witness]:
        """The instances that answer and whose record may be taken now (rule R1)."""
        return [w for w in self.witnesses.values() if not w.silent and w.is_takeable(self.watch_ms, now)]

    def opens_at(self) -> Instant | None:
        """When so many records as a majority needs may be taken; None while too few answer (rule R2)."""
        moments = {
            witness.name: (witness.process, at)
            for witness in self.witnesses.values()
            if not witness.silent and (at := witness.takeable_at(self.watch_ms)) is not None
        }
        return self.voters.opening(moments)

    def round_trip_ns(self) -> int:
        """The longest of the newest round trips."""
        return max(
            (witness.round_trip_ns for witness in self.witnesses.values() if not witness.silent), default=0
        )

    def standing_holder(self, now: Instant) -> Holder | None:
        """The holder that a majority of the instances names, by what they last showed; None if none is.

        A record that has stood longer than its lease names nobody. While the quorum changes, a holder of the
        step before or after needs a majority of one list alone; of two that are named so, the newer counts.
        """
        named: dict[Holder, list[str]] = defaultdict(list)
        for witness in self.witnesses.values():
            if witness.record and witness.record.holder and witness.is_held(now):
                named[witness.record.holder].append(witness.name)
        leading = [holder for holder, names in named.items() if self.voters.may_agree(names)]
        return max(leading, key=lambda holder: holder.term, default=None)

    def successors(self) -> set[str]:
        """Whom the newest release names; an older one, where an instance missed what came later, is over."""
        released = [
            (record.holder.term, record.successor)
            for witness in self.witnesses.values()
            if (record := witness.record) and record.state is State.RELEASED and record.holder
        ]
        newest = max((term for term, _ in released), default=0)
        return {successor for term, successor in released if successor and term == newest}

    def courtesy_ns(self, election: str, node: str, priority: int, opens: Instant) -> int:
        """How long others go first: a named successor a tenth of a lease, better-ranked ones a step each."""
        successors = self.successors()
        if node in successors:
            return 0
        over = [w.record for w in self.witnesses.values() if w.is_takeable(self.watch_ms, opens)]
        gone = {record.holder.node for record in over if record and record.holder}
        if priority not in self._before:
            self._before[priority] = ranking.before(election, node, priority, self.candidates)
        before = self._before[priority]

        def rivals() -> Iterator[Candidate]:
            live = (rival for rival in before if ranking.is_live(rival, opens, self.lease_ns))
            return (rival for rival in live if rival.node not in gone)

        round_trip_ns = self.round_trip_ns()
        place = sum(1 for _ in islice(rivals(), ranking.last_place(round_trip_ns)))
        wait = ranking.rank_wait_ns(place, round_trip_ns, self.lease_ns)
        return wait + (self.lease_ns // 10 if successors else self._head_start_ns(rivals(), opens))

    def _head_start_ns(self, rivals: Iterable[Candidate], opens: Instant) -> int:
        """How much later the election opens for these, which came later: a beat at most is waited for them.

        Only where nothing has changed since this node began, as when a whole cluster starts: else
        whoever came first would lead everything, and a crashed leader's lease is long enough a wait.
        """
        began, beat_ns = opens - self.lease_ns, self.lease_ns // 3
        if not self._began <= began <= self._began + beat_ns:
            return 0
        last = max((self._met_at(rival) for rival in rivals if rival.sees_majority), default=began)
        return min(max(0, last - began), beat_ns)
