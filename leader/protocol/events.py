"""What goes into an elector and what comes out: events, and effects to be carried out in order.

An event says what happened, in the past tense; an effect says what the shell must do. Both are
plain values, so that any log of events is a test that can be replayed.
"""

from dataclasses import dataclass
from enum import StrEnum

from leader.protocol.calls import Answer, Call, Configuration
from leader.protocol.record import Holder, Record

Instant = int
"""A moment on this host's suspend-proof monotonic clock, nanoseconds. Never leaves the machine."""

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Replied:
    """An instance carried out a call. `own_wall_ms` is this host's wall clock, for plausibility only."""

    instance: str
    nonce: str
    process: str
    wall_ms: int
    own_wall_ms: int
    configuration: Configuration | None
    configured_by: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A call got no answer, or none that counts: it may have been carried out, or may yet be."""

    instance: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """An instance published a record."""

    instance: str
    record: Record


@dataclass(frozen=True, slots=True)
class Announced:
    """The leader is about to hand over to this node; it may not come to that."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """The moment `wake_at` has come."""


@dataclass(frozen=True, slots=True)
class TermSaved:
    """The state directory holds this term, safely on disk."""

    term: int


@dataclass(frozen=True, slots=True)
class TermNotSaved:
    """The state directory could not be written."""

    term: int


@dataclass(frozen=True, slots=True)
class HolderSaved:
    """The file of holders was rewritten as `SaveHolder` asked; these are in it."""

    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class HolderNotSaved:
    """The file of holders could not be rewritten: it may still name what it named before."""


class Cause(StrEnum):
    """Why a leadership ended, in one word: for history, metrics and whoever follows the events."""

    RELEASED = "released"
    """The agent stopped."""
    HANDED_OVER = "handed-over"
    """Somebody asked for it."""
    PREEMPTED = "preempted"
    """A candidate of a higher priority was there."""
    PAUSED = "paused"
    UNFIT = "unfit"
    UNGUARDED = "unguarded"
    """The watchdog that it must have cannot be had."""
    OBSERVES = "observes"
    """The priority is 0 since the last restart."""
    QUORUM_LOST = "quorum-lost"
    """No majority renewed the lease in time."""
    FROZEN = "frozen"
    """The agent stood still, or its machine did, until the deadline had passed or for most of the lease."""
    CLOCK_JUMPED = "clock-jumped"
    """The wall clock jumped, as it does when a machine that was frozen with its clocks is set right."""
    EXPIRED = "expired"
    """Seen from other nodes: it was neither renewed nor released, and nobody said why."""
    UNSEEN = "unseen"
    """It ended while the agent that tells of it was down."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node as the registry shows it. `seen_at` is on this host's clock, the age subtracted."""

    node: str
    priority: int
    contends: bool
    sees_majority: bool
    seen_at: Instant
    processes: tuple[tuple[str, str], ...] = ()
    """(instance, process) for each instance that answered that node lately."""
    incarnation: str = ""
    paused: bool = False
    fit: bool = True
    reason: str = ""
    """Why it is paused or unfit."""
    generation: int = 0
    """Of the configuration that it runs; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class RegistrySeen:
    """The registry as the instances last showed it, this node's own entry left out."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class ContentionChanged:
    """This node may contend from now on, or may not (paused, unfit, stopping)."""

    allowed: bool
    reason: str
    cause: Cause = Cause.RELEASED
    """What ends the leadership, if this does."""


@dataclass(frozen=True, slots=True)
class StepDownAsked:
    """The leader is to hand over, to `successor` or to the best-ranked candidate."""

    reason: str
    successor: str | None = None
    cause: Cause = Cause.HANDED_OVER
    rests: bool = True
    """Whether this node does not contend for one lease from now on."""


@dataclass(frozen=True, slots=True)
class JobsEnded:
    """No process that this leadership started is left running."""

    term: int


Event = (
    Replied
    | Unanswered
    | Noticed
    | Announced
    | Ticked
    | TermSaved
    | TermNotSaved
    | HolderSaved
    | HolderNotSaved
    | RegistrySeen
    | ContentionChanged
    | StepDownAsked
    | JobsEnded
)


@dataclass(frozen=True, slots=True)
class Send:
    """Send this call to that instance; answer with `Replied` or `Unanswered`."""

    instance: str
    call: Call


@dataclass(frozen=True, slots=True)
class SaveTerm:
    """Write this term to the state directory, with fsync; answer `TermSaved` or `TermNotSaved`.

    `claims`: a claim waits for it. One that was only seen may wait a moment for what is more urgent.
    """

    term: int
    claims: bool = False


@dataclass(frozen=True, slots=True)
class SaveHolder:
    """Rewrite the file of holders: these may be resumed. An empty tuple strikes the election.

    Answer `HolderSaved` or `HolderNotSaved`, before anything that follows is carried out.
    """

    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class Gained:
    """This node leads."""

    holder: Holder
    resumed: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """This node leads no more; carried out before the first release is sent."""

    holder: Holder
    reason: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class ClaimFailed:
    """A claim did not reach a majority; it is released everywhere and tried again later."""

    term: int
    granted: int
    refused: int
    unknown: int


@dataclass(frozen=True, slots=True)
class EndJobs:
    """Stop every job of this leadership, then answer `JobsEnded`."""

    term: int


class Bar(StrEnum):
    """What forbids a node to claim, whatever its own state."""

    OTHER_CONFIGURATION = "other-configuration"
    """An instance keeps another list, lease or generation (rule R10)."""
    TWO_SERVERS = "two-servers"
    """An instance's name leads to another server for another node (rule R7)."""


@dataclass(frozen=True, slots=True)
class Barred:
    """This node may not claim from now on; `node` is who wrote the other configuration."""

    bar: Bar
    instance: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class Unbarred:
    """What forbade this node to claim is over."""


Effect = Send | SaveTerm | SaveHolder | Gained | Lost | ClaimFailed | EndJobs | Barred | Unbarred
