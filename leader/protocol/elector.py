"""The election as a pure state machine: events and the time go in, effects come out.

It never waits, sends, reads a clock or draws randomness of its own; identity and a random generator
are passed in, so the same inputs give the same outputs. One elector is one node's part in one
election. Why it is safe stands in `leader/protocol/__init__.py`, the rules R1 to R10 by name.
"""

from dataclasses import dataclass
from random import Random
from typing import assert_never

from leader.protocol import ranking
from leader.protocol.calls import (
    Call,
    Configuration,
    Observe,
    Operation,
    Release,
    Verdict,
)
from leader.protocol.electorate import Electorate
from leader.protocol.events import (
    NS_PER_MS,
    Announced,
    Bar,
    Candidate,
    Cause,
    ClaimFailed,
    ContentionChanged,
    Effect,
    EndJobs,
    Event,
    Gained,
    HolderNotSaved,
    HolderSaved,
    Instant,
    JobsEnded,
    Lost,
    Noticed,
    RegistrySeen,
    Replied,
    SaveHolder,
    SaveTerm,
    Send,
    StepDownAsked,
    TermNotSaved,
    TermSaved,
    Ticked,
    Unanswered,
    Unbarred,
)
from leader.protocol.heirs import Heir, Others
from leader.protocol.preference import Preference
from leader.protocol.quorum import Voters, sure_ns
from leader.protocol.record import LARGEST_TERM, Holder, Record, State
from leader.protocol.snapshot import Role
from leader.protocol.tenure import Stage, Tenure
from leader.protocol.term_disk import TermDisk
from leader.protocol.witness import Pending, Witness


@dataclass(frozen=True, slots=True)
class Identity:
    """Who takes part, in what, and under which configuration.

    `beat_offset_ns` puts the beats of all elections of one agent at the same moments, so that one
    script call carries them all. `reserve_ms`: it stops leading so much sooner than rule R3 demands.
    """

    election: str
    node: str
    incarnation: str
    voters: Voters
    configuration: Configuration
    priority: int = 100
    preempt: bool = False
    preempt_delay_ms: int = 30_000
    beat_offset_ns: int = 0
    reserve_ms: int = 0


class Elector:
    """One node's part in one election.

    `highest_term` is the highest ever seen, from the state directory (rule R9); `resumable` are the
    holders that this node may resume after a restart, all of one term (rule R5). The shell calls
    `start` once and `handle` from then on, and answers every `Send` with `Replied` or `Unanswered`.
    """

    def __init__(
        self,
        identity: Identity,
        now: Instant,
        *,
        random: Random,
        highest_term: int = 0,
        resumable: tuple[Holder, ...] = (),
    ) -> None:
        self.identity = identity
        self.electorate = Electorate(identity.voters, identity.configuration, highest_term, now)
        self.lease_ns = self.electorate.lease_ns
        self.beat_ns = self.lease_ns // 3
        self.patience_ns = self.lease_ns // 10
        self.tenure: Tenure | None = None
        self.role_since = now
        self.allowed = True
        self.reason = ""
        """Why this node may not contend, or why its last leadership ended."""
        self._random = random
        self._disk = TermDisk(highest_term)
        self._failures = 0
        self._hold_back_until = now
        self._rests_until = now
        """After a step-down; a leader that names this node as successor ends it."""
        self._preference = (
            Preference(identity.election, identity.priority, identity.preempt_delay_ms, self.lease_ns)
            if identity.preempt
            else None
        )
        self._claim_at: Instant | None = None
        self._barred: Bar | None = None
        self._withheld: set[Holder] = set()
        """Holders that the file may still name, so that they must not be released."""
        self.wake_at = now
        """When `Ticked` is due next, by the last event: whoever comes much later stood still."""
        self._effects: list[Effect] = []
        if resumable:
            self.tenure = self._resumption(resumable, now)

    # What this node is, computed at the moment of asking (rule R6).

    def role(self, now: Instant) -> Role:
        """Holder, candidate or observer, at this moment."""
        if self.leads(now):
            return Role.HOLDER
        return Role.CANDIDATE if self.identity.priority > 0 else Role.OBSERVER

    def leads(self, now: Instant) -> bool:
        """Whether this node leads at this moment."""
        return self.tenure is not None and self.tenure.leads(now)

    def remaining_ns(self, now: Instant) -> int:
        """How long the lease is still sure; 0 when this node does not lead."""
        if self.tenure is None or not self.tenure.leads(now):
            return 0
        return (self.tenure.deadline or now) - now

    def disk_fails(self, now: Instant) -> bool:
        """Whether terms cannot be saved, or not within a beat, so that this node claims nothing (rule R9)."""
        tenure = self.tenure
        waits = tenure is not None and tenure.stage is Stage.SAVING_TERM and now - tenure.began > self.beat_ns
        return self._disk.fails or waits

    def heir(self, to: str | None, now: Instant) -> Heir:
        """Whom a step-down would name as successor, or why it would name nobody: `to`, or else the best."""
        election, node = self.identity.election, self.identity.node
        if not self.leads(now):
            holder = self.electorate.standing_holder(now)
            who = f"{holder.node} does" if holder and holder.node != node else "nobody does"
            return Heir("", f"{node} does not lead {election}: {who}")
        if to == node:
            return Heir("", f"{node} is the node that leads {election} already")
        others = Others(election, self.electorate.candidates, now, self.lease_ns)
        return others.best() if to is None else others.named(to)

    @property
    def settled(self) -> bool:
        """Whether nothing is held and every release was answered: an agent that stops may go now."""
        return self.tenure is None and not any(w.awaits_release() for w in self.electorate.witnesses.values())

    def _next_wake(self) -> Instant:
        moments = [witness.due for witness in self.electorate.witnesses.values()]
        end = self._claim_at if self.tenure is None else self._stage_end(self.tenure)
        return min(moments) if end is None else min(*moments, end)

    # The entries.

    def start(self, now: Instant) -> list[Effect]:
        """Return the first effects: what must be written before anything is sent, and the first calls."""
        self._effects = []
        if self.tenure is not None:
            self._effects.append(SaveHolder((*self.tenure.ancestors, self.tenure.holder)))
        self._advance(now)
        self.wake_at = self._next_wake()
        return self._effects

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event; return what is to be done, in this order."""
        self._effects = []
        self._expire(now)
        self._take_in(event, now)
        self._advance(now)
        self.wake_at = self._next_wake()
        return self._effects

    def _take_in(self, event: Event, now: Instant) -> None:  # noqa: C901, PLR0912  # one line per event
        match event:
            case Replied():
                self._on_reply(event, now)
            case Unanswered():
                self._on_silence(event)
            case Noticed():
                self._on_notice(event, now)
            case Announced():
                self._foresee_claim(now)
            case Ticked():
                pass
            case TermSaved():
                self._on_term_saved(event.term, now)
            case TermNotSaved():
                self._on_term_not_saved(now)
            case HolderSaved():
                self._on_holder_saved(event.holders, now)
            case HolderNotSaved():
                self._on_holder_not_saved(now)
            case RegistrySeen():
                self._on_registry(event.candidates, now)
            case ContentionChanged():
                self._on_contention(event, now)
            case StepDownAsked():
                self._on_step_down(event, now)
            case JobsEnded():
                self._on_jobs_ended(event.term, now)
            case _:
                assert_never(event)

    def _expire(self, now: Instant) -> None:
        """Notice a deadline that has passed before anything else, so that no late grant revives it."""
        tenure = self.tenure
        if tenure is None or tenure.stage is not Stage.LEADING or tenure.leads(now):
            return
        late_ns = now - self.wake_at
        if late_ns > self.beat_ns:
            self._lose(tenure, f"this node stood still for {late_ns / 1e9:.1f} s", Cause.FROZEN, now)
        else:
            self._lose(tenure, "no majority renewed the lease in time", Cause.QUORUM_LOST, now)
        self._strike(tenure, now)

    def _advance(self, now: Instant) -> None:
        """Take every step that is due."""
        self._tell_bar(now)
        if self._preference is not None:
            self._make_room(self._preference, now)
        if self.tenure is not None:
            self._settle(self.tenure, now)
        if self.tenure is None:
            self._consider_claim(now)
        for witness in self.electorate.witnesses.values():
            if witness.due <= now:
                self._beat(witness, now)
        if self._disk.lacks(self.electorate.known_term, now):
            self._save_term(self.electorate.known_term, claims=False)

    def _tell_bar(self, now: Instant) -> None:
        """Say what forbids this node to claim, when that begins and when it ends (rules R7, R10)."""
        barred = self.electorate.bar(now)
        bar = barred.bar if barred else None
        if bar is not self._barred:
            self._barred = bar
            self._effects.append(barred or Unbarred())

    # Replies, silence and notices.

    def _on_reply(self, reply: Replied, now: Instant) -> None:
        witness = self.electorate.witnesses[reply.instance]
        pending = witness.hear(reply, now)
        if pending is not None and pending.sent_at >= witness.asked_at:
            self.electorate.learn_reply(witness, reply)
        self.electorate.learn_term(witness, reply.answer.record)
        if pending is not None and self.tenure is not None:
            self._count(self.tenure, witness, pending, reply, now)
        self._release_on_sight(witness, now)

    def _on_silence(self, event: Unanswered) -> None:
        witness = self.electorate.witnesses[event.instance]
        pending = witness.miss(event.nonce)
        if pending is None or self.tenure is None:
            return
        if self.tenure.stage is Stage.CLAIMING and self.tenure.counts(pending.operation):
            self.tenure.unknown.add(event.instance)

    def _on_notice(self, event: Noticed, now: Instant) -> None:
        witness = self.electorate.witnesses[event.instance]
        if witness.notice(event.record, now):
            self.electorate.learn_term(witness, event.record)
            self._release_on_sight(witness, now)
            if event.record.state is State.RELEASED:
                self._on_released(witness, event.record, now)

    def _on_released(self, witness: Witness, record: Record, now: Instant) -> None:
        """Prepare to follow; or, if a majority was enough to begin, ask for this vote, too."""
        tenure = self.tenure
        if tenure is not None and tenure.stage is Stage.CLAIMING:
            may_ask = witness.name not in tenure.asked and record.term < tenure.holder.term
            if may_ask and witness in self.electorate.takeable(now):
                self._ask_for_vote(tenure, witness, now)
        elif record.successor == self.identity.node:
            self._foresee_claim(now)

    def _count(
        self, tenure: Tenure, witness: Witness, pending: Pending, reply: Replied, now: Instant
    ) -> None:
        """Turn a reply into a vote for the present tenure, if it is one."""
        if tenure.counts(pending.operation):
            if reply.answer.verdict is Verdict.GRANTED:
                tenure.grant(witness.name, reply.process, pending.sent_at)
                witness.due = self._next_beat(now)
                return
            if reply.answer.verdict is Verdict.OTHER_CONFIGURATION:
                tenure.refused.add(witness.name)
                return
            if not tenure.is_named_by(witness):
                tenure.refused.add(witness.name)
        if tenure.stage is Stage.RESUMING and not tenure.is_named_by(witness):
            tenure.refused.add(witness.name)
        elif tenure.is_named_by(witness) and witness.name not in tenure.grants:
            witness.due = now

    def _release_on_sight(self, witness: Witness, now: Instant) -> None:
        """Release a record that names a holder of this incarnation that is over: its release was lost."""
        record = witness.record
        if (
            record is None
            or record.state is not State.HELD
            or record.holder is None
            or witness.awaits_release()
        ):
            return
        holder = record.holder
        ours = (holder.node, holder.incarnation) == (self.identity.node, self.identity.incarnation)
        in_use = self.tenure is not None and self.tenure.holder == holder
        if ours and not in_use and holder not in self._withheld:
            self._send(witness, Release(holder), now)

    # Calls, one a beat and instance.

    def _next_beat(self, now: Instant) -> Instant:
        beats = (now - self.identity.beat_offset_ns) // self.beat_ns
        return (beats + 1) * self.beat_ns + self.identity.beat_offset_ns

    def _send(self, witness: Witness, operation: Operation, now: Instant) -> None:
        nonce = f"{self._random.getrandbits(64):016x}"
        witness.ask(nonce, operation, now)
        call = Call(self.identity.election, nonce, self.electorate.known_term, operation)
        self._effects.append(Send(witness.name, call))

    def _beat(self, witness: Witness, now: Instant) -> None:
        """Make the call that is due at one instance, and say when the next one is (rule R3)."""
        tenure = self.tenure
        operation = Observe() if tenure is None else tenure.due_operation(witness, now)
        witness.due = self._next_beat(now)
        if not isinstance(operation, Observe):
            witness.due = min(witness.due, now + self.patience_ns)
        self._send(witness, operation, now)

    # Claiming (rules R1, R2, R9).

    def may_contend(self, now: Instant) -> bool:
        """Whether this node would claim an open election."""
        return self.allowed and self.identity.priority > 0 and self.electorate.bar(now) is None

    def _next_claim(self, now: Instant) -> Instant | None:
        """When this node may claim: enough records may be taken, and its turn has come.

        Whose turn it is, is asked only once the election is open; before that, the opening is the answer.
        What bars this node was looked up a moment ago.
        """
        is_able = self.allowed and self.identity.priority > 0 and self._barred is None
        opens = self.electorate.opens_at() if is_able else None
        if opens is None or opens > now:
            return opens
        identity = self.identity
        wait = self.electorate.courtesy_ns(identity.election, identity.node, identity.priority, opens)
        rests_until = opens if identity.node in self.electorate.successors() else self._rests_until
        return max(opens + wait, self._hold_back_until, rests_until)

    def _consider_claim(self, now: Instant) -> None:
        self._claim_at = moment = self._next_claim(now)
        if moment is None or moment > now:
            return
        term = self.electorate.next_term()
        if term > LARGEST_TERM:
            self._hold_back_until = self._claim_at = now + self.lease_ns
            return
        holder = Holder(self.identity.node, self.identity.incarnation, term)
        self.tenure = Tenure(
            holder,
            Stage.SAVING_TERM,
            now,
            self.identity.voters,
            self.identity.configuration,
            reserve_ns=self.identity.reserve_ms * NS_PER_MS,
        )
        if self._disk.holds(term):
            self._ask_for_votes(self.tenure, now)
        elif not self._disk.was_asked(term):
            self._save_term(term, claims=True)

    def _foresee_claim(self, now: Instant) -> None:
        """Have the term on disk by the time at which enough instances have released the record to this node.

        No claim has it yet: what was claimed is known, and the next term is above all that is known. Like a
        claim's it must be near the clocks, since this node remembers it (rules R2, R9).
        """
        term = self.electorate.next_term()
        is_free = self.tenure is None and self.may_contend(now) and term <= LARGEST_TERM
        if is_free and self.electorate.knows_clocks() and self._disk.lacks(term, now):
            self._save_term(term, claims=True)

    def _save_term(self, term: int, *, claims: bool) -> None:
        self._disk.asked(term)
        self._effects.append(SaveTerm(term, claims))

    def _on_term_saved(self, term: int, now: Instant) -> None:
        self._disk.saved(term)
        tenure = self.tenure
        if tenure is not None and tenure.stage is Stage.SAVING_TERM and self._disk.holds(tenure.holder.term):
            self._ask_for_votes(tenure, now)

    def _ask_for_votes(self, tenure: Tenure, now: Instant) -> None:
        """Begin the claim whose term is on disk, if all that it was chosen by still holds."""
        term = tenure.holder.term
        takeable = self.electorate.takeable(now)
        processes = {witness.name: witness.process for witness in takeable}
        is_outdated = term <= self.electorate.known_term
        if is_outdated or not self.identity.voters.agree(processes) or not self.may_contend(now):
            self.tenure = None
            return
        tenure.enter(Stage.CLAIMING, now)
        self.electorate.known_term = term
        for witness in takeable:
            self._ask_for_vote(tenure, witness, now)

    def _ask_for_vote(self, tenure: Tenure, witness: Witness, now: Instant) -> None:
        tenure.asked.add(witness.name)
        self._send(witness, tenure.take(witness, sitting=False), now)

    def _on_term_not_saved(self, now: Instant) -> None:
        self._disk.failed(now + self.beat_ns)
        if self.tenure is not None and self.tenure.stage is Stage.SAVING_TERM:
            self.tenure = None
            self._hold_back_until = now + self.beat_ns

    def _settle(self, tenure: Tenure, now: Instant) -> None:
        """Win or give up an attempt, and end a yielding whose time is over."""
        end = self._stage_end(tenure)
        if tenure.stage is Stage.YIELDING:
            if end is not None and now >= end:
                self._strike(tenure, now)
            return
        if tenure.stage not in (Stage.CLAIMING, Stage.RESUMING):
            return
        moment = tenure.deadline
        if not self.allowed or tenure.is_hopeless() or (end is not None and now >= end):
            self._give_up(tenure, now)
        elif moment is not None and now < moment:
            self._win(tenure, now)

    def _stage_end(self, tenure: Tenure) -> Instant | None:
        """When the present stage ends by time alone."""
        match tenure.stage:
            case Stage.LEADING:
                return tenure.deadline
            case Stage.YIELDING:
                return tenure.yield_until
            case Stage.CLAIMING:
                return tenure.began + self.lease_ns // 4
            case Stage.RESUMING:
                return tenure.began + self.lease_ns
            case Stage.SAVING_TERM | Stage.SAVING_RESUME | Stage.STRIKING:
                return None
            case _:
                assert_never(tenure.stage)

    def _win(self, tenure: Tenure, now: Instant) -> None:
        resumed = tenure.stage is Stage.RESUMING
        tenure.enter(Stage.LEADING, now)
        self.role_since = now
        self.reason = ""
        self._failures = 0
        tenure.filed = True
        self._effects += [SaveHolder((tenure.holder,)), Gained(tenure.holder, resumed)]
        if self.identity.priority == 0:
            self._yield("this node only observes", Cause.OBSERVES, now)

    def _give_up(self, tenure: Tenure, now: Instant) -> None:
        """End an attempt that failed: release wherever it may have been granted, and back off."""
        counts = len(tenure.grants), len(tenure.refused), len(tenure.unknown)
        self._effects.append(ClaimFailed(tenure.holder.term, *counts))
        longest = ranking.longest_back_off_ns(self._failures, self.electorate.round_trip_ns(), self.lease_ns)
        self._failures += 1
        self._hold_back_until = max(self._hold_back_until, now + self._random.randint(0, longest))
        if tenure.stage is Stage.RESUMING:
            self._let_jobs_run_out(tenure, now)
        else:
            self._strike(tenure, now)

    # Giving up what is held: stop, strike, forget, and only then release (rule R4).

    def _on_contention(self, event: ContentionChanged, now: Instant) -> None:
        self.allowed = event.allowed
        self.reason = event.reason
        if not event.allowed:
            self._yield(event.reason, event.cause, now)

    def _on_step_down(self, event: StepDownAsked, now: Instant) -> None:
        """Hand over, if there is something to, and leave the election to the others for one lease."""
        if self.leads(now):
            if event.rests:
                self._rests_until = now + self.lease_ns
            self._yield(event.reason, event.cause, now, event.successor)

    def _on_registry(self, candidates: tuple[Candidate, ...], now: Instant) -> None:
        self.electorate.learn_candidates(candidates, now)
        if self._preference is not None:
            self._preference.learn(candidates, now)

    def _make_room(self, preference: Preference, now: Instant) -> None:
        """Hand over to a better candidate, if it is time for that; if it fails, this node may lead again."""
        preference.judge(self.electorate.standing_holder(now), now)
        tenure = self.tenure
        if tenure is None or tenure.stage is not Stage.LEADING:
            return
        better = preference.choose(self.electorate.candidates, tenure.began, now)
        if better is not None:
            preference.try_out(better, tenure.holder.term, now)
            self._yield(f"{better} has a higher priority", Cause.PREEMPTED, now, better)

    def _yield(self, reason: str, cause: Cause, now: Instant, successor: str | None = None) -> None:
        """Hand over, if this node leads: the jobs end first, within the deadline."""
        tenure = self.tenure
        if tenure is None or tenure.stage is not Stage.LEADING:
            return
        rivals = ranking.live(self.electorate.candidates, now, self.lease_ns)
        tenure.successor = successor or ranking.best(self.identity.election, rivals)
        tenure.yield_until = tenure.deadline or now
        tenure.enter(Stage.YIELDING, now)
        self._lose(tenure, reason, cause, now)
        self._effects.append(EndJobs(tenure.holder.term))

    def _let_jobs_run_out(self, tenure: Tenure, now: Instant) -> None:
        """Wait for the earlier incarnation's deadline, unknown here: its jobs run until then (rule R4)."""
        tenure.yield_until = tenure.began + sure_ns(tenure.lease_ms)
        tenure.enter(Stage.YIELDING, now)
        if now >= tenure.yield_until:
            self._strike(tenure, now)

    def _lose(self, tenure: Tenure, reason: str, cause: Cause, now: Instant) -> None:
        self.role_since = now
        self.reason = reason
        self._effects.append(Lost(tenure.holder, reason, cause))

    def _on_jobs_ended(self, term: int, now: Instant) -> None:
        tenure = self.tenure
        if tenure is not None and tenure.stage is Stage.YIELDING and tenure.holder.term == term:
            self._strike(tenure, now)

    def _strike(self, tenure: Tenure, now: Instant) -> None:
        """Have the holder struck from the file, then release it; at once if it never stood there."""
        tenure.enter(Stage.STRIKING, now)
        if tenure.filed:
            self._effects.append(SaveHolder(()))
        else:
            self._release(tenure, now)

    def _release(self, tenure: Tenure, now: Instant) -> None:
        self.tenure = None
        for name in sorted(tenure.asked):
            self._send(self.electorate.witnesses[name], Release(tenure.holder, tenure.successor), now)

    def _on_holder_saved(self, holders: tuple[Holder, ...], now: Instant) -> None:
        self._withheld.intersection_update(holders)
        tenure = self.tenure
        if tenure is None:
            return
        if tenure.stage is Stage.STRIKING and not holders:
            self._release(tenure, now)
        elif tenure.stage is Stage.SAVING_RESUME:
            tenure.enter(Stage.RESUMING, now)
            for witness in self.electorate.witnesses.values():
                if witness.record is not None:
                    witness.due = now

    def _on_holder_not_saved(self, now: Instant) -> None:
        """Go on without releasing: the file may still name the holder, so its lease must run out."""
        tenure = self.tenure
        if tenure is not None and tenure.stage is Stage.LEADING:
            tenure.filed = bool(tenure.ancestors)  # it stands there since before the first resume
        if tenure is None or tenure.stage not in (Stage.STRIKING, Stage.SAVING_RESUME):
            return
        self._withheld.add(tenure.holder)
        self._hold_back_until = max(self._hold_back_until, now + self.beat_ns)
        self.tenure = None

    # Resuming after a restart (rule R5).

    def _resumption(self, resumable: tuple[Holder, ...], now: Instant) -> Tenure:
        holder = Holder(self.identity.node, self.identity.incarnation, resumable[-1].term)
        return Tenure(
            holder,
            Stage.SAVING_RESUME,
            now,
            self.identity.voters,
            self.identity.configuration,
            ancestors=resumable,
            filed=True,
            asked=set(self.identity.voters.instances),
            reserve_ns=self.identity.reserve_ms * NS_PER_MS,
        )
