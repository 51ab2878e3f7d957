"""One elector driven by hand: the test says what every instance answers, and reads what was asked.

No instance, no network and no clock: time passes when the test says so, and every record is written
in the test. The two disks (term, holders) answer by themselves, until the test makes them fail.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto
from random import Random
from typing import TypeVar

from leader.protocol.calls import (
    Answer,
    Call,
    Configuration,
    Observe,
    Operation,
    Release,
    Renew,
    Resume,
    Take,
    Verdict,
)
from leader.protocol.elector import Elector, Identity
from leader.protocol.events import (
    NS_PER_MS,
    Effect,
    EndJobs,
    Event,
    HolderNotSaved,
    HolderSaved,
    JobsEnded,
    Noticed,
    Replied,
    SaveHolder,
    SaveTerm,
    Send,
    TermNotSaved,
    TermSaved,
    Ticked,
    Unanswered,
)
from leader.protocol.quorum import Voters
from leader.protocol.record import Holder, Record, State, Version

LEASE_MS = 12_000
NAMES = ("x", "y", "z")
WALL_MS = 1_790_000_000_000
CONFIGURATION = Configuration(1, "the list", LEASE_MS)
IDENTITY = Identity("default", "a", "a-1", Voters((NAMES,)), CONFIGURATION)
OTHER = Holder("b", "b-1", 7)
"""The holder that records name where a test needs another node's."""

Op = TypeVar("Op", Observe, Take, Renew, Resume, Release)
Kept = TypeVar("Kept", bound=Effect)


def fresh(sequence: int = 1, *, process: str = "", term: int = 0) -> Record:
    """A record that its instance wrote anew."""
    return Record(process, Version(sequence, f"n{sequence}"), State.FRESH, term)


def held(
    sequence: int = 1, holder: Holder = OTHER, *, process: str = "", term: int = 0, lease_ms: int = LEASE_MS
) -> Record:
    """A record that names a holder; its stored term is the holder's, or the one given."""
    return Record(
        process, Version(sequence, f"n{sequence}"), State.HELD, max(term, holder.term), holder, lease_ms
    )


def released(
    sequence: int = 1, holder: Holder = OTHER, *, process: str = "", successor: str | None = None
) -> Record:
    """A record whose holder has released it."""
    version = Version(sequence, f"n{sequence}")
    return Record(process, version, State.RELEASED, holder.term, holder, LEASE_MS, successor)


class Disk(Enum):
    """What becomes of a write."""

    WORKS = auto()
    FAILS = auto()
    HANGS = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that the elector sent, and when."""

    instance: str
    call: Call
    sent_ms: float


class Driver:
    """One elector and the shell around it, both in the hands of the test. Times are milliseconds."""

    def __init__(
        self,
        identity: Identity = IDENTITY,
        *,
        highest_term: int = 0,
        resumable: tuple[Holder, ...] = (),
        own_wall_ms: int = WALL_MS,
        holder_disk: Disk = Disk.WORKS,
    ) -> None:
        self.elector = Elector(identity, 0, random=Random(1), highest_term=highest_term, resumable=resumable)
        self.own_wall_ms = own_wall_ms
        self.term_disk = Disk.WORKS
        self.holder_disk = holder_disk
        self.jobs_end_at_once = True
        self.prompt: set[str] = set()
        """The instances that grant every renewal in the moment it is sent."""
        self.effects: list[Effect] = []
        self.asked: list[Asked] = []
        self._now_ns = 0
        self._carry_out(self.elector.start(0))

    # Time.

    @property
    def now_ms(self) -> float:
        """How long this elector has lived."""
        return self._now_ns / NS_PER_MS

    def wait(self, duration_ms: float) -> None:
        """Let time pass; the elector is woken whenever it asked to be."""
        end = self._now_ns + round(duration_ms * NS_PER_MS)
        while self.elector.wake_at <= end:
            assert self.elector.wake_at > self._now_ns, "the elector spins"
            self._now_ns = self.elector.wake_at
            self.handle(Ticked())
        self._now_ns = end

    def pause(self, duration_ms: float) -> None:
        """Let time pass while the elector's process stands still."""
        self._now_ns += round(duration_ms * NS_PER_MS)

    def wait_until(self, moment_ms: float) -> None:
        """Let time pass up to this moment."""
        self.wait(moment_ms - self.now_ms)

    # What happens to it.

    def handle(self, event: Event) -> list[Effect]:
        """Hand over one event; return its effects, after they were carried out."""
        effects = self.elector.handle(event, self._now_ns)
        self._carry_out(effects)
        return effects

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            self.effects.append(effect)
            match effect:
                case Send():
                    self.asked.append(Asked(effect.instance, effect.call, self.now_ms))
                    if effect.instance in self.prompt and isinstance(effect.call.operation, Renew):
                        self.grant(self.asked[-1])
                case SaveTerm():
                    self._write(self.term_disk, TermSaved(effect.term), TermNotSaved(effect.term))
                case SaveHolder():
                    self._write(self.holder_disk, HolderSaved(effect.holders), HolderNotSaved())
                case EndJobs() if self.jobs_end_at_once:
                    self.handle(JobsEnded(effect.term))
                case _:
                    pass

    def _write(self, disk: Disk, done: Event, failed: Event) -> None:
        if disk is not Disk.HANGS:
            self.handle(done if disk is Disk.WORKS else failed)

    def answer(
        self,
        asked: Asked | str,
        record: Record,
        verdict: Verdict = Verdict.OBSERVED,
        *,
        wall_ms: int = WALL_MS,
        configuration: Configuration | None = CONFIGURATION,
    ) -> None:
        """Let an instance answer a call: the one given, or the newest that it was sent."""
        asked = self.newest(asked) if isinstance(asked, str) else asked
        record = replace(record, process=record.process or f"process-{asked.instance}")
        self.handle(
            Replied(
                asked.instance,
                asked.call.nonce,
                record.process,
                wall_ms,
                self.own_wall_ms,
                configuration,
                "a" if configuration else "",
                Answer(verdict, record),
            )
        )

    def answer_all(self, record: Record, *names: str) -> None:
        """Let these instances (all, if none is named) show this record."""
        for name in names or self.elector.identity.voters.instances:
            self.answer(name, record)

    def grant(self, asked: Asked | str, *, process: str = "") -> None:
        """Let an instance grant a call: the one given, or its newest take, renew or resume."""
        if isinstance(asked, str):
            asked = next(
                a for a in reversed(self.asked) if a.instance == asked and holder_of(a.call.operation)
            )
        holder = holder_of(asked.call.operation)
        assert holder is not None
        known = self.elector.electorate.witnesses[asked.instance].record
        sequence = known.version.sequence + 1 if known else 1
        self.answer(asked, held(sequence, holder, process=process), Verdict.GRANTED)

    def miss(self, asked: Asked | str) -> None:
        """Let a call go without an answer."""
        asked = self.newest(asked) if isinstance(asked, str) else asked
        self.handle(Unanswered(asked.instance, asked.call.nonce))

    def notice(self, instance: str, record: Record) -> None:
        """Let an instance publish a record."""
        self.handle(Noticed(instance, replace(record, process=record.process or f"process-{instance}")))

    # What it did.

    def newest(self, instance: str) -> Asked:
        """The newest call to this instance."""
        return next(asked for asked in reversed(self.asked) if asked.instance == instance)

    def calls(self, kind: type[Op], instance: str | None = None) -> list[Asked]:
        """All calls of one kind, oldest first, to one instance or to all."""
        return [
            asked
            for asked in self.asked
            if isinstance(asked.call.operation, kind) and instance in (None, asked.instance)
        ]

    def operations(self, kind: type[Op], instance: str | None = None) -> list[Op]:
        """What those calls ask for."""
        return [
            asked.call.operation
            for asked in self.calls(kind, instance)
            if isinstance(asked.call.operation, kind)
        ]

    def did(self, kind: type[Kept]) -> list[Kept]:
        """All effects of one kind, oldest first."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def leads(self) -> bool:
        """Whether it leads at this moment."""
        return self.elector.leads(self._now_ns)

    def settled(self) -> bool:
        """Whether nothing is held any more and every release was answered."""
        return self.elector.settled

    @property
    def remaining_ms(self) -> float:
        """How long its lease is still sure."""
        return self.elector.remaining_ns(self._now_ns) / NS_PER_MS

    # Shorter ways to where a test begins.

    def claim(self) -> Holder:
        """Show a released record at x and y, which opens the election; return the holder that claims."""
        self.answer_all(released(), "x", "y")
        return self.operations(Take)[-1].holder

    def lead(self) -> Holder:
        """Win an open election with the grants of x and y; return the holder that leads."""
        holder = self.claim()
        self.grant("x")
        self.grant("y")
        assert self.leads()
        return holder

    def renew(self, *names: str) -> None:
        """Let these instances grant the newest renewal that they were sent."""
        for name in names:
            self.grant(self.calls(Renew, name)[-1])


def holder_of(operation: Operation) -> Holder | None:
    """The holder that the record names once this operation is granted; None if it names none."""
    match operation:
        case Take() | Renew():
            return operation.holder
        case Resume():
            return replace(operation.holder, incarnation=operation.incarnation)
        case _:
            return None
