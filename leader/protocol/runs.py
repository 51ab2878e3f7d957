"""What is written about the runs of a job, what is asked of an instance about them, and what it answers.

Values only; what is done about a call is in `leader/instances/jobs.lua`, and once more, as the model of the
simulation, in the tests.
"""

from dataclasses import dataclass
from enum import StrEnum

from leader.protocol.record import Holder

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
    TAKEN = "taken"
    """Some instances had granted it when another call's run was found to be this tick's: news to nobody."""
    MISSED = "missed"
    """Nobody claimed it, although it was called."""

    @property
    def is_start(self) -> bool:
        """Whether the job may have been started, so that it must not be started again within the gap."""
        return self is not RunState.MISSED

    @property
    def is_end(self) -> bool:
        """Whether the job was started for sure, and has told of its end."""
        return self in (RunState.DONE, RunState.FAILED, RunState.STOPPED)

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
