"""A simulated `leader once` on its machine: it asks the agent, runs the job, and tells of its end.

It has a life of its own: it outlives the agent, and dies with the machine.
"""

from collections.abc import Callable
from dataclasses import dataclass

from leader.protocol.events import NS_PER_MS
from leader.protocol.runs import Report, Run, RunState
from leader.protocol.ticks import Decision, Wish
from tests.simulation.jobs_agent import JobAgent
from tests.simulation.jobs_calls import Answered
from tests.simulation.node import Node
from tests.simulation.timeline import Timeline

JOB = "report"
POLL_NS = 250 * NS_PER_MS
LONGEST_SILENCE_NS = 5000 * NS_PER_MS
"""How long after its patience a call still hopes for an answer of a silent agent."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the job is due, and with which options; durations are milliseconds."""

    period_ms: int
    gap_ms: int
    wait_ms: int
    overlaps: bool = True


class Once:
    """One call of `once`, of one tick."""

    def __init__(  # what a crontab's line and its moment give
        self, node: Node, schedule: Schedule, tick: int, watch: "Watch", duration_ns: int, nonce: str = ""
    ) -> None:
        self.node = node
        self.time: Timeline = node.network.time
        self.schedule = schedule
        self.tick = tick
        self.nonce = nonce or self.time.unique(f"{node.place}-tick{tick}-")
        self.watch = watch
        self.began = self.time.now
        self.is_dead = False
        self.is_running = False
        self.said: Decision | None = None
        """What the agent decided, as far as it was heard."""
        self.is_undecided = False
        """Whether it gave up without an answer."""
        self.answered: Answered | None = None
        self.led_ns = 0
        """How long its agent has led by now, undisturbed, while it waited."""
        self.losses: dict[str, int] = {}
        """How often each instance had lost data when it was called."""
        self._asked: JobAgent | None = None
        self._duration_ns = duration_ns
        self._end_is_told = False

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return not self.is_dead and self.said is None and not self.is_undecided

    @property
    def waited_ns(self) -> int:
        """How long it has waited, by its host's clock."""
        return self.node.clock.read(self.time.now) - self.node.clock.read(self.began)

    def die(self) -> None:
        """End with the machine, job and all."""
        self.is_dead, self.is_running = True, False

    # Asking.

    def ask(self) -> None:
        """Ask the agent, again if it died meanwhile, until it has answered or patience is over."""
        if not self.is_open:
            return
        agent = self._agent()
        if self.waited_ns > self.schedule.wait_ms * NS_PER_MS + LONGEST_SILENCE_NS:
            self.is_undecided = True
            self.time.count("once: undecided")
            self.time.tell(f"{self.node.place} could not decide about {self.nonce}")
            self.watch.ended(self)
            return
        if agent is not None and agent is not self._asked:
            self.time.count("once: asks again" if self._asked else "once: asks")
            self._asked = agent
            self.time.after(self._delay(), agent.ask, self._wish(), self._answer(agent))
        self.time.after(POLL_NS, self.ask)

    def _agent(self) -> JobAgent | None:
        agent = self.node.agent
        return agent if isinstance(agent, JobAgent) else None

    def _delay(self) -> int:
        return int(self.time.random.uniform(0.2, 3) * NS_PER_MS)

    def _wish(self) -> Wish:
        schedule, waited_ms = self.schedule, self.waited_ns // NS_PER_MS
        return Wish(
            JOB,
            self.nonce,
            self.node.name,
            self.node.elections[0],
            self.tick * schedule.period_ms,
            schedule.gap_ms,
            max(0, schedule.wait_ms - waited_ms),
            overlaps=schedule.overlaps,
            called_at=self.node.clock.read(self.began),
        )

    def _answer(self, agent: JobAgent) -> Callable[[Answered], None]:
        def answer(answered: Answered) -> None:
            self.time.after(self._delay(), self._hear, agent, answered)

        return answer

    def _hear(self, agent: JobAgent, answered: Answered) -> None:
        """An answer is lost with the agent, sometimes."""
        if not self.is_open:
            return
        if agent.dead and self.time.chance(0.5):
            self.time.count("once: answer lost")
            return
        self.said, self.answered = answered.decision, answered
        way = f" ({answered.in_the_way.nonce} is in the way)" if answered.in_the_way else ""
        self.time.tell(f"{self.node.place} is told of {self.nonce}: {answered.decision}{way}")
        self.time.count(f"once: {answered.decision}")
        if answered.decision is Decision.YOURS:
            self._start()
        else:
            self.watch.ended(self)

    # The job.

    def _start(self) -> None:
        self.is_running = True
        self.watch.started(self)
        self.time.after(self._duration_ns, self._end)

    def _end(self) -> None:
        if not self.is_dead:
            self.is_running = False
            self._tell_end()

    def _tell_end(self) -> None:
        if self.is_dead or self._end_is_told:
            return
        agent = self._agent()
        if agent is not None:
            agent.tell_run(Report(self._run()), self._told)
        self.time.after(4 * POLL_NS, self._tell_end)

    def _told(self) -> None:
        self._end_is_told = True

    def _run(self) -> Run:
        state = RunState.FAILED if self._duration_ns % 2 else RunState.DONE
        run = self._wish().run(state)
        duration_ms = self._duration_ns // NS_PER_MS
        return Run(
            run.job,
            run.nonce,
            state,
            run.node,
            run.election,
            0,
            run.tick_ms,
            age_ms=self.waited_ns // NS_PER_MS,
            duration_ms=duration_ms,
            code=int(state is RunState.FAILED),
        )


class Watch:
    """What a checker is told by calls of `once`."""

    def started(self, once: Once) -> None:
        """The job starts."""

    def ended(self, once: Once) -> None:
        """It ends without a start."""
