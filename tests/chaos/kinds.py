"""What is a kind of fault: its name, what it befalls, how it begins and ends? All are registered here.

A fault is a context: it is begun on entering, and healed on leaving. When, and which together, is the
nemesis' affair.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import TypedDict, Unpack

from tests.chaos.lab import Lab
from tests.chaos.node import LabNode
from tests.chaos.servers import Server


class On(Enum):
    """What a fault befalls: as long as it does, no other fault of that sort has the same target."""

    AGENT = auto()
    """One agent's process, or what it stands on."""
    SERVER = auto()
    """One server or several."""
    LINK = auto()
    """What is between some nodes and some servers."""


class Harm(Enum):
    """What a server's memory suffers; two sorts of harm are never done in one half of a run."""

    NONE = auto()
    FORGETS = auto()
    """It may lose what it was told."""
    LIES = auto()
    """Its wall clock may be behind, or a majority of the wall clocks ahead."""
    AHEAD = auto()
    """Its wall clock may be ahead, and no other server's: that goes with either sort."""


class Share(Enum):
    """Of how many servers a fault takes hold."""

    SOME = auto()
    ONE = auto()
    MAJORITY = auto()
    """Just as many as a majority has."""


@dataclass(frozen=True, slots=True)
class Aim:
    """Whom one fault befalls; the randomness is for what else it has to choose."""

    lab: Lab
    nodes: Sequence[LabNode]
    servers: Sequence[Server]
    random: Random

    @property
    def node(self) -> LabNode:
        """The one node of a fault that befalls one."""
        return self.nodes[0]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the servers."""
        return [server.number for server in self.servers]


Play = Callable[[Aim], Iterator[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    name: str
    on: On
    play: Callable[[Aim], AbstractContextManager[None]]
    harm: Harm = Harm.NONE
    least_leases: float = 0.0
    longest_leases: float = 3.0
    share: Share = Share.SOME
    spares_one: bool = False
    """The last node's agent never suffers it, so that one process lives from the beginning to the end."""
    needs_clock: bool = False
    """It moves the wall clock of one process, which takes a compiler."""


class More(TypedDict, total=False):
    """What else may be said of a kind."""

    least_leases: float
    longest_leases: float
    share: Share
    spares_one: bool
    needs_clock: bool


KINDS: dict[str, Kind] = {}


def kind(
    name: str,
    on: On,
    harm: Harm = Harm.NONE,
    **more: Unpack[More],
) -> Callable[[Play], Play]:
    """Register a fault under this name."""

    def register(play: Play) -> Play:
        assert name not in KINDS, name
        KINDS[name] = Kind(name, on, contextmanager(play), harm, **more)
        return play

    return register
