"""What is kept of a run: what each node answered, what was released and started, and which faults ran.

Every instant is read off the host's one boot clock, in nanoseconds. The files are lines of JSON, so that a
run can be judged again later. Knows nothing of `leader`, but for what its users see.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
CHANGED = "quorum changed"
"""What the operator does at one node: no fault, but it restarts an agent all the same."""
SET_CLOCK = "agent's clock set"
"""The kind of fault that sets a node's wall clock by more than a tenth of the lease."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one node said when it was asked who leads: when that was sent and received, and in which words."""

    asked: str
    """The node whose socket was asked."""
    sent: int
    received: int
    status: int
    """200: it leads. 503: it does not."""
    term: int = 0
    node: str = ""
    """Who the answer says that it comes from."""
    remaining_ms: int = 0

    @property
    def is_yes(self) -> bool:
        """Whether it says that the node leads."""
        return self.status == 200

    @property
    def end(self) -> int:
        """Up to when a yes counts: what is left of the lease counts from the question."""
        return self.sent + self.remaining_ms * NS_PER_MS


@dataclass(frozen=True, slots=True)
class Release:
    """A server announced that the leadership with this term was given up."""

    term: int
    at: int


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick: every node called `leader once` for this job then, ready to wait for so long."""

    number: int
    job: str
    at: int
    wait: int
    """Nanoseconds."""


@dataclass(frozen=True, slots=True)
class Start:
    """A job was started for this tick, there."""

    number: int
    node: str


@dataclass(frozen=True, slots=True)
class Spell:
    """A fault, from its beginning to its end, and whom it touches."""

    kind: str
    begin: int
    end: int
    touches: tuple[str, ...] = ()
    """Such as `agent:a`, `server:1`, `link:a:1`."""
    forgets: tuple[int, ...] = ()
    """Servers that may have lost data, or whose clocks lied: their memory of ticks counts no more."""


@dataclass(frozen=True, slots=True)
class Calm:
    """A time without any fault, in which the lab waited for all nodes to agree on a leader."""

    begin: int
    answered: int | None
    """When every agent had answered again, of which some are started at the end of a fault; None: never."""
    agreed: int | None
    """When all named one leader; None: they did not."""
    end: int


@dataclass(frozen=True, slots=True)
class Overload:
    """A time in which this machine did not let the agents run when they were ready to."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Size:
    """How big one agent's process was, at two calm moments: descriptors, and resident bytes."""

    node: str
    descriptors: tuple[int, int]
    resident: tuple[int, int]


@dataclass(slots=True)
class History:
    """All of a run."""

    servers: int
    lease_ms: int
    answers: list[Answer] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    calms: list[Calm] = field(default_factory=list)
    overloads: list[Overload] = field(default_factory=list)
    """In the order of time."""
    sizes: list[Size] = field(default_factory=list)
    jumps: dict[str, int] = field(default_factory=dict)
    """How often each agent said that its wall clock jumped, by node."""
    changes: int = 0
    """How often the quorum was changed, in two steps each."""
    crashes: list[str] = field(default_factory=list)
    """Each agent that ended by itself, and each traceback in a log, in a sentence."""

    @property
    def majority(self) -> int:
        """How many servers are enough."""
        return self.servers // 2 + 1


def lines_of(file: Path) -> Iterator[dict[str, Any]]:
    """The objects in a file that is written line by line; a last line that is torn counts for nothing."""
    if file.exists():
        for line in file.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)


def answers_of(lines: Iterable[dict[str, Any]]) -> list[Answer]:
    """The answers that a prober wrote down."""
    return [Answer(**line) for line in lines]


def releases_of(lines: Iterable[dict[str, Any]]) -> list[Release]:
    """The releases that a listener wrote down."""
    return [Release(**line) for line in lines]
