"""What an agent of the simulation runs on: its disk, its settings, how fast its machine is."""

from collections.abc import Callable
from dataclasses import dataclass, field

from leader.protocol.calls import Configuration
from leader.protocol.events import ClaimFailed, Effect, Gained, Lost
from leader.protocol.quorum import Voters
from leader.protocol.resume import Place
from tests.simulation.clock import BootClock

SHORTEST_NS = 1000


@dataclass(slots=True)
class Disk:
    """What outlives an agent: terms in the state directory, holders in the runtime directory."""

    terms: dict[str, int] = field(default_factory=dict)
    runtime: str = ""
    terms_writable: bool = True
    runtime_writable: bool = True


@dataclass(slots=True)
class Habits:
    """How long a machine takes for what an agent asks, nanoseconds; the faults that strike meanwhile."""

    term_ns: Callable[[], int] = lambda: SHORTEST_NS
    jobs_ns: Callable[[], int] = lambda: SHORTEST_NS
    sends_at_death: Callable[[], bool] = lambda: True
    """Whether what was about to be sent is on its way when the agent dies."""
    strike: Callable[[str, Effect], None] | None = None
    """Called with the place before each effect is carried out."""
    strike_tick: Callable[[str, str], None] | None = None
    """Called with the place before a claim of a tick is sent, and before a decision is answered."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What an agent is started with."""

    node: str
    incarnation: str
    resume_place: Place
    clock: BootClock
    wall_ms: int
    priority: int
    elections: tuple[str, ...]
    voters: Voters
    configuration: Configuration
    habits: Habits
    preempt: bool = False
    preempt_delay_ms: int = 0


def words(effect: Gained | Lost | ClaimFailed) -> str:
    """How the transcript tells it."""
    match effect:
        case Gained(holder, resumed):
            return f"{'resumes' if resumed else 'leads'} with {holder}"
        case Lost(holder, reason, _):
            return f"leads no more with {holder}: {reason}"
        case ClaimFailed(term, granted, refused, unknown):
            return f"claim {term} failed: {granted} granted, {refused} refused, {unknown} unknown"
