"""The way to one instance: its calls wait here, and go out together, one script call at a time.

Each instance has a lane and a task of its own, so a hung one never delays another. Calls of all
elections that fall due at one moment travel in one script call. Whatever happens, each call is
answered with `Replied` or `Unanswered`: what that means is the elector's business.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from leader import clock
from leader.agent.journal import Journal
from leader.agent.logs import log
from leader.agent.rota import Rota
from leader.agent.round_trips import RoundTrips
from leader.instances.instance import Instance
from leader.instances.problems import Ineligible, Problem, Unanswered
from leader.protocol.calls import Call, Registration, Release, Reply, Take
from leader.protocol.events import NS_PER_MS, Event, Instant, Replied
from leader.protocol.events import Unanswered as NoAnswer

Feed = Callable[[Iterable[tuple[str, Event]]], None]
FAREWELL = "-"
"""The registration that removes this node's entry."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every lane of one agent shares.

    `feed` takes events, each with its election; `registration` gives this node's entry; `heard` is called at
    every reply, `learned` with the registry of an instance, by its name; `rota` says when that is read.
    """

    feed: Feed
    registration: Callable[[], str]
    heard: Callable[["Lane"], None]
    learned: Callable[[str, tuple[Registration, ...]], None]
    rota: Rota
    journal: Journal
    lease_ns: int

    @property
    def patience_ns(self) -> int:
        """How long an answer is waited for (rule R3)."""
        return self.lease_ns // 10

    @property
    def beat_ns(self) -> int:
        """How often each instance is called (rule R3)."""
        return self.lease_ns // 3


class Lane:
    """The calls to one instance, and how it last answered."""

    def __init__(self, instance: Instance, around: Surroundings) -> None:
        self.instance = instance
        self.process = ""
        self.problem: Problem | None = None
        self.answered_at: Instant | None = None
        self.round_trips = RoundTrips()
        self.errors: Counter[str] = Counter()
        """Calls without a vote since the start, by the kind of their problem."""
        self._around = around
        self._queue: list[Call] = []
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._registered_at: Instant | None = None
        self._leaving = False
        self._has_left = False
        self._failing_since: Instant | None = None
        self._unread = ""
        """Why the registry could not be read, if it could not the last time."""

    @property
    def name(self) -> str:
        """The instance's name."""
        return self.instance.name

    def answers(self, now: Instant) -> bool:
        """Whether the instance voted within the last lease and has no problem now."""
        if self.problem is not None or self.answered_at is None:
            return False
        return now - self.answered_at < self._around.lease_ns

    def put(self, call: Call) -> None:
        """Send this call with the next script call."""
        self._queue.append(call)
        self._idle.clear()
        self._wanted.set()

    def leave(self) -> None:
        """Take this node out of the registry, with the next call or by one of its own."""
        self._leaving = self._has_left = True
        self._idle.clear()
        self._wanted.set()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be sent or answered."""
        return self._idle.is_set()

    def wake(self) -> None:
        """Read the registry, if it is this one's turn."""
        self._wanted.set()

    async def drained(self) -> None:
        """Return when nothing waits to be sent or answered."""
        await self._idle.wait()

    async def run(self) -> None:
        """Carry calls until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while True:
                if self._queue or self._leaving:
                    calls, self._queue = self._queue, []
                    farewell, self._leaving = self._leaving, False
                    await self._carry(calls, farewell=farewell)
                elif not self._has_left and self._around.rota.takes(self.name):
                    await self._read_registry()
                else:
                    break
            self._idle.set()

    async def _carry(self, calls: list[Call], *, farewell: bool) -> None:
        registers = self._registers(calls)
        try:
            reply = await self.instance.call(
                calls,
                registration=FAREWELL if farewell else self._around.registration() if registers else "",
                timeout_ns=self._around.patience_ns,
            )
        except (Unanswered, Ineligible) as error:
            self._fail(calls, error.problem)
        else:
            if registers:
                self._registered_at = clock.now_ns()
            self._succeed(calls, reply)

    async def _read_registry(self) -> None:
        """Learn who is there; what keeps an instance from showing it is told once, and costs no vote."""
        try:
            found = await self.instance.read_registry(timeout_ns=self._around.patience_ns)
        except (Unanswered, Ineligible) as error:
            if self.problem is None and error.problem.sentence != self._unread:
                log.warning("the registry cannot be read: %s", error.problem.sentence)
            self._unread = error.problem.sentence
            self._around.rota.failed(self.name)
        else:
            self._unread = ""
            self._around.learned(self.name, found)

    def _registers(self, calls: Iterable[Call]) -> bool:
        """Whether it is time to register again: about once a beat, and never after the farewell.

        Nor while a claim or a hand-over waits for the answer: the registry may be read after a registration.
        """
        if self._has_left or any(map(_is_waited_for, calls)):
            return False
        since = self._registered_at
        return since is None or clock.now_ns() - since > self._around.beat_ns * 3 // 4

    def _succeed(self, calls: list[Call], reply: Reply) -> None:
        self.process = reply.process
        self.answered_at = clock.now_ns()
        self.round_trips.add(self.instance.round_trip_ns or 0)
        self._tell_recovery()
        self._around.heard(self)
        own_wall_ms = clock.wall_ms()
        self._around.feed(
            (
                call.election,
                Replied(
                    instance=self.name,
                    nonce=call.nonce,
                    process=reply.process,
                    wall_ms=reply.wall_ms,
                    own_wall_ms=own_wall_ms,
                    configuration=reply.configuration,
                    configured_by=reply.configured_by,
                    answer=answer,
                ),
            )
            for call, answer in zip(calls, reply.answers, strict=True)
        )

    def _fail(self, calls: list[Call], problem: Problem) -> None:
        if self._failing_since is None:
            self._failing_since = clock.now_ns()
        self.errors[str(problem.kind)] += 1
        if self.problem is None or self.problem.kind != problem.kind:
            self._around.journal.tell(
                "instance-lost",
                problem.sentence,
                level=logging.WARNING,
                instance=self.name,
                kind=str(problem.kind),
            )
        self.problem = problem
        self._around.feed((call.election, NoAnswer(self.name, call.nonce)) for call in calls)

    def _tell_recovery(self) -> None:
        if self.problem is None:
            return
        self.problem = None
        silent_ms = (clock.now_ns() - (self._failing_since or clock.now_ns())) // NS_PER_MS
        self._failing_since = None
        self._around.journal.tell(
            "instance-back", f"instance {self.name} votes again", instance=self.name, after_ms=silent_ms
        )


def _is_waited_for(call: Call) -> bool:
    """Whether nobody leads until it is answered: it is of a claim, or hands a leadership over."""
    operation = call.operation
    return isinstance(operation, Release) or (isinstance(operation, Take) and not operation.sitting)


def answering(lanes: Mapping[str, Lane], now: Instant) -> list[Lane]:
    """The lanes whose instances answer at this moment."""
    return [lane for lane in lanes.values() if lane.answers(now)]
