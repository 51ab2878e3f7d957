"""The shell around the electors: events go in, effects are carried out in order.

Holds one elector per election and does what they say: sends calls, saves terms and holders, tells
the journal. It decides nothing about an election; an `if` that does belongs in the protocol.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

from leader import clock
from leader.agent.guards import Guards
from leader.agent.hooks import Hooks, Occasion
from leader.agent.journal import Journal
from leader.agent.lane import Lane
from leader.agent.leases import Leases, Sure
from leader.agent.logs import log
from leader.agent.store import HolderStore, TermStore
from leader.agent.view import bar_sentence
from leader.agent.writer import TermWriter
from leader.errors import TermNotSaved
from leader.protocol.elector import Elector
from leader.protocol.events import (
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
    SaveHolder,
    SaveTerm,
    Send,
    TermSaved,
    Ticked,
    Unbarred,
)
from leader.protocol.events import TermNotSaved as TermWasNotSaved
from leader.protocol.record import Holder


class Conductor:
    """Feeds the electors of one agent and carries out what they ask."""

    def __init__(
        self,
        electors: Mapping[str, Elector],
        stores: tuple[TermStore, HolderStore, Leases],
        jobs: tuple[Guards, Hooks],
        journal: Journal,
    ) -> None:
        terms, holders, self._leases = stores
        self.guards, self.hooks = jobs
        self.guards.ended = self._look_at_jobs
        self.hooks.ended_one = self._look_at_jobs
        self._ending: dict[str, int] = {}
        """Leaderships whose jobs and hooks are to end."""
        self._led_before = {name for name, elector in electors.items() if elector.tenure is not None}
        """Elections that the process before this one led, and that are neither resumed nor lost yet."""
        self.electors = electors
        self.lanes: dict[str, Lane] = {}
        self.changed: Callable[[], None] | None = None
        """Called when all that followed from some events is done."""
        self._holders = holders
        self._journal = journal
        self._events: deque[tuple[str, Event]] = deque()
        self._writer = TermWriter(terms, self._term_written)
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for: Instant = 0
        self._due = asyncio.Event()
        self._progress = asyncio.Event()
        self._draining = False
        self._wakes: dict[str, Instant] = {}
        self._disk_fails = False

    def start(self, lanes: Mapping[str, Lane]) -> None:
        """Let the electors begin, over these lanes."""
        self.lanes = dict(lanes)
        self._writer.start()
        for election, elector in self.electors.items():
            self._carry_out(election, elector.start(clock.now_ns()))
            self._wakes[election] = elector.wake_at
        self._drain()

    def feed(self, election: str, event: Event) -> None:
        """Give one elector an event; all that follows from it is done when this returns."""
        self.feed_each([(election, event)])

    def feed_each(self, events: Iterable[tuple[str, Event]]) -> None:
        """Give electors these events, in this order; all that follows from them is done when this returns."""
        self._events.extend(events)
        self._drain()

    def feed_all(self, event: Event) -> None:
        """Give every elector the same event."""
        self.feed_each((election, event) for election in self.electors)

    def _drain(self) -> None:
        if self._draining:
            return
        self._draining = True
        moved = set()
        try:
            while self._events:
                election, event = self._events.popleft()
                elector = self.electors[election]
                self._carry_out(election, elector.handle(event, clock.now_ns()))
                self._wakes[election] = elector.wake_at
                moved.add(election)
        finally:
            self._draining = False
        now = clock.now_ns()
        self._leases.show({election: sure(self.electors[election], now) for election in moved})
        self._progress.set()
        if self.changed is not None:
            self.changed()
        self._arm()

    def _arm(self) -> None:
        """Set the timer to the earliest moment that any elector waits for; most events do not change that."""
        wake_at = self.wake_at
        if self._timer is not None:
            if wake_at == self._armed_for:
                return
            self._timer.cancel()
        self._armed_for = wake_at
        delay_ns = wake_at - clock.now_ns()
        self._timer = asyncio.get_running_loop().call_later(max(0, delay_ns) / 1e9, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._due.set()

    @property
    def wake_at(self) -> Instant:
        """The earliest moment that any elector waits for."""
        return min(self._wakes.values())

    async def keep_time(self) -> None:
        """Wake each elector when it wants to be, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            now = clock.now_ns()
            self._events.extend((election, Ticked()) for election, at in self._wakes.items() if at <= now)
            self._drain()

    async def settled(self) -> None:
        """Return when nothing is held any more, and every release was answered or given up."""
        while not all(elector.settled for elector in self.electors.values()):
            self._progress.clear()
            await self._progress.wait()

    async def over(self, election: str, holder: Holder) -> None:
        """Return when this leadership is released here, or given up otherwise."""
        elector = self.electors[election]
        while elector.tenure is not None and elector.tenure.holder == holder:
            self._progress.clear()
            await self._progress.wait()

    def save_seen_terms(self) -> None:
        """Let no term that was seen wait any longer to be written."""
        self._writer.hurry()

    def close(self) -> None:
        """Set no timer any more, and write no term but the one that is being written."""
        if self._timer is not None:
            self._timer.cancel()
        self._writer.close()

    def take_leases_away(self) -> None:
        """Leave no lease file behind."""
        self._leases.close()

    def _carry_out(self, election: str, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    self.lanes[effect.instance].put(effect.call)
                case SaveTerm():
                    self._writer.save(election, effect.term, at_once=effect.claims)
                case SaveHolder():
                    self._events.append((election, self._save_holder(election, effect)))
                case EndJobs():
                    self._ending[election] = effect.term
                    self.guards.end(election, effect.term)
                    self._look_at_jobs(election)
                case Gained() | Lost() | ClaimFailed():
                    if isinstance(effect, Lost):
                        self._leases.show({election: None})
                    self._run_hooks(election, effect)
                    self._tell(election, effect)
                case Barred() | Unbarred():
                    self._tell(election, effect)
                case _:
                    assert_never(effect)

    def _look_at_jobs(self, election: str) -> None:
        """Say that the jobs of a leadership have ended, once no guard and no hook is left."""
        if election in self._ending and self.guards.are_gone(election) and self.hooks.are_idle(election):
            self._events.append((election, JobsEnded(self._ending.pop(election))))
            self._due.set()

    def _run_hooks(self, election: str, effect: Gained | Lost | ClaimFailed) -> None:
        """Run what the operator wants; a leadership that is resumed has never ended."""
        led_before = election in self._led_before
        self._led_before.discard(election)
        match effect:
            case Gained(holder, resumed):
                self._ending.pop(election, None)
                self.guards.begin(election)
                if not resumed:
                    self.hooks.happened(election, Occasion("gained", holder.term))
            case Lost(holder, reason, _):
                self.hooks.happened(election, Occasion("lost", holder.term, reason))
            case ClaimFailed(term) if led_before:
                reason = "it could not be resumed after a restart"
                self.hooks.happened(election, Occasion("lost", term, reason))
            case ClaimFailed():
                pass

    def _save_holder(self, election: str, effect: SaveHolder) -> Event:
        try:
            self._leases.withdraw(election)
        except OSError as error:
            log.error(
                "the lease file of %s cannot be removed (%s): what this node held runs out instead of being "
                "released; let this agent's user write beside its socket",
                election,
                error.strerror,
            )
            return HolderNotSaved()
        try:
            self._holders.save(election, effect.holders)
        except OSError as error:
            log.error(
                "the file of holders cannot be written (%s): a restart of this agent will not resume, and "
                "what it held runs out instead of being released; make room in the runtime directory",
                error.strerror,
            )
            return HolderNotSaved()
        return HolderSaved(effect.holders)

    def _term_written(self, election: str, term: int, error: TermNotSaved | None) -> None:
        if error is not None and not self._disk_fails:
            log.error("%s", error)
        self._disk_fails = error is not None
        self.feed(election, TermWasNotSaved(term) if error else TermSaved(term))

    def _tell(self, election: str, effect: Gained | Lost | ClaimFailed | Barred | Unbarred) -> None:
        match effect:
            case Gained(holder, resumed):
                how = "resumed the leadership after a restart" if resumed else "leads"
                self._journal.tell(
                    "gained", f"this node {how}", election=election, term=holder.term, resumed=resumed
                )
            case Lost(holder, reason, cause):
                self._journal.tell(
                    "lost",
                    "this node leads no more",
                    level=logging.WARNING,
                    election=election,
                    term=holder.term,
                    reason=reason,
                    cause=str(cause),
                )
            case ClaimFailed(term, granted, refused, unknown):
                self._journal.tell(
                    "claim-failed",
                    "a claim found no majority, and is tried again",
                    election=election,
                    term=term,
                    granted=granted,
                    refused=refused,
                    unknown=unknown,
                )
            case Barred(bar, instance):
                self._journal.tell(
                    "barred",
                    f"this node claims nothing: {bar_sentence(effect)}",
                    level=logging.WARNING,
                    election=election,
                    why=str(bar),
                    instance=instance,
                )
            case Unbarred():
                self._journal.tell("unbarred", "this node may claim again", election=election)


def sure(elector: Elector, now: Instant) -> Sure | None:
    """What a lease file may say of an election, computed now (rule R6)."""
    tenure = elector.tenure
    until = tenure.told_until(now) if tenure is not None else None
    return Sure(tenure.holder.term, until) if tenure is not None and until is not None else None
