"""The agent's part in `leader once`: it claims ticks while it leads, waits while it does not, keeps the runs.

When a tick is won is decided in `leader/protocol/ticks.py`; this file asks the instances, keeps the memory,
and notices when a `once` dies. Calls of one job claim one after the other.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from leader import clock
from leader.agent.guards import Guards
from leader.agent.job_lane import JobLane
from leader.agent.journal import Journal
from leader.agent.ledger import Ledger
from leader.agent.reports import Reports
from leader.protocol.events import NS_PER_MS, Instant
from leader.protocol.quorum import Voters
from leader.protocol.record import Holder
from leader.protocol.runs import LONGEST_LEDGER, ClaimTick, Look, Report, Run, RunState, TickCall
from leader.protocol.snapshot import JobView
from leader.protocol.ticks import Ask, Decision, Surroundings, Tick, Wish

RETURN_NS = 5_000_000_000
"""How long a run whose `once` is not connected may take to come back, before it counts as interrupted."""

LOOK_NS = 60_000_000_000
"""How often everything is looked at, beside what is published."""

Leave = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Quorum:
    """What all ticks of one agent share: its name, the instances by name, the lease in milliseconds."""

    node: str
    lanes: Mapping[str, JobLane]
    voters: Voters
    lease_ms: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What this agent sees of the world at the moment of asking.

    Its leadership of an election, if it leads; whether no new job may start under it; the instances that are
    not silent; the nodes that live.
    """

    holder: Callable[[str], Holder | None]
    drains: Callable[[str], bool]
    answering: Callable[[], frozenset[str]]
    alive: Callable[[], frozenset[str]]


@dataclass(slots=True)
class Own:
    """A run of this node, called at `since`: how many of its `once` are connected, and since when none is."""

    run: Run
    since: Instant
    connected: int
    lonely_since: Instant


class Jobs:
    """The ticks and the runs of one agent."""

    def __init__(self, quorum: Quorum, sight: Sight, guards: Guards, journal: Journal) -> None:
        self.ledger = Ledger()
        self._quorum = quorum
        self._sight = sight
        self._guards = guards
        self._journal = journal
        self._beat_ns = quorum.lease_ms * NS_PER_MS // 3
        self._reports = Reports(self._beat_ns, quorum.voters)
        self._ticks: dict[Tick, asyncio.Event] = {}
        self._turns: dict[str, Tick] = {}
        """Whose turn it is to claim, by job."""
        self._own: dict[str, Own] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._started_at = clock.now_ns()
        self._stops = False

    # Its life.

    async def run(self) -> None:
        """Carry what is asked, and write what is to be written, until cancelled."""
        leave = self._journal.subscribe(self._on_change)
        try:
            async with asyncio.TaskGroup() as group:
                for lane in self._quorum.lanes.values():
                    group.create_task(lane.run(), name=f"jobs {lane.name}")
                group.create_task(self._reports.run(self._quorum.lanes), name="reports")
                group.create_task(self._care(), name="runs")
        finally:
            leave()

    def stop(self) -> None:
        """Decide nothing more that is still open once no claim is on its way: `once` asks another time."""
        self._stops = True
        self._wake_all()

    def _on_change(self, change: Mapping[str, object]) -> None:
        if change["event"] in ("gained", "lost"):
            self._wake_all()

    def heard(self, run: Run) -> None:
        """Take in what an instance published."""
        self._learn((run,))

    def _learn(self, runs: tuple[Run, ...]) -> None:
        now = clock.now_ns()
        self.ledger.learn(runs, now)
        jobs = {run.job for run in runs}
        for tick, event in self._ticks.items():
            if tick.wish.job in jobs:
                for run in runs:
                    if run.job == tick.wish.job:
                        tick.notice(run, now)
                event.set()

    def look_again(self) -> None:
        """Let the ticks that wait see whether they may be claimed now."""
        self._wake_all()

    def _wake_all(self) -> None:
        for event in self._ticks.values():
            event.set()

    # Ticks.

    async def claim(self, wish: Wish) -> Tick | None:
        """The tick, decided; None if this agent stops before it is."""
        now = clock.now_ns()
        tick = Tick(wish, self._quorum.voters, self._quorum.lease_ms, now)
        for run in self.ledger.runs(wish.job, now):
            tick.notice(run, now)
        event = self._ticks[tick] = asyncio.Event()
        leave: Leave | None = None
        try:
            while not self._is_over(tick):
                event.clear()
                leave = self._advance(tick, leave)
                if not self._is_over(tick):
                    await _woken(event, tick.wake_at)
        finally:
            self._end(tick, leave)
        return tick if tick.decision is not None else None

    def _is_over(self, tick: Tick) -> bool:
        return tick.decision is not None or (self._stops and not tick.is_at_stake)

    def _advance(self, tick: Tick, leave: Leave | None) -> Leave | None:
        """Take the steps that are due; a hand-over waits as long as something is at stake."""
        asks = tick.step(self._around(tick), clock.now_ns())
        for ask in asks:
            task = asyncio.create_task(self._carry(tick, ask))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        if tick.is_at_stake and leave is None:
            return self._guards.join(tick.wish.election, lambda _change: None)
        if leave is not None and not tick.is_at_stake:
            leave()
            return None
        return leave

    def _around(self, tick: Tick) -> Surroundings:
        may_claim = tick.is_at_stake or not self._sight.drains(tick.wish.election)
        holder = self._sight.holder(tick.wish.election) if may_claim else None
        if holder is not None and self._turns.setdefault(tick.wish.job, tick) is not tick:
            holder = None
        return Surroundings(holder, self._sight.answering(), self._sight.alive())

    async def _carry(self, tick: Tick, ask: Ask) -> None:
        heard = await self._quorum.lanes[ask.instance].ask(TickCall(tick.wish.job, ask.operation))
        now = clock.now_ns()
        if heard is None:
            tick.miss(ask.instance, now)
        else:
            tick.hear(ask.instance, heard.process, heard.answer, now)
            self._learn(heard.answer.runs)
        if tick in self._ticks:
            self._ticks[tick].set()
        elif isinstance(ask.operation, ClaimTick):
            self._give_up(tick)

    def _end(self, tick: Tick, leave: Leave | None) -> None:
        del self._ticks[tick]
        if self._turns.get(tick.wish.job) is tick:
            del self._turns[tick.wish.job]
            self._wake_all()
        if leave is not None:
            leave()
        if tick.decision is Decision.YOURS:
            self._begin(tick)
        else:
            self._give_up(tick)

    def _begin(self, tick: Tick) -> None:
        now, term = clock.now_ns(), tick.term
        run = tick.wish.run(RunState.RUNNING, term, (now - tick.called_at) // NS_PER_MS)
        self._own[run.nonce] = Own(run, tick.called_at, 0, now)
        self.ledger.learn((run,), now)
        self._journal.tell(
            "tick-claimed",
            "a tick is claimed",
            election=run.election,
            job=run.job,
            term=term,
            nonce=run.nonce,
        )

    def _give_up(self, tick: Tick) -> None:
        """Write down what became of a tick that was not started here, if anybody must know."""
        report = tick.report(clock.now_ns())
        if report is not None:
            self._put(report, tick.called_at)

    def _put(self, report: Report, since: Instant) -> asyncio.Event:
        now = clock.now_ns()
        self.ledger.learn((replace(report.run, age_ms=(now - since) // NS_PER_MS),), now)
        return self._reports.put(report, since)

    # Runs.

    def connect(self, run: Run) -> Leave:
        """Note that the `once` of a run is there; what is returned notes that it is gone.

        It comes on a connection of its own, so its end may have been heard of before.
        """
        now = clock.now_ns()
        if self.ledger.has_ended(run.job, run.nonce):
            return lambda: None
        own = self._own.setdefault(run.nonce, Own(run, now - run.age_ms * NS_PER_MS, 0, now))
        own.connected += 1
        self._put(Report(replace(own.run, state=RunState.RUNNING)), own.since)

        def leave() -> None:
            own.connected -= 1
            own.lonely_since = clock.now_ns()

        return leave

    def ended(self, run: Run) -> asyncio.Event:
        """Write down how a run has ended; the event is set once a majority of the instances has it."""
        own = self._own.pop(run.nonce, None)
        self._journal.tell(
            "job-ended", "a job has ended", job=run.job, state=str(run.state), code=run.code, nonce=run.nonce
        )
        return self._put(Report(run), own.since if own else clock.now_ns() - run.age_ms * NS_PER_MS)

    async def _care(self) -> None:
        """Look at everything now and then, and call those runs interrupted that nobody stands for."""
        looked_at: Instant = 0
        while True:
            now = clock.now_ns()
            if now - looked_at > LOOK_NS:
                looked_at = now
                await self.look()
            for own in tuple(self._own.values()):
                if not own.connected and now - own.lonely_since > RETURN_NS:
                    del self._own[own.run.nonce]
                    self._put(Report(replace(own.run, state=RunState.INTERRUPTED)), own.since)
            if now - self._started_at > RETURN_NS:
                self._interrupt_forgotten(now)
            await asyncio.sleep(RETURN_NS / 2e9)

    def _interrupt_forgotten(self, now: Instant) -> None:
        """Runs of this node that the process before this one knew, and nobody has come back for.

        A tick that is still being decided may yet be started.
        """
        known = self._own.keys() | {tick.wish.nonce for tick in self._ticks}
        for run in self.ledger.all_runs(now):
            is_ours = run.node == self._quorum.node and run.nonce not in known
            if is_ours and run.state is RunState.RUNNING and run.age_ms * NS_PER_MS > RETURN_NS:
                self._put(Report(replace(run, state=RunState.INTERRUPTED)), now - run.age_ms * NS_PER_MS)

    # What is known.

    def running(self, election: str) -> tuple[str, ...]:
        """The jobs of which a tick runs on this node, or is about to."""
        owned = {own.run.job for own in self._own.values() if own.run.election == election}
        owned |= {
            run.job
            for run in self.ledger.all_runs(clock.now_ns())
            if (run.node, run.election, run.state) == (self._quorum.node, election, RunState.RUNNING)
        }
        claiming = {
            tick.wish.job for tick in self._ticks if tick.wish.election == election and tick.is_at_stake
        }
        return tuple(sorted(owned | claiming))

    async def look(self, job: str = "") -> None:
        """Ask every instance for all it keeps, of all jobs or of one."""
        lanes = self._quorum.lanes
        heard = await asyncio.gather(*(lane.ask(TickCall(job, Look())) for lane in lanes.values()))
        answers = {name: a.answer for name, a in zip(lanes, heard, strict=True) if a is not None}
        for answer in answers.values():
            self._learn(answer.runs)
        if self._quorum.voters.spare(answers) >= 0:
            self.ledger.drop_missed((run.nonce for a in answers.values() for run in a.runs), job)

    def views(self, only: str = "", most: int = LONGEST_LEDGER) -> tuple[JobView, ...]:
        """The jobs and their last ticks, at most so many of each."""
        return self.ledger.views(self._sight.alive(), clock.now_ns(), only, most)


async def _woken(event: asyncio.Event, moment: Instant) -> None:
    """Return when the event is set, or at this moment."""
    delay_s = max(0.001, (moment - clock.now_ns()) / 1e9)
    try:
        async with asyncio.timeout(delay_s):
            await event.wait()
    except TimeoutError:
        return
