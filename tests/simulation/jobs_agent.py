"""An agent that also answers calls of `once`: a `Tick` for each, and reports to the instances.

It stands in for the part of `leader/agent` that serves jobs; the elector beside it is the same as ever.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from leader.protocol.calls import Notice
from leader.protocol.events import NS_PER_MS
from leader.protocol.record import Holder
from leader.protocol.runs import Look, Report, Run, TickAnswer, TickCall, TickVerdict
from leader.protocol.ticks import Ask, Decision, Surroundings, Tick, Wish
from tests.simulation.agent import BEAT_NS, PATIENCE_NS, Agent
from tests.simulation.instance import Executed, Request
from tests.simulation.jobs_calls import WRITTEN_BEFORE, Answered, Opened, Telling, TickSent
from tests.simulation.machine import Setup
from tests.simulation.network import Network, Sent
from tests.simulation.promises import Disk, Promises
from tests.simulation.timeline import LEASE_NS

ALIVE_NS = 2 * LEASE_NS
"""A node that registered within so long is held to be alive."""
LONGEST_STAKE_NS = PATIENCE_NS
"""How long a hand-over waits for claims that are at stake."""


class JobAgent(Agent):
    """One incarnation of one node's agent, which serves jobs, too."""

    def __init__(self, setup: Setup, place: str, network: Network, promises: Promises, disk: Disk) -> None:
        super().__init__(setup, place, network, promises, disk)  # type: ignore[arg-type]
        self.opened: dict[str, Opened] = {}
        self.tellings: dict[str, Telling] = {}
        self._given_up: dict[str, Tick] = {}
        self._silent: set[str] = set()
        self._alive: dict[str, int] = {}
        self._walls: dict[str, tuple[int, int]] = {}
        self._serve_at: int | None = None
        self._serving = False
        self._yielding_since: dict[tuple[str, int], int] = {}

    # What processes on this machine ask for.

    def ask(self, wish: Wish, answer: Callable[[Answered], None]) -> None:
        """Decide about this call, and answer it; the same call may be asked again."""
        self._whenever_awake(partial(self._open, wish, answer))

    def _open(self, wish: Wish, answer: Callable[[Answered], None]) -> None:
        known = self.opened.get(wish.nonce)
        if known is not None:
            known.answer = answer
            return
        tick = Tick(wish, self.setup.voters, self.setup.configuration.held_lease_ms, self.now)
        self.opened[wish.nonce] = Opened(tick, answer)
        self._serve()

    def tell_run(self, report: Report, done: Callable[[], None] = lambda: None) -> None:
        """Report to the instances, again and again until a majority took it."""
        since = self.now - report.run.age_ms * NS_PER_MS

        def begin() -> None:
            known = self.tellings.setdefault(report.run.nonce, Telling(report, since, done))
            if known.report.run.state is not report.run.state:
                known.report, known.taken = report, set()
            known.done = done
            self._tell_all(report.run.nonce)

        self._whenever_awake(begin)

    # The calls of `once`.

    def _serve(self) -> None:
        """Step every call, and set the timer."""
        if self._serving or self.dead or self.frozen:
            return
        self._serving = True
        claiming: set[str] = set()
        for nonce, opened in list(self.opened.items()):
            wish = opened.tick.wish
            self._step(nonce, opened, may_claim=wish.job not in claiming)
            claiming.add(wish.job)
        self._serving = False
        if self._lives():
            self._arm_ticks()

    def _lives(self, before: str = "") -> bool:
        """Whether it is alive still, after whatever strikes before this is done."""
        strike = self.setup.habits.strike_tick
        if before and strike is not None and not self.dead:
            strike(self.place, before)
        return not self.dead

    def _step(self, nonce: str, opened: Opened, *, may_claim: bool) -> None:
        """Claims of one job are made one after the other."""
        tick = opened.tick
        if self.dead:
            return
        for ask in tick.step(self._surroundings(tick.wish.election, may_claim=may_claim), self.now):
            self._send_ask(nonce, tick.wish.job, ask)
        if tick.decision is not None and self._lives():
            self._decide(nonce, opened, tick.decision)

    def _decide(self, nonce: str, opened: Opened, decision: Decision) -> None:
        self._time.count(f"decision: {decision}")
        if not self._lives("a decision"):
            return
        del self.opened[nonce]
        if decision is not Decision.YOURS:
            self._given_up[nonce] = opened.tick
        report = opened.tick.report(self.now)
        if report is not None:
            self.tell_run(report)
        opened.answer(Answered(decision, opened.tick.in_the_way, opened.voters, opened.seen))
        self._lives("an answer is heard")

    def _surroundings(self, election: str, *, may_claim: bool) -> Surroundings:
        holder: Holder | None = None
        elector = self.electors[election]
        if may_claim and elector.leads(self.now) and elector.tenure is not None:
            holder = elector.tenure.holder
        lately = self._time.now - ALIVE_NS
        alive = frozenset(node for node, at in self._alive.items() if at > lately)
        answering = frozenset(name for name in self.names if name not in self._silent)
        return Surroundings(holder, answering, alive | {self.setup.node})

    def _arm_ticks(self) -> None:
        wakes = [opened.tick.wake_at for opened in self.opened.values()]
        if not wakes:
            return
        wake = max(self.clock.when(min(wakes)), self._time.now + NS_PER_MS)
        if self._serve_at is None or wake < self._serve_at:
            self._serve_at = wake
            self._time.at(wake, self._on_serve_timer, wake)

    def _on_serve_timer(self, moment: int) -> None:
        if moment == self._serve_at:
            self._serve_at = None
            self._serve()

    def _drain(self) -> None:
        super()._drain()
        if self.opened:
            self._serve()

    def thaw(self) -> None:
        """Go on, and look after the calls."""
        super().thaw()
        self._serve()

    # Sending and hearing.

    def _send_ask(self, nonce: str, job: str, ask: Ask) -> None:
        is_look = isinstance(ask.operation, Look)
        if not self._lives("" if is_look else "a claim"):
            return

        def hear(sent: TickSent, process: str, answer: TickAnswer) -> None:
            self._time.count(f"{'look' if is_look else 'claim'}: {answer.verdict}")
            self._hear(nonce, sent, process, answer)

        def miss(sent: TickSent) -> None:
            if nonce in self.opened:
                self.opened[nonce].tick.miss(sent.name, self.now)

        self._send_tick(ask.instance, TickCall(job, ask.operation), hear, miss)

    def _send_tick(
        self,
        name: str,
        call: TickCall,
        hear: Callable[[TickSent, str, TickAnswer], None],
        miss: Callable[[TickSent], None],
    ) -> None:
        setup = self.setup
        as_of_ms = self._as_of(name)
        request = Request(setup.configuration, setup.node, (), ticks=(call,), as_of_ms=as_of_ms)
        expires_at = self._time.now + PATIENCE_NS * 1000 // self.clock.rate
        losses = self._promises.servers[name].runs_lost
        sent = TickSent(self, name, request, (), expires_at, self._network.epoch)
        sent.hear, sent.miss, sent.losses = hear, miss, losses
        if isinstance(call.operation, Look) or as_of_ms:
            self._network.request(sent)
        else:  # it would be of the moment at which it is carried out, whenever that is
            self._time.count("call about runs held back: the instance's clock is not known")
            self._network.expect_silence(sent)

    def _as_of(self, name: str) -> int:
        """What that instance's wall clock shows now, by its last answer; 0 if there was none for a lease."""
        if name not in self._walls:
            return 0
        wall_ms, at = self._walls[name]
        since_ms = (self.now - at) // NS_PER_MS
        return wall_ms + since_ms if since_ms <= self.setup.configuration.lease_ms else 0

    def receive(self, sent: Sent, executed: Executed) -> None:
        """Take in a reply; one about runs that comes too late is nothing."""
        if not isinstance(sent, TickSent):
            super().receive(sent, executed)
        elif not sent.answered:
            sent.answered = True
            self._whenever_awake(partial(self._take_ticks, sent, executed))
        else:
            self._time.count("answer about runs after patience ended")

    def _take_ticks(self, sent: TickSent, executed: Executed) -> None:
        if executed.ticks is None:
            self._take_silence(sent)
            return
        self._silent.discard(sent.name)
        sent.hear(sent, executed.ticks.process, executed.ticks.answers[0])
        self._serve()

    def _take_silence(self, sent: Sent) -> None:
        self._silent.add(sent.name)
        if isinstance(sent, TickSent):
            self._time.count("call about runs unanswered")
            sent.miss(sent)
            self._serve()
        else:
            super()._take_silence(sent)

    def _take_reply(self, sent: Sent, executed: Executed) -> None:
        if executed.eligibility == "ok":
            self._silent.discard(sent.name)
            asked_at = sent.calls[0][1]
            if self.now - asked_at < PATIENCE_NS:  # else the clock may have been read long ago
                self._walls[sent.name] = (executed.reply.wall_ms, asked_at)
        for entry in executed.registry or ():
            self._alive[entry.node] = self._time.now - entry.age_ms * NS_PER_MS
        super()._take_reply(sent, executed)

    def _hear(self, nonce: str, sent: TickSent, process: str, answer: TickAnswer) -> None:
        opened = self.opened.get(nonce)
        if opened is None:
            self._hear_late(nonce, sent, process, answer)
            return
        opened.seen[sent.name] = answer.runs
        opened.voters.pop(sent.name, None)
        is_standing = answer.verdict is TickVerdict.SEEN and any(
            run.nonce == nonce and run.state.is_start for run in answer.runs
        )
        if answer.verdict is TickVerdict.GRANTED:
            opened.voters[sent.name] = sent.losses
        elif answer.verdict is TickVerdict.YOURS or is_standing:
            opened.voters[sent.name] = WRITTEN_BEFORE
        opened.tick.hear(sent.name, process, answer, self.now)

    def _hear_late(self, nonce: str, sent: TickSent, process: str, answer: TickAnswer) -> None:
        """A claim that was written after its call was decided otherwise is interrupted, and told to be."""
        tick = self._given_up.get(nonce)
        if tick is not None:
            tick.hear(sent.name, process, answer, self.now)
            report = tick.report(self.now)
            if report is not None:
                self.tell_run(report)

    def notice(self, name: str, notices: tuple[Notice, ...] | tuple[Run, ...]) -> None:
        """Take in what an instance published."""
        runs = [run for run in notices if isinstance(run, Run)]
        if not runs:
            super().notice(name, notices)
        elif self.opened:
            self._whenever_awake(partial(self._notice_runs, runs))

    def _notice_runs(self, runs: list[Run]) -> None:
        for opened in self.opened.values():
            for run in runs:
                if run.job == opened.tick.wish.job:
                    opened.tick.notice(run, self.now)
        self._serve()

    # Reports.

    def _tell_all(self, nonce: str) -> None:
        """Send a report to every instance that has not taken it."""
        telling = self.tellings.get(nonce)
        if telling is None or self.dead:
            return
        run = replace(telling.report.run, age_ms=(self.now - telling.since) // NS_PER_MS)
        report = replace(telling.report, run=run)
        for name in self.names:
            if name not in telling.taken | telling.asked:
                telling.asked.add(name)
                call = TickCall(run.job, report)
                self._send_tick(name, call, partial(self._told, nonce), partial(self._untold, nonce))

    def _told(self, nonce: str, sent: TickSent, _: str, __: TickAnswer) -> None:
        telling = self.tellings.get(nonce)
        if telling is None:
            return
        telling.asked.discard(sent.name)
        telling.taken.add(sent.name)
        if self.voters.spare(telling.taken) >= 0:
            self._time.count(f"report: {telling.report.run.state}")
            del self.tellings[nonce]
            telling.done()

    def _untold(self, nonce: str, sent: TickSent) -> None:
        telling = self.tellings.get(nonce)
        if telling is not None:
            telling.asked.discard(sent.name)
            self._time.after(BEAT_NS, self._whenever_awake, partial(self._tell_all, nonce))

    # Handing over.

    def _jobs_ended(self, election: str, term: int) -> None:
        """A hand-over waits a moment for claims that are at stake."""
        began = self._yielding_since.setdefault((election, term), self._time.now)
        at_stake = any(opened.tick.is_at_stake for opened in self.opened.values())
        if at_stake and not self.dead and self._time.now - began < LONGEST_STAKE_NS:
            self._time.count("a hand-over waits for a claim")
            self._time.after(LEASE_NS // 500, self._jobs_ended, election, term)
        else:
            super()._jobs_ended(election, term)
