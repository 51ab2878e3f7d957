"""One holder's life, from the claim to the release: its grants and the deadline they make.

At most one tenure exists per elector, and none is ever brought back: once it was released, or its
deadline passed, its holder is never used again (rule R4).
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import assert_never

from leader.protocol.calls import Configuration, Observe, Operation, Release, Renew, Resume, Take
from leader.protocol.events import Instant
from leader.protocol.quorum import Grant, Voters, sure_ns
from leader.protocol.record import Holder, State
from leader.protocol.witness import Kept, Witness


class Stage(Enum):
    """How far a tenure has come."""

    SAVING_TERM = auto()
    """The term goes to disk before the first request of the claim is sent (rule R9)."""
    CLAIMING = auto()
    SAVING_RESUME = auto()
    """The file names both incarnations before the first resume is sent (rule R5)."""
    RESUMING = auto()
    LEADING = auto()
    YIELDING = auto()
    """No longer leader; the jobs are being ended (rule R4)."""
    STRIKING = auto()
    """The holder is being struck from the file; the releases follow."""


COLLECTING = frozenset({Stage.CLAIMING, Stage.RESUMING, Stage.LEADING})
"""The stages in which a grant counts; in all others a reply is an observation only."""


@dataclass(slots=True)
class Tenure:
    """A claim, a leadership, or its end. `began` is when its present stage did."""

    holder: Holder
    stage: Stage
    began: Instant
    voters: Voters
    configuration: Configuration
    ancestors: tuple[Holder, ...] = ()
    """The holders of the same term by earlier incarnations, that a restart may resume."""
    asked: set[str] = field(default_factory=set)
    """Every instance that may ever have granted this holder."""
    grants: dict[str, Grant] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    successor: str | None = None
    filed: bool = False
    """Whether the file of rule R5 may name this holder: it was asked to, and did not fail to."""
    reserve_ns: int = 0
    """How much sooner than by rule R3 its votes are over."""
    deadline: Instant | None = field(default=None, init=False)
    """Until when the grants make this holder the leader; None while they are too few."""
    yield_until: Instant = 0
    """The deadline as it stood when yielding began: the jobs are gone by then in any case."""

    @property
    def lease_ms(self) -> int:
        """How long each grant may be relied on, before the allowance for clocks."""
        return self.configuration.held_lease_ms

    def enter(self, stage: Stage, now: Instant) -> None:
        """Go on to the next stage; leaving the collecting ones forgets every grant (rule R4)."""
        self.stage = stage
        self.began = now
        if stage not in COLLECTING:
            self.grants.clear()
        self.count()

    def grant(self, instance: str, process: str, sent_at: Instant) -> None:
        """Count a vote, by the time its request was sent (rules R3, R8)."""
        newest = self.grants.get(instance)
        if newest is None or sent_at > newest.sent_at:
            self.grants[instance] = Grant(process, sent_at)
        self.refused.discard(instance)
        self.unknown.discard(instance)
        self.count()

    def count(self) -> None:
        """Set the deadline by the grants (rule R3): it is asked for far more often than they change."""
        moment = self.voters.deadline(self.grants, self.lease_ms)
        self.deadline = None if moment is None else moment - self.reserve_ns

    def counts(self, operation: Operation) -> bool:
        """Whether a grant of this operation is a vote for this tenure, at its present stage (rule R4)."""
        if self.stage not in COLLECTING:
            return False
        match operation:
            case Take() | Renew():
                return operation.holder == self.holder
            case Resume():
                return operation.holder in self.ancestors and operation.incarnation == self.holder.incarnation
            case Observe() | Release():
                return False
            case _:
                assert_never(operation)

    def can_resume(self, witness: Witness) -> bool:
        """Whether the record names an earlier incarnation that this holder may resume (rule R5)."""
        return self.stage is Stage.RESUMING and any(witness.names(ancestor) for ancestor in self.ancestors)

    def is_named_by(self, witness: Witness) -> bool:
        """Whether the record is this holder's, or may become so by a resume, though no grant is known."""
        return self.stage in COLLECTING and (witness.names(self.holder) or self.can_resume(witness))

    def due_operation(self, witness: Witness, now: Instant) -> Operation:
        """What to ask of an instance at its next beat; the caller sends it."""
        record = witness.record
        if record is None or self.stage not in COLLECTING:
            return Observe()
        if witness.names(self.holder) or (witness.name in self.grants and witness.name not in self.refused):
            self.asked.add(witness.name)
            return Renew(self.holder, self.lease_ms)
        if self.can_resume(witness) and record.holder is not None:
            return Resume(record.holder, self.holder.incarnation, self.lease_ms)
        if self.stage is Stage.LEADING and witness.is_takeable(self.configuration.watched_lease_ms, now):
            self.asked.add(witness.name)
            return self.take(witness, sitting=True)
        return Observe()

    def take(self, witness: Witness, *, sitting: bool) -> Take:
        """The call that makes a record this holder's, if it still is as this witness saw it."""
        record = witness.record
        assert record is not None
        released = record.state is State.RELEASED
        updates = witness.kept is Kept.OLDER
        return Take(record.version, self.holder, self.lease_ms, released, sitting, updates)

    def leads(self, now: Instant) -> bool:
        """Whether this holder is the leader at this moment: computed, never stored (rule R6)."""
        moment = self.deadline
        return self.stage is Stage.LEADING and moment is not None and now < moment

    def told_until(self, now: Instant) -> Instant | None:
        """Until when whoever cannot ask again may believe that this holder leads; None if it must not.

        Of a holder that is in the file of rule R5 alone: that one is struck before it is released (rule R4).
        """
        return self.deadline if self.filed and self.leads(now) else None

    def relies_on(self, instance: str, now: Instant) -> bool:
        """Whether that instance's vote still counts at this moment."""
        grant = self.grants.get(instance)
        return grant is not None and now < grant.sent_at + sure_ns(self.lease_ms) - self.reserve_ns

    def is_hopeless(self) -> bool:
        """Whether a majority can no longer be reached with those that have not answered yet."""
        waited_for = self.asked - self.grants.keys() - self.refused - self.unknown
        processes = {name: grant.process for name, grant in self.grants.items()}
        return not self.voters.agree(processes | {name: f"of {name}" for name in waited_for})
