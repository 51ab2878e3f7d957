"""What one instance does with a script call: `leader/instances/beat.lua` once more, in Python.

Simulation and exhaustive exploration run on this model; the conformance tests give it and real servers
the same calls and compare the answers. It knows nothing of time but the wall clock that it is handed.
"""

from dataclasses import dataclass, field, replace

from leader.protocol.calls import (
    Answer,
    Call,
    Configuration,
    Notice,
    Observe,
    Operation,
    Registration,
    Release,
    Renew,
    Reply,
    Resume,
    Take,
    Verdict,
)
from leader.protocol.record import Holder, Record, State, Version
from leader.protocol.runs import Run, TickCall, TickReply
from tests.simulation.jobs_instance import Kept, Ledger

DAY_MS = 24 * 3600 * 1000
LEAVE = "-"
"""The registration that says that the node has left; an empty one leaves its entry as it is."""


@dataclass(frozen=True, slots=True)
class Request:
    """One script call: all that one agent asks of one instance in one beat."""

    configuration: Configuration
    node: str
    calls: tuple[Call, ...]
    registration: str = ""
    wants_registry: bool = False
    ticks: tuple[TickCall, ...] = ()
    """The calls of the other script, which keeps runs of jobs."""
    as_of_ms: int = 0
    """What the instance's wall clock showed when those were sent, as far as the agent knows."""


@dataclass(frozen=True, slots=True)
class Executed:
    """What came of a script call. An instance that is not `ok` reads and writes nothing."""

    eligibility: str
    reply: Reply
    notices: tuple[Notice, ...]
    registry: tuple[Registration, ...] | None = None
    """None unless it was asked for."""
    ticks: TickReply | None = None
    runs: tuple[Run, ...] = ()
    """What was published of runs."""


@dataclass(frozen=True, slots=True)
class Data:
    """What an instance keeps on its disk, whole or as it once was."""

    records: dict[str, Record]
    configuration: Configuration | None
    configured_by: str
    registry: dict[str, tuple[int, str]]
    runs: dict[str, tuple[Kept, ...]] = field(default_factory=dict)


NOTHING = Data({}, None, "", {})


class ModelInstance:
    """An instance: its process, its data, and what each call does to them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.eligibility = "ok"
        self._starts = 1
        self._histories = 1
        self.ledger = Ledger()
        self.restore(NOTHING)

    # What happens to a server.

    @property
    def process(self) -> str:
        """Its `run_id` and `master_replid`: the one changes at each start, the other with its history."""
        return f"{self.name}{self._starts}:{self._histories}"

    def snapshot(self) -> Data:
        """Its data as they are now."""
        return Data(
            dict(self.records),
            self.configuration,
            self.configured_by,
            dict(self.registry),
            dict(self.ledger.jobs),
        )

    def restore(self, data: Data) -> None:
        """Put these data in the place of its own; `NOTHING` empties it, as FLUSHALL does."""
        self.records = dict(data.records)
        self.configuration = data.configuration
        self.configured_by = data.configured_by
        self.registry = dict(data.registry)
        self.ledger.jobs = dict(data.runs)

    def restart(self, data: Data) -> None:
        """Start it again as a new process, with these data."""
        self._starts += 1
        self._histories += 1
        self.restore(data)

    def roll_back(self, data: Data) -> None:
        """Replicate an older server and become master again: `run_id` stays, the history is another."""
        self._histories += 1
        self.restore(data)

    # What a script call does.

    def execute(self, request: Request, wall_ms: int) -> Executed:
        """Carry out all the calls of one request, atomically."""
        if self.eligibility != "ok":
            return Executed(self.eligibility, self._reply(wall_ms, ()), ())
        if request.ticks:
            return self._execute_ticks(request, wall_ms)
        self._register(request, wall_ms)
        answers, notices = [], []
        for call in request.calls:
            answer = self._carry_out(call, request)
            answers.append(answer)
            if answer.verdict is Verdict.GRANTED:
                notices.append(Notice(call.election, answer.record))
        registry = self._read_registry(wall_ms) if request.wants_registry else None
        return Executed("ok", self._reply(wall_ms, tuple(answers)), tuple(notices), registry)

    def _execute_ticks(self, request: Request, wall_ms: int) -> Executed:
        answers, runs = self.ledger.carry_out(
            request.ticks, self.process, wall_ms, self.records, as_of_ms=request.as_of_ms
        )
        ticks = TickReply(self.process, answers)
        return Executed("ok", self._reply(wall_ms, ()), (), None, ticks, runs)

    def _reply(self, wall_ms: int, answers: tuple[Answer, ...]) -> Reply:
        return Reply(self.process, wall_ms, self.configuration, self.configured_by, answers)

    def _register(self, request: Request, wall_ms: int) -> None:
        if request.registration:
            text = "" if request.registration == LEAVE else request.registration
            self.registry[request.node] = (wall_ms, text)

    def _read_registry(self, wall_ms: int) -> tuple[Registration, ...]:
        """An entry is dropped after a day; one from the future (the clock was set back) counts from now."""
        self.registry = {
            node: (min(at, wall_ms), text)
            for node, (at, text) in self.registry.items()
            if wall_ms - at <= DAY_MS
        }
        return tuple(
            Registration(node, wall_ms - at, text) for node, (at, text) in sorted(self.registry.items())
        )

    def _carry_out(self, call: Call, request: Request) -> Answer:
        record = self._load(call)
        verdict = self._judge(call.operation, record, request.configuration)
        if verdict is Verdict.GRANTED:
            record = _written(record, call)
            if not isinstance(call.operation, Release) and self.configuration != request.configuration:
                self.configuration, self.configured_by = request.configuration, request.node
        if call.known_term > record.term:
            record = replace(record, term=call.known_term)
        self.records[call.election] = record
        return Answer(verdict, record)

    def _load(self, call: Call) -> Record:
        """The record as it stands; one that is missing or of another process is `fresh`."""
        record = self.records.get(call.election)
        if record is None:
            return Record(self.process, Version(1, call.nonce), State.FRESH)
        if record.process != self.process:
            return Record(
                self.process, Version(record.version.sequence + 1, call.nonce), State.FRESH, record.term
            )
        return record

    def _judge(self, operation: Operation, record: Record, configuration: Configuration) -> Verdict:
        match operation:
            case Observe():
                return Verdict.OBSERVED
            case Take():
                return self._judge_take(operation, record, configuration)
            case Renew() | Resume() if self._refuses(configuration):
                return Verdict.OTHER_CONFIGURATION
            case _:
                return Verdict.GRANTED if record.names(operation.holder) else Verdict.NOT_HOLDER

    def _refuses(self, configuration: Configuration) -> bool:
        kept = self.configuration
        return kept is not None and kept != configuration and not kept.is_beside(configuration)

    def _is_overwritten_by(self, take: Take, record: Record, configuration: Configuration) -> bool:
        """A sitting leader overwrites another one where the record is `fresh`; any updates an older one."""
        kept = self.configuration
        is_old = kept is not None and kept.generation < configuration.generation
        return (take.updates and is_old) or (take.sitting and record.state is State.FRESH)

    def _judge_take(self, take: Take, record: Record, configuration: Configuration) -> Verdict:
        if self._refuses(configuration) and not self._is_overwritten_by(take, record, configuration):
            return Verdict.OTHER_CONFIGURATION
        if record.version != take.expected:
            return Verdict.CHANGED
        if take.released and record.state is not State.RELEASED:
            return Verdict.NOT_RELEASED
        if not take.sitting and take.holder.term <= record.term:
            return Verdict.TERM_TOO_LOW
        return Verdict.GRANTED


def _written(record: Record, call: Call) -> Record:
    """The record after a call that was granted."""
    version = Version(record.version.sequence + 1, call.nonce)
    match call.operation:
        case Take(holder=holder, lease_ms=lease_ms):
            term = max(record.term, holder.term)
            return Record(record.process, version, State.HELD, term, holder, lease_ms)
        case Renew(holder=holder, lease_ms=lease_ms):
            return Record(
                record.process, version, State.HELD, record.term, holder, lease_ms, record.successor
            )
        case Resume(holder=holder, incarnation=incarnation, lease_ms=lease_ms):
            resumed = Holder(holder.node, incarnation, holder.term)
            return Record(
                record.process, version, State.HELD, record.term, resumed, lease_ms, record.successor
            )
        case Release(successor=successor):
            return replace(record, version=version, state=State.RELEASED, successor=successor)
        case Observe():
            raise AssertionError
