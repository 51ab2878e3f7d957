"""The shell around the electors, as the simulation has it: events go in, effects are carried out in order.

It stands in for `leader/agent`, with slow and failing disks, and may freeze or die between two effects.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import assert_never

from leader.protocol import resume
from leader.protocol.calls import Call, Notice
from leader.protocol.elector import Elector, Identity
from leader.protocol.events import (
    NS_PER_MS,
    Barred,
    ClaimFailed,
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
from leader.protocol.record import Holder
from leader.protocol.runs import Run
from tests.simulation import registry
from tests.simulation.instance import Executed, Request
from tests.simulation.machine import Disk, Setup, words
from tests.simulation.network import Network, Sent
from tests.simulation.promises import Promises
from tests.simulation.timeline import LEASE_NS

BEAT_NS = LEASE_NS // 3
PATIENCE_NS = LEASE_NS // 10
SEEN_TERMS_WAIT_NS = LEASE_NS // 20


@dataclass(slots=True)
class Heard:
    """An event for one elector; a reply comes with its call, and when that was asked for."""

    election: str
    event: Event
    asked: tuple[Call, Instant] | None = None


class Agent:
    """One incarnation of one node's agent."""

    def __init__(self, setup: Setup, place: str, network: Network, promises: Promises, disk: Disk) -> None:
        self.setup = setup
        self.place = place
        self.voters, self.names = setup.voters, setup.voters.instances
        self.lease_ns = setup.configuration.held_lease_ms * NS_PER_MS
        self.clock = setup.clock
        self._rate, self._offset = setup.clock.rate, setup.clock.offset
        self.frozen = False
        self.dead = False
        self.allowed = True
        self.fit = True
        self.electors: dict[str, Elector] = {}
        self.disk = disk
        self._network = network
        self._time = network.time
        self._promises = promises
        self._holders: dict[str, tuple[Holder, ...]] = {}
        self._events: deque[Heard] = deque()
        self._outbox: dict[str, list[tuple[Call, Instant]]] = {}
        self._missed: list[Callable[[], None]] = []
        self._draining = False
        self._tick_at: int | None = None
        self._disk_free_at = 0
        self._unsaved: deque[tuple[str, int]] = deque()
        self._registered: dict[str, int] = {}
        self._registry_seen = -LEASE_NS
        self._answered: dict[str, tuple[int, str]] = {}

    @property
    def now(self) -> Instant:
        """What this host's clock shows."""
        return self._offset + self._time.now * self._rate // 1000

    @property
    def settled(self) -> bool:
        """Whether nothing is held, and no release is on its way."""
        return not self.frozen and all(elector.settled for elector in self.electors.values())

    # Its life.

    def start(self) -> None:
        """Make the electors, and do what they ask first."""
        setup = self.setup
        self._holders = resume.resumable(self.disk.runtime, setup.resume_place)
        if not self._holders:
            self.disk.runtime = ""
        for election in setup.elections:
            self.electors[election] = Elector(
                Identity(
                    election,
                    setup.node,
                    setup.incarnation,
                    setup.voters,
                    setup.configuration,
                    setup.priority,
                    setup.preempt,
                    setup.preempt_delay_ms,
                ),
                self.now,
                random=Random(self._time.random.getrandbits(64)),
                highest_term=self.disk.terms.get(election, 0),
                resumable=self._holders.get(election, ()),
            )
        for election, elector in self.electors.items():
            self._carry_out(election, elector.start(self.now))
        self._drain()

    def die(self) -> None:
        """End at once; what was about to be sent may be on its way, or not."""
        if self._outbox and self.setup.habits.sends_at_death():
            self._flush()
        self.dead = True
        self._promises.agent_died(self)

    def freeze(self) -> None:
        """Stop, as by SIGSTOP: what arrives waits."""
        self.frozen = True
        self._time.tell(f"{self.place} freezes")

    def thaw(self) -> None:
        """Go on: questions are answered first, then all that waited is taken in."""
        if self.dead or not self.frozen:
            return
        self.frozen = False
        self._time.tell(f"{self.place} thaws")
        self._promises.question(self)
        missed, self._missed = self._missed, []
        if self._time.chance(0.3):
            self._time.random.shuffle(missed)
        if self._time.chance(0.5):
            missed.insert(0, self._tick)
        self._drain()
        for arrival in (*missed, self._tick):
            self._whenever_awake(arrival)

    def _whenever_awake(self, action: Callable[[], None]) -> None:
        if self.frozen:
            self._missed.append(action)
        elif not self.dead:
            action()

    # What arrives.

    def tell(self, event: Event) -> None:
        """Give every elector an event that comes from outside: an operator's wish."""

        def take_in() -> None:
            self._promises.told(self, event)
            self._feed([Heard(election, event) for election in self.electors])

        self._whenever_awake(take_in)

    def ask_to_step_down(self, to: str | None) -> None:
        """Hand each election over that this agent leads, if it sees who could follow."""

        def take_in() -> None:
            for election, elector in self.electors.items():
                heir = elector.heir(to, self.now)
                self._time.count(f"step-down: {'accepted' if heir.node else 'refused'}")
                if heir.node:
                    event = StepDownAsked("asked", heir.node)
                    self._promises.told(self, event)
                    self._feed([Heard(election, event)])

        self._whenever_awake(take_in)

    def receive(self, sent: Sent, executed: Executed) -> None:
        """Take in a reply, in time or late."""
        if sent.awaited and self._time.now > sent.expires_at:
            self._time.count("reply after patience ended")
        sent.answered = True
        self._whenever_awake(lambda: self._take_reply(sent, executed))

    def _take_reply(self, sent: Sent, executed: Executed) -> None:
        reply = executed.reply
        if executed.eligibility != "ok":
            self._feed([Heard(call.election, Unanswered(sent.name, call.nonce)) for call, _ in sent.calls])
            return
        self._answered[sent.name] = (self._time.now, reply.process)
        own_wall_ms = self.setup.wall_ms + self._time.now // NS_PER_MS
        heard = []
        for asked, answer in zip(sent.calls, reply.answers, strict=True):
            call = asked[0]
            self._time.counts[f"{type(call.operation).__name__.lower()}: {answer.verdict}"] += 1
            event = Replied(
                sent.name,
                call.nonce,
                reply.process,
                reply.wall_ms,
                own_wall_ms,
                reply.configuration,
                reply.configured_by,
                answer,
            )
            heard.append(Heard(call.election, event, asked))
        if executed.registry and self._time.now - self._registry_seen > BEAT_NS // 2:
            self._registry_seen = self._time.now
            seen = RegistrySeen(registry.candidates(executed.registry, self.setup.node, self.now))
            heard += [Heard(election, seen) for election in self.electors]
        self._feed(heard)

    def give_up(self, sent: Sent) -> None:
        """Stop waiting for a reply."""
        if not sent.answered:
            sent.answered = True
            self._whenever_awake(lambda: self._take_silence(sent))

    def _take_silence(self, sent: Sent) -> None:
        self._time.count("call unanswered")
        self._feed([Heard(call.election, Unanswered(sent.name, call.nonce)) for call, _ in sent.calls])

    def notice(self, name: str, notices: tuple[Notice, ...] | tuple[Run, ...]) -> None:
        """Take in what an instance published; runs of jobs are nothing to an elector."""
        heard = [
            Heard(n.election, Noticed(name, n.record))
            for n in notices
            if isinstance(n, Notice) and n.election in self.electors
        ]
        self._whenever_awake(lambda: self._feed(heard))

    def _feed(self, heard: Iterable[Heard]) -> None:
        if not self.dead:
            self._events.extend(heard)
            self._drain()

    def _drain(self) -> None:
        """Handle all events that wait, send what is to be sent, and set the timer."""
        if self._draining or self.frozen:
            return
        self._draining = True
        while self._events and not self.dead and not self.frozen:
            heard = self._events.popleft()
            if heard.asked is not None and isinstance(heard.event, Replied):
                self._promises.heard(self, heard.election, heard.asked, heard.event)
            if isinstance(heard.event, RegistrySeen):
                self._promises.shown(self, heard.election, heard.event.candidates)
            self._carry_out(heard.election, self.electors[heard.election].handle(heard.event, self.now))
            if not self.dead:
                self._promises.look(self, heard.election)
        self._draining = False
        if not self.dead and not self.frozen:
            self._flush()
            self._arm()

    # The timer.

    def _arm(self) -> None:
        wake = self.clock.when(min([elector.wake_at for elector in self.electors.values()]))
        if wake <= self._time.now:
            wake = self._time.now + NS_PER_MS
        if self._tick_at is None or wake < self._tick_at:
            self._tick_at = wake
            self._time.at(wake, self._on_timer, wake)

    def _on_timer(self, moment: int) -> None:
        if moment == self._tick_at:
            self._tick_at = None
            if not self.frozen:
                self._tick()

    def _tick(self) -> None:
        if not self.dead:
            now = self.now
            due = [name for name, elector in self.electors.items() if elector.wake_at <= now]
            self._feed([Heard(election, Ticked()) for election in due])

    # Effects.

    def _carry_out(self, election: str, effects: list[Effect]) -> None:
        strike = self.setup.habits.strike
        for effect in effects:
            if strike is not None:
                strike(self.place, effect)
                if self.dead:
                    return
            self._do(election, effect)

    def _do(self, election: str, effect: Effect) -> None:
        match effect:
            case Send():
                self._outbox.setdefault(effect.instance, []).append((effect.call, self.now))
            case SaveTerm():
                if effect.claims:
                    self._save_term(election, effect.term)
                else:
                    self._time.after(SEEN_TERMS_WAIT_NS, self._save_seen_term, election, effect.term)
            case SaveHolder():
                self._events.append(Heard(election, self._save_holder(election, effect.holders)))
            case EndJobs():
                self._count(effect)
                self._time.count("role: hands over")
                self._promises.jobs(self, election, effect.term, end=False)
                self._time.after(self.setup.habits.jobs_ns(), self._jobs_ended, election, effect.term)
            case Gained() | Lost() | ClaimFailed():
                self._count(effect)
                self._time.tell(f"{self.place} {election}: {words(effect)}")
                self._count_role(effect)
                self._promises.effect(self, election, effect)
            case Barred() | Unbarred():
                self._count(effect)
            case _:
                assert_never(effect)

    def _count(self, effect: Effect) -> None:
        self._time.counts[f"effect: {type(effect).__name__}"] += 1

    def _count_role(self, effect: Gained | Lost | ClaimFailed) -> None:
        if isinstance(effect, Gained):
            self._time.count("role: resumes" if effect.resumed else "role: leads")
        elif isinstance(effect, Lost):
            self._time.count("role: leads no more")

    def _jobs_ended(self, election: str, term: int) -> None:
        self._promises.jobs(self, election, term, end=True)
        self._whenever_awake(lambda: self._feed([Heard(election, JobsEnded(term))]))

    def _save_holder(self, election: str, holders: tuple[Holder, ...]) -> Event:
        if not self.disk.runtime_writable:
            self._time.count("effect: holder not saved")
            return HolderNotSaved()
        self._time.count("effect: holder saved")
        self._holders = {**self._holders, election: holders}
        self.disk.runtime = resume.write(self.setup.resume_place, self._holders)
        return HolderSaved(holders)

    def _save_seen_term(self, election: str, term: int) -> None:
        if not self.dead:
            self._save_term(election, term)

    def _save_term(self, election: str, term: int) -> None:
        """Terms are written one after the other; each takes its time."""
        self._promises.chose(self, election, term)
        self._unsaved.append((election, term))
        self._disk_free_at = max(self._disk_free_at, self._time.now) + self.setup.habits.term_ns()
        self._time.at(self._disk_free_at, self._write_term)

    def finish_writing(self) -> None:
        """Let a slow disk be done with all that waits."""
        while self._unsaved:
            self._write_term()
        self._disk_free_at = 0

    def _write_term(self) -> None:
        if not self._unsaved:
            return
        election, term = self._unsaved.popleft()
        writes = self.disk.terms_writable
        if self.dead and self._time.chance(0.5):
            return
        if writes:
            self.disk.terms[election] = max(term, self.disk.terms.get(election, 0))
        self._time.count(f"effect: term {'' if writes else 'not '}saved")
        event = TermSaved(term) if writes else TermNotSaved(term)
        self._whenever_awake(lambda: self._feed([Heard(election, event)]))

    # Sending.

    def _flush(self) -> None:
        outbox, self._outbox = self._outbox, {}
        patience = PATIENCE_NS * 1000 // self.clock.rate
        for name, calls in outbox.items():
            for call, _ in calls:
                self._promises.sent(self, call)
            request = self._request(name, tuple(call for call, _ in calls))
            expires_at = self._time.now + patience
            self._network.request(Sent(self, name, request, tuple(calls), expires_at, self._network.epoch))

    def _request(self, name: str, calls: tuple[Call, ...]) -> Request:
        """The script call, with this node's registration about once a beat."""
        now, setup = self._time.now, self.setup
        if now - self._registered.get(name, -LEASE_NS) < BEAT_NS * 3 // 4:
            return Request(setup.configuration, setup.node, calls)
        self._registered[name] = now
        wants = now - self._registry_seen > BEAT_NS * 3 // 4
        return Request(setup.configuration, setup.node, calls, self._registration(now), wants)

    def _registration(self, now: int) -> str:
        lately = {name: p for name, (at, p) in self._answered.items() if now - at < LEASE_NS}
        return registry.write(
            registry.Entry(
                incarnation=self.setup.incarnation,
                priority=self.setup.priority,
                contends=self.allowed and self.fit,
                fit=self.fit,
                sees_majority=self.setup.voters.spare(lately) >= 0,
                generation=self.setup.configuration.generation,
                processes=tuple(lately.items()),
            )
        )
