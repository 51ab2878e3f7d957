"""A state of the small world, as a value: a step copies what it changes, and shares the rest.

Two agents, three instances, what is on its way between them, and how much may still go wrong. Time is a
whole number of beats, a third of the lease.
"""

import itertools
from dataclasses import dataclass, fields
from operator import attrgetter
from random import Random
from typing import Any, NamedTuple

from leader.protocol.calls import Call, Configuration, Reply
from leader.protocol.elector import Elector
from leader.protocol.electorate import Electorate
from leader.protocol.events import NS_PER_MS, Instant
from leader.protocol.record import Holder
from leader.protocol.tenure import Tenure
from leader.protocol.witness import Witness
from tests.simulation.instance import Data, ModelInstance

LEASE_MS = 60
BEAT_NS = LEASE_MS * NS_PER_MS // 3
CONFIGURATION = Configuration(1, "the list", LEASE_MS)
NODES = ("a", "b")
NAMES = ("x", "y", "z")
WALL_MS = 1_790_000_000_000
OLDEST_NS = 5 * BEAT_NS
"""A message on its way for longer than a lease and two beats is gone."""


class BrokenPromiseError(Exception):
    """A state that must not be: two leaders, or a term that did not grow."""


class Numbered(Random):
    """Nonces that count, and the longest back-off; shared by all states, so that none comes twice."""

    def __init__(self) -> None:
        super().__init__(0)
        self._numbers = itertools.count(1)

    def getrandbits(self, k: int, /) -> int:
        """The next number."""
        return next(self._numbers) & ((1 << k) - 1)

    def randint(self, a: int, b: int) -> int:
        """The highest allowed: who fails tries again a beat later, and so does the other."""
        return max(a, b)


NUMBERS = Numbered()


class Agent(NamedTuple):
    """One node: its elector, if it runs, and what its disks keep over a crash."""

    node: str
    starts: int
    elector: Elector | None
    highest_term: int = 0
    holders: tuple[Holder, ...] = ()


class Message(NamedTuple):
    """A call on its way, or, once it was carried out, the answer to it."""

    agent: int
    start: int
    instance: int
    call: Call
    sent_at: Instant
    reply: Reply | None = None
    overdue: bool = False
    """Its sender has been told that no answer came."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may still go wrong: late or lost messages and pauses, restarts, crashes, hand-overs."""

    faults: int = 2
    restarts: int = 1
    crashes: int = 1
    hand_overs: int = 1

    @property
    def left(self) -> int:
        """All that may still go wrong."""
        return self.faults + self.restarts + self.crashes + self.hand_overs


class World(NamedTuple):
    """All of it at one moment."""

    now: Instant
    agents: tuple[Agent, ...]
    instances: tuple[ModelInstance, ...]
    messages: tuple[Message, ...]
    budget: Budget
    highest_led: int = 0
    """The highest term that anyone led with, so far."""
    snapshots: tuple[Data, ...] = ()
    """What the instances' disks held when the first leader won: older data for a restart."""


# Copies: only of what a step changes.


def with_agent(world: World, index: int, agent: Agent) -> World:
    """The world with another agent in this place."""
    agents = tuple(agent if i == index else old for i, old in enumerate(world.agents))
    return world._replace(agents=agents)


def with_instance(world: World, index: int, instance: ModelInstance) -> World:
    """The world with another instance in this place."""
    instances = tuple(instance if i == index else old for i, old in enumerate(world.instances))
    return world._replace(instances=instances)


def _twin(thing: Any) -> Any:  # noqa: ANN401  an object of whatever class
    twin = object.__new__(type(thing))
    twin.__dict__.update(thing.__dict__)
    return twin


def copy_instance(instance: ModelInstance) -> ModelInstance:
    """An instance that goes on from the same data without touching this one."""
    twin: ModelInstance = _twin(instance)
    twin.restore(instance.snapshot())
    return twin


def copy_elector(elector: Elector) -> Elector:
    """An elector that goes on from the same state without touching this one."""
    twin: Elector = _twin(elector)
    electorate: Electorate = _twin(elector.electorate)
    electorate.witnesses = {name: _copy_witness(witness) for name, witness in electorate.witnesses.items()}
    twin.electorate = electorate
    twin._withheld = set(elector._withheld)
    twin._effects = []
    twin._disk = _twin(elector._disk)
    if elector.tenure is not None:
        twin.tenure = _copy_tenure(elector.tenure)
    return twin


def _copy_witness(witness: Witness) -> Witness:
    twin = Witness(*_witness_fields(witness))
    twin.pending = dict(twin.pending)
    return twin


def _copy_tenure(tenure: Tenure) -> Tenure:
    twin = Tenure(*_tenure_fields(tenure))
    twin.asked, twin.grants = set(twin.asked), dict(twin.grants)
    twin.refused, twin.unknown = set(twin.refused), set(twin.unknown)
    twin.deadline = tenure.deadline
    return twin


_witness_fields = attrgetter(*Witness.__dataclass_fields__)
_tenure_fields = attrgetter(*(each.name for each in fields(Tenure) if each.init))
