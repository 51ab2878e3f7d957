"""Once-only ticks: one call of `leader once` at one agent, from its arrival to its decision.

A tick is a call, known by its nonce. Only the leader claims one, at every instance; each keeps the last runs
of each job, and refuses a tick if it knows of a start that was called within the gap before or after it.
Pure, like the elector: who asks whom, and when, is the agent's business. Why it holds stands in
`leader/protocol/__init__.py`; the values are in `runs.py`, when a claim is won is in `claim.py`.
"""

from dataclasses import dataclass
from enum import StrEnum

from leader.protocol.claim import Claim, Outcome
from leader.protocol.events import NS_PER_MS, Instant
from leader.protocol.quorum import Voters
from leader.protocol.record import Holder
from leader.protocol.runs import (
    ClaimTick,
    Look,
    Report,
    Run,
    RunState,
    TickAnswer,
    TickOperation,
)

FOREVER: Instant = 2**63


class Decision(StrEnum):
    """What is answered to one call of `once`."""

    YOURS = "yours"
    """Start the job."""
    TAKEN = "taken"
    """Another call has claimed this tick."""
    OVERLAPS = "overlaps"
    """The last run still runs, and is not to be overlapped."""
    MISSED = "missed"
    """Patience ended, and no claim of it was seen."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a call of `once` asks for; durations are milliseconds, `tick_ms` is wall time since 1970."""

    job: str
    nonce: str
    node: str
    election: str
    tick_ms: int
    gap_ms: int
    wait_ms: int
    overlaps: bool = True
    reruns_interrupted: bool = False
    called_at: Instant = 0
    """When `once` was called, on the clock of its host, which is the agent's; 0: only now."""

    def run(self, state: RunState, term: int = 0, age_ms: int = 0) -> Run:
        """This tick, as an instance is to keep it, called so long ago."""
        return Run(self.job, self.nonce, state, self.node, self.election, term, self.tick_ms, age_ms)


@dataclass(frozen=True, slots=True)
class Ask:
    """One call to one instance."""

    instance: str
    operation: TickOperation


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a tick needs to know beside the answers, at one moment.

    `holder` is the leadership of this node, None if it does not lead now; `answering` are the instances that
    are not known to be silent; `alive` the nodes whose agents were seen lately.
    """

    holder: Holder | None
    answering: frozenset[str]
    alive: frozenset[str]


class Tick:
    """One call of `once` at one agent, from its arrival to its decision.

    The shell calls `step` whenever something happened or `wake_at` has come, carries out what it asks for,
    and answers each with `hear` or `miss`.
    """

    def __init__(self, wish: Wish, voters: Voters, lease_ms: int, now: Instant) -> None:
        self.wish = wish
        self.decision: Decision | None = None
        self.term = 0
        """The term of the leadership that claimed it last, be it through an earlier process; 0 if none."""
        self.in_the_way: Run | None = None
        """The run of another call that decided it."""
        self.ends_at = now + wish.wait_ms * NS_PER_MS
        self.called_at = min(wish.called_at or now, now)
        self._voters = voters
        self._instances = voters.instances
        self._beat_ns = lease_ms * NS_PER_MS // 3
        self._claim = Claim(wish.nonce, wish.gap_ms, voters)
        self._holder: Holder | None = None
        self._due = dict.fromkeys(self._instances, now)
        self._asked: dict[str, TickOperation] = {}
        self._asked_at: dict[str, Instant] = {}
        self._tried: set[str] = set()
        """Who was asked since the last change of leadership: the end of patience cuts no first try."""
        self._looked: set[str] = set()
        self._runs: dict[str, Run] = {}
        self._kept_at: dict[str, set[str]] = {}
        """Which instances have shown a run, by its nonce."""

    @property
    def wake_at(self) -> Instant:
        """When `step` is due next, at the latest."""
        moments = [self._due[instance] for instance in self._instances if self._may_ask(instance)]
        if not self._asked:
            moments.append(self.ends_at)
        return min(moments, default=FOREVER)

    @property
    def is_at_stake(self) -> bool:
        """Whether a claim is on its way, or written and not decided: a hand-over waits for that."""
        is_claiming = any(isinstance(operation, ClaimTick) for operation in self._asked.values())
        return self.decision is None and (is_claiming or self._claim.is_written)

    # What arrives.

    def hear(self, instance: str, process: str, answer: TickAnswer, now: Instant) -> None:
        """Take in an answer."""
        operation = self._asked.pop(instance, None)
        self._looked.add(instance)
        for run in answer.runs:
            self._note(run)
            self._kept_at.setdefault(run.nonce, set()).add(instance)
        self._claim.hear(instance, process, answer, self._age_ms(self._asked_at.get(instance, now)))
        is_refused = self._holder is not None and self._claim.lacks(instance)
        self._due[instance] = now + (self._beat_ns // 10 if is_refused else self._beat_ns)
        if isinstance(operation, Look) and self._holder is not None and self._has_looked():
            self._due = dict.fromkeys(self._instances, now)  # enough was seen to claim

    def miss(self, instance: str, now: Instant) -> None:
        """Note that an instance did not answer in time; it may have done what it was asked (rule R8)."""
        self._asked.pop(instance, None)
        self._due[instance] = max(now, self._due[instance])

    def notice(self, run: Run, now: Instant) -> None:
        """Take in what an instance published, or this agent remembers: a start is reason to ask at once.

        It decides nothing itself, for nobody knows how long a notice was under way.
        """
        self._note(run)
        if self._claim.start is None and self._claim.nearby_start((run,), self._age_ms(now)):
            self._due = {instance: min(due, now) for instance, due in self._due.items()}

    def _age_ms(self, now: Instant) -> int:
        """How long ago `once` was called, at this moment."""
        return (now - self.called_at) // NS_PER_MS

    def _note(self, run: Run) -> None:
        if run.nonce == self.wish.nonce:
            self.term = max(self.term, run.term)
        known = self._runs.get(run.nonce)
        if known is None or known.state.rank < run.state.rank:
            self._runs[run.nonce] = run

    # What follows from it.

    def step(self, around: Surroundings, now: Instant) -> list[Ask]:
        """Decide, if that can be; else return what is to be asked now."""
        if self.decision is None and around.holder != self._holder:
            self._begin(around.holder, now)
        self.decision = self.decision or self._judge(around, now)
        if self.decision is not None:
            return []
        return [
            self._ask(instance, around, now) for instance in self._instances if self._is_due(instance, now)
        ]

    def report(self, now: Instant) -> Report | None:
        """What is to be written down of a tick that was not started; nothing if another call has taken it.

        A claim that is written at some instances, but was not won, is told as interrupted: unless what stands
        in its way was started for sure, or will be told as interrupted itself.
        """
        seen = self._runs.get(self.wish.nonce)
        is_written = self._claim.is_written or (seen is not None and seen.state.is_start)
        is_lost = self.decision is Decision.MISSED or is_written
        if self.decision in (None, Decision.YOURS) or not is_lost:
            return None
        state = RunState.MISSED
        if is_written:
            state = RunState.TAKEN if self._is_run_by_another() else RunState.INTERRUPTED
        return Report(self.wish.run(state, self.term, self._age_ms(now)), self.wish.gap_ms)

    def _is_run_by_another(self) -> bool:
        """Whether another call's claim was won: two that cut each other off are both interrupted."""
        start = self._claim.start
        if self.decision is not Decision.TAKEN or start is None:
            return False
        state = self._runs[start.nonce].state
        is_won = self._voters.spare(self._kept_at.get(start.nonce, ())) >= 0
        return state.is_end or (is_won and state is not RunState.TAKEN)

    def _begin(self, holder: Holder | None, now: Instant) -> None:
        """A leadership has begun or ended: what was granted under another one is asked for again."""
        self._holder = holder
        start, instead_of = self._claim.start, self._claim.instead_of
        self._claim = Claim(self.wish.nonce, self.wish.gap_ms, self._voters, instead_of, start)
        self._tried.clear()
        for instance in self._instances:
            self._due[instance] = now

    def _judge(self, around: Surroundings, now: Instant) -> Decision | None:
        """What can be decided now; the run that decided it is `in_the_way`."""
        if self.wish.reruns_interrupted:
            self._pass_over_interrupted(around)
        outcome = self._claim.outcome(leads=around.holder is not None)
        untried = any(self._claim.lacks(instance) for instance in around.answering - self._tried)
        is_asking = untried or bool(self._asked.keys() & around.answering)
        self.in_the_way = self._claim.start or self._running(around)
        if outcome is Outcome.TAKEN and not self._may_be_rerun():
            return Decision.TAKEN
        if outcome is Outcome.WON and not is_asking:
            return Decision.YOURS
        if outcome is Outcome.OPEN and self.in_the_way:
            return Decision.OVERLAPS
        if now >= self.ends_at and not is_asking:
            return Decision.TAKEN if self._claim.start else Decision.MISSED
        return None

    def _may_be_rerun(self) -> bool:
        """Whether the start that stands in the way may yet turn out to have been interrupted."""
        start = self._claim.start
        state = self._runs[start.nonce].state if start is not None else RunState.DONE
        return self.wish.reruns_interrupted and state in (RunState.RUNNING, RunState.INTERRUPTED)

    def _pass_over_interrupted(self, around: Surroundings) -> None:
        start = self._claim.start
        if start is None:
            return
        known = self._runs[start.nonce]
        is_dead = known.state is RunState.RUNNING and known.node not in around.alive
        if known.state is RunState.INTERRUPTED or is_dead:
            self._claim.instead_of, self._claim.start = start.nonce, None

    def _running(self, around: Surroundings) -> Run | None:
        """A run that is not to be overlapped: of another call, not ended, on a node that lives."""
        if self.wish.overlaps or not self._has_looked():
            return None
        return next(
            (
                run
                for run in self._runs.values()
                if run.state is RunState.RUNNING and run.nonce != self.wish.nonce and run.node in around.alive
            ),
            None,
        )

    def _has_looked(self) -> bool:
        """Whether enough instances were heard to know of every run that is known at all."""
        return self._voters.spare(self._looked) >= 0

    def _is_due(self, instance: str, now: Instant) -> bool:
        return self._may_ask(instance) and self._due[instance] <= now

    def _may_ask(self, instance: str) -> bool:
        return instance not in self._asked and (self._holder is None or self._claim.lacks(instance))

    def _ask(self, instance: str, around: Surroundings, now: Instant) -> Ask:
        """A claim by the leader, else a look; who must not overlap looks first.

        Who fails at once is not asked again at once.
        """
        operation: TickOperation = Look()
        if around.holder is not None and (self.wish.overlaps or self._has_looked()):
            self.term = around.holder.term
            run = self.wish.run(RunState.RUNNING, self.term, self._age_ms(now))
            operation = ClaimTick(around.holder, run, self.wish.gap_ms, self._claim.instead_of)
        if around.holder is None or isinstance(operation, ClaimTick):
            self._tried.add(instance)
        self._asked[instance], self._asked_at[instance] = operation, now
        self._due[instance] = now + self._beat_ns // 10
        return Ask(instance, operation)
