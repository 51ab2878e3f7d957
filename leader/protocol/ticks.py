"""Once-only ticks: what is written about the runs of a job, and when a claim of a tick is won.

A tick is one call of `leader once`, known by its nonce. Only the leader claims one, at every instance; each
keeps the last runs of each job, and refuses a tick if it knows of a start that was called within the gap
before or after it. Pure, like the elector: who asks whom, and when, is the agent's business. Source: the
last section of the protocol, "Once-only ticks", in `leader/protocol/__init__.py`.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from leader.protocol.events import NS_PER_MS, Instant
from leader.protocol.quorum import majority
from leader.protocol.record import Holder

FOREVER: Instant = 2**63
DEFAULT_GAP_MS = 45_000
LONGEST_GAP_MS = 7 * 24 * 3600 * 1000
LATE_MS = 10_000
"""How much later than the others a node's clock may call: a wait that is longer could outlast the gap."""

LONGEST_LEDGER = 10
"""How many runs of one job an instance keeps."""


class RunState(StrEnum):
    """What became of one tick of a job."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """It ended with another exit code than 0."""
    STOPPED = "stopped"
    """It was ended, because leadership was lost or it ran for too long."""
    INTERRUPTED = "interrupted"
    """It was claimed, and who claimed it died before it told of an end; it may not even have been started."""
    MISSED = "missed"
    """Nobody claimed it, although it was called."""

    @property
    def is_start(self) -> bool:
        """Whether the job may have been started, so that it must not be started again within the gap."""
        return self is not RunState.MISSED

    @property
    def rank(self) -> int:
        """The larger one is the later news of one run: an end that was told outweighs what was supposed."""
        return _RANKS.get(self, 3)


_RANKS = {RunState.MISSED: 0, RunState.RUNNING: 1, RunState.INTERRUPTED: 2}


@dataclass(frozen=True, slots=True)
class Run:
    """One tick of one job as an instance keeps it.

    `tick_ms` is the wall time at which `once` was called on `node`, milliseconds since 1970; `age_ms` how
    long ago that was, by the instance's own clock; `duration_ms` and `code` are 0 until it has ended.
    """

    job: str
    nonce: str
    state: RunState
    node: str
    election: str
    term: int
    tick_ms: int
    age_ms: int = 0
    duration_ms: int = 0
    code: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a job's runs."""


@dataclass(frozen=True, slots=True)
class ClaimTick:
    """Claim a tick under a leadership; `instead_of` is the nonce of a run that does not stand in the way.

    Ticks are told apart by when they were called, so that neither a long wait nor a late leader matters.
    """

    holder: Holder
    run: Run
    gap_ms: int
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Write down what became of a run; that a tick was missed only if none was started within `gap_ms`."""

    run: Run
    gap_ms: int = 0


TickOperation = Look | ClaimTick | Report


@dataclass(frozen=True, slots=True)
class TickCall:
    """One operation on one job's runs."""

    job: str
    operation: TickOperation


class TickVerdict(StrEnum):
    """What an instance did about a call."""

    SEEN = "seen"
    """It has been read, or written, as it was asked."""
    GRANTED = "granted"
    """The claim is written now: the record names its very holder, and no start within the gap was known."""
    YOURS = "yours"
    """The claim stood there already."""
    STARTED = "started"
    """There is a start of another call within the gap."""
    NOT_HOLDER = "not-holder"
    """The record is not held by the holder that claims."""


@dataclass(frozen=True, slots=True)
class TickAnswer:
    """The verdict on one call, and the job's runs as they stand afterwards, the newest first."""

    verdict: TickVerdict
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class TickReply:
    """What one instance answered to one script call."""

    process: str
    answers: tuple[TickAnswer, ...]


class Outcome(StrEnum):
    """What became of a claim, so far."""

    OPEN = "open"
    WON = "won"
    TAKEN = "taken"
    """Another call has started, or claimed, this tick."""


@dataclass(slots=True)
class Claim:
    """One claim of one tick, and what the instances have answered to it."""

    nonce: str
    gap_ms: int
    needed: int
    instead_of: str = ""
    start: Run | None = None
    """The start of another call that stands in the way."""
    _granted: dict[str, str] = field(default_factory=dict)
    _standing: dict[str, str] = field(default_factory=dict)

    def hear(self, instance: str, process: str, answer: TickAnswer, age_ms: int) -> None:
        """Take in what one instance answered; the newest answer of each counts.

        `age_ms` is how long ago this tick was called when the instance was asked.
        """
        self._granted.pop(instance, None)
        self._standing.pop(instance, None)
        if answer.verdict is TickVerdict.GRANTED:
            self._granted[instance] = process
        elif answer.verdict is TickVerdict.YOURS or self._stands(answer):
            self._standing[instance] = process
        self.start = self.start or self.nearby_start(answer.runs, age_ms)

    def _stands(self, answer: TickAnswer) -> bool:
        """Whether a look shows the claim itself, written before; to have been missed keeps nobody from it."""
        return answer.verdict is TickVerdict.SEEN and any(
            run.nonce == self.nonce and run.state.is_start for run in answer.runs
        )

    def nearby_start(self, runs: tuple[Run, ...], age_ms: int) -> Run | None:
        """A start of another call within the gap before or after this one, which is so old at that moment."""
        return next(
            (
                run
                for run in runs
                if run.nonce not in (self.nonce, self.instead_of)
                and run.state.is_start
                and abs(run.age_ms - age_ms) < self.gap_ms
            ),
            None,
        )

    def lacks(self, instance: str) -> bool:
        """Whether this instance has yet to grant it."""
        return instance not in self._granted and instance not in self._standing

    @property
    def is_written(self) -> bool:
        """Whether any instance is known to keep it."""
        return bool(self._granted or self._standing)

    def outcome(self, *, leads: bool) -> Outcome:
        """What became of it, given whether this node leads at this moment, with the holder that claimed.

        A claim that stood at a majority before was won already, only the answer was lost.
        """
        if self.start is not None:
            return Outcome.TAKEN
        standing = set(self._standing.values())
        votes = standing | set(self._granted.values())
        if len(votes) >= self.needed and (leads or len(standing) >= self.needed):
            return Outcome.WON
        return Outcome.OPEN


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


def default_wait_ms(gap_ms: int, lease_ms: int) -> int:
    """How long a call waits by default: two leases, at most 15 s less than the gap, at least 0."""
    return max(0, min(2 * lease_ms, gap_ms - LATE_MS * 3 // 2))


class Tick:
    """One call of `once` at one agent, from its arrival to its decision.

    The shell calls `step` whenever something happened or `wake_at` has come, carries out what it asks for,
    and answers each with `hear` or `miss`.
    """

    def __init__(self, wish: Wish, instances: tuple[str, ...], lease_ms: int, now: Instant) -> None:
        self.wish = wish
        self.decision: Decision | None = None
        self.term = 0
        """The term of the leadership that claimed it last, be it through an earlier process; 0 if none."""
        self.in_the_way: Run | None = None
        """The run of another call that decided it."""
        self.ends_at = now + wish.wait_ms * NS_PER_MS
        self.called_at = min(wish.called_at or now, now)
        self._instances = instances
        self._beat_ns = lease_ms * NS_PER_MS // 3
        self._claim = Claim(wish.nonce, wish.gap_ms, majority(len(instances)))
        self._holder: Holder | None = None
        self._due = dict.fromkeys(instances, now)
        self._asked: dict[str, TickOperation] = {}
        self._asked_at: dict[str, Instant] = {}
        self._tried: set[str] = set()
        """Who was asked since the last change of leadership: the end of patience cuts no first try."""
        self._looked: set[str] = set()
        self._runs: dict[str, Run] = {}

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

        One that is written at some instances, but was not won, is interrupted.
        """
        seen = self._runs.get(self.wish.nonce)
        is_written = self._claim.is_written or (seen is not None and seen.state.is_start)
        state = RunState.INTERRUPTED if is_written else RunState.MISSED
        is_lost = self.decision is Decision.MISSED or is_written
        if self.decision in (None, Decision.YOURS) or not is_lost:
            return None
        return Report(self.wish.run(state, self.term, self._age_ms(now)), self.wish.gap_ms)

    def _begin(self, holder: Holder | None, now: Instant) -> None:
        """A leadership has begun or ended: what was granted under another one is asked for again."""
        self._holder = holder
        start, instead_of = self._claim.start, self._claim.instead_of
        self._claim = Claim(
            self.wish.nonce, self.wish.gap_ms, majority(len(self._instances)), instead_of, start
        )
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
        return len(self._looked) >= majority(len(self._instances))

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
