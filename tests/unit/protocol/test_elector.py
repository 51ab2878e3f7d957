"""The elector as a machine: whatever happens, it never spins, never differs, and always wakes again."""

from dataclasses import dataclass
from random import Random

import pytest

from leader.protocol.calls import Answer, Configuration, Observe, Resume, Verdict
from leader.protocol.elector import Elector, Identity
from leader.protocol.events import (
    NS_PER_MS,
    Candidate,
    ContentionChanged,
    Effect,
    EndJobs,
    Event,
    HolderNotSaved,
    HolderSaved,
    JobsEnded,
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
)
from leader.protocol.quorum import Voters
from leader.protocol.record import Holder, Record, State, Version
from leader.protocol.snapshot import Role
from leader.protocol.tenure import Stage

LEASE_MS = 1000
NAMES = ("x", "y", "z")
OWN = Configuration(1, "list", LEASE_MS)
WALL_MS = 1_790_000_000_000
STEPS = 300


@dataclass
class Chaos:
    """Events without rhyme or reason for one elector, drawn from a seed."""

    seed: int

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.now = 0
        self.writes = 0
        self.sent: list[Send] = []
        self.answers: list[Event] = []
        """What the disks and the jobs have still to say."""
        resumable = (Holder("a", "a-0", 7),) if self.random.random() < 0.5 else ()
        identity = Identity("default", "a", "a-1", Voters((NAMES,)), OWN)
        self.elector = Elector(identity, 0, random=Random(self.seed), highest_term=7, resumable=resumable)
        self.keep(self.elector.start(0))

    def keep(self, effects: list[Effect]) -> list[Effect]:
        """Remember what was sent, and what a disk has to answer."""
        for effect in effects:
            match effect:
                case Send():
                    self.sent.append(effect)
                case SaveTerm():
                    self.answers.append(self.either(TermSaved(effect.term), TermNotSaved(effect.term)))
                case SaveHolder():
                    self.answers.append(self.either(HolderSaved(effect.holders), HolderNotSaved()))
                case EndJobs():
                    self.answers.append(self.either(JobsEnded(effect.term), Ticked()))
                case _:
                    pass
        return effects

    def either(self, good: Event, bad: Event) -> Event:
        """Mostly the good one."""
        return good if self.random.random() < 0.9 else bad

    def step(self) -> list[Effect]:
        """One event, after a pause: none, up to the wake time, or beyond it."""
        wake = max(0, self.elector.wake_at - self.now)
        self.now += self.random.choice((0, 0, 1, NS_PER_MS, wake, LEASE_MS * NS_PER_MS // 7))
        return self.keep(self.elector.handle(self.event(), self.now))

    def event(self) -> Event:
        """What a disk has to say; else an answer, a tick, or now and then something else."""
        if self.answers:
            return self.answers.pop(0)
        chance = self.random.random()
        if chance < 0.7 and self.sent:
            return self.reply(self.sent.pop(self.random.randrange(len(self.sent))))
        return Ticked() if chance < 0.9 else self.rare()

    def rare(self) -> Event:
        """Anything else, its contents near the truth or far from it."""
        tenure = self.elector.tenure
        holder = tenure.holder if tenure else Holder("a", "a-1", 7)
        instance = self.random.choice(NAMES)
        events: list[Event] = [
            Noticed(instance, self.record(instance, holder)),
            TermSaved(holder.term),
            TermNotSaved(holder.term),
            HolderSaved((holder,)),
            HolderNotSaved(),
            RegistrySeen((self.candidate(),)),
            ContentionChanged(self.random.random() < 0.9, "by chance"),
            JobsEnded(holder.term),
        ]
        if self.sent:
            sent = self.random.choice(self.sent)
            events.append(Unanswered(sent.instance, sent.call.nonce))
        if self.random.random() < 0.2:
            events.append(StepDownAsked("by chance"))
        return self.random.choice(events)

    def candidate(self) -> Candidate:
        """Another node, which sees the same servers or others."""
        name = self.random.choice(NAMES)
        processes = ((name, self.random.choice((name, name, "another"))),)
        return Candidate("b", self.random.choice((0, 50)), True, True, self.now, processes)

    def reply(self, sent: Send) -> Event:
        """An answer: mostly a grant of what was asked for, or a record that may be taken."""
        operation = sent.call.operation
        named = Holder("b", "b-1", 9) if isinstance(operation, Observe) else operation.holder
        if isinstance(operation, Resume):
            named = Holder("a", operation.incarnation, named.term)
        good = Verdict.OBSERVED if isinstance(operation, Observe) else Verdict.GRANTED
        verdict = good if self.random.random() < 0.8 else self.random.choice(list(Verdict))
        record = self.record(sent.instance, named, granted=verdict is Verdict.GRANTED)
        configuration = None if self.random.random() < 0.98 else Configuration(2, "other", LEASE_MS)
        answer = Answer(verdict, record)
        return Replied(
            sent.instance, sent.call.nonce, record.process, WALL_MS, WALL_MS, configuration, "b", answer
        )

    def record(self, instance: str, holder: Holder, *, granted: bool = False) -> Record:
        """A record as that instance might show it."""
        state = State.HELD if granted else self.random.choice((*State, State.RELEASED))
        self.writes += self.random.choice((0, 1, 1))
        process = instance if self.random.random() < 0.98 else "another"
        named = None if state is State.FRESH else holder
        return Record(process, Version(self.writes, "n"), state, holder.term, named, LEASE_MS)


@pytest.mark.parametrize("seed", range(100))
def test_it_never_spins_and_always_wakes_again(seed: int) -> None:
    """After every event the next wake time lies ahead, by a beat at most, and what was due has been sent."""
    went_through(seed)


def test_the_chaos_goes_through_every_stage() -> None:
    """Else the tests here say nothing about those that it leaves out."""
    assert set().union(*(went_through(seed) for seed in range(100))) == {None, *Stage}


def went_through(seed: int) -> set[Stage | None]:
    """The stages that one chaos saw; none of its wake times was in the past."""
    chaos = Chaos(seed)
    stages = {stage_of(chaos.elector)}
    for _ in range(STEPS):
        effects = chaos.step()
        assert chaos.now < chaos.elector.wake_at <= chaos.now + chaos.elector.beat_ns
        assert len(effects) <= 20
        stages.add(stage_of(chaos.elector))
    return stages


def stage_of(elector: Elector) -> Stage | None:
    """The stage of its tenure, if it has one."""
    return None if elector.tenure is None else elector.tenure.stage


@pytest.mark.parametrize("seed", range(10))
def test_the_same_inputs_give_the_same_outputs(seed: int) -> None:
    """Any log of events is a test that can be replayed."""
    one, other = Chaos(seed), Chaos(seed)
    for _ in range(STEPS):
        assert one.step() == other.step()


@pytest.mark.parametrize("seed", range(20))
def test_role_and_remaining_time_say_the_same(seed: int) -> None:
    """At every moment it is holder, leads, and has time left, or none of the three."""
    chaos = Chaos(seed)
    for _ in range(STEPS):
        chaos.step()
        elector, now = chaos.elector, chaos.now
        assert elector.leads(now) == (elector.role(now) is Role.HOLDER) == (elector.remaining_ns(now) > 0)


def test_an_observer_is_told_apart_from_a_candidate() -> None:
    """By its priority alone."""
    identity = Identity("default", "a", "a-1", Voters((NAMES,)), OWN, priority=0)
    assert Elector(identity, 0, random=Random(1)).role(0) is Role.OBSERVER
