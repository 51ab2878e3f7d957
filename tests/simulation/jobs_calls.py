"""What an agent of the simulation remembers of the calls of `once`, and of what it tells the instances."""

from collections.abc import Callable
from dataclasses import dataclass, field

from leader.protocol.runs import Report, Run, TickAnswer
from leader.protocol.ticks import Decision, Tick
from tests.simulation.network import Sent

WRITTEN_BEFORE = -1
"""In the place of what an instance had lost when a claim was sent: it stood there already."""


@dataclass(slots=True)
class TickSent(Sent):
    """A script call about runs: `hear` takes its answer, `miss` its silence."""

    hear: Callable[["TickSent", str, TickAnswer], None] = lambda *_: None
    miss: Callable[["TickSent"], None] = lambda *_: None
    losses: int = 0
    """What its instance had lost when this was sent."""


@dataclass(slots=True)
class Answered:
    """What the agent answers to one call of `once`, and what it knew then."""

    decision: Decision
    in_the_way: Run | None
    voters: dict[str, int]
    """The instances that are known to keep the claim, and how often each had lost data when it was asked;
    `WRITTEN_BEFORE` where it stood already."""
    seen: dict[str, tuple[Run, ...]]
    """What each instance showed last."""


@dataclass(slots=True)
class Opened:
    """A call of `once` that waits for its answer."""

    tick: Tick
    answer: Callable[[Answered], None]
    voters: dict[str, int] = field(default_factory=dict)
    seen: dict[str, tuple[Run, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Telling:
    """A report on its way to the instances."""

    report: Report
    since: int
    done: Callable[[], None]
    taken: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
