"""What kind of world a seed makes: how many take part, how clocks run, which faults it is prone to."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeVar

from leader.protocol.events import NS_PER_MS
from tests.simulation.clock import BootClock
from tests.simulation.network import Weather
from tests.simulation.timeline import LEASE_MS

T = TypeVar("T")

EDGES = (953, 953, 953, 1000, 1047, 1047, 1047)
"""Rates of hosts' clocks, in thousandths: most stand at the edge that promise 1 allows."""

NODE_FAULTS = ("freeze", "crash", "reboot", "stop", "full disk", "copy")
OPERATORS = ("step down", "ask to step down", "pause", "unfit", "another priority")
"""What those who run the nodes do, with good intent, and what a check of fitness does."""
DATA_FAULTS = ("restart with older data", "restart with no data", "flush", "evict", "roll back")
INSTANCE_FAULTS = ("restart with all data", "hang", "down", "ineligible", "clock step", "liar")
ADDRESS_FAULTS = ("swap address", "misdirect")
NETWORK_FAULTS = ("cut", "cut one way", "isolate", *ADDRESS_FAULTS)
STORIES = ("relay", "move")
ALL_FAULTS = (*NODE_FAULTS, *OPERATORS, *DATA_FAULTS, *INSTANCE_FAULTS, *NETWORK_FAULTS, *STORIES)
CHANGE = "change the quorum"
LATE, POWER_CUT = "a node comes late", "a power cut"
"""Of a climate of their own."""

NODES = "ABCDEF"
LONG_AGO_MS = 1_000_000
TERM_AHEAD = 10**9
"""Where clocks are far behind: what they show at first, and the term that every node remembers."""

STRAY = "Z"
"""The node with another configuration."""
SPARE = "9"
"""An instance that stands in no list but a stray or a moved node's."""

STRIKES = ("freeze", "crash", "isolate", "hang")
"""What may strike just before an effect is carried out."""


@dataclass(frozen=True, slots=True)
class Climate:
    """All that a seed decides before the world begins. Rates are faults per lease."""

    instances: tuple[str, ...]
    elections: tuple[str, ...]
    nodes: tuple[tuple[str, BootClock, int], ...]
    """Name, clock, priority."""
    weather: Weather
    rates: dict[str, float]
    strike_share: float
    strikes: tuple[str, ...]
    slow_disk: float
    slow_jobs: float
    ambushes: float
    """How often an instance goes back in time just before a late request arrives."""
    preempts: frozenset[str]
    """The nodes that make room for a better one."""
    preempt_delay_ms: int
    spoils: float
    """How often the node that a leader makes room for is cut off at that moment."""
    wall: str
    """Instances' wall clocks: `honest`, `one fast`, `wild`, or all far `behind` the terms."""
    stray: str = ""
    """Whether one node has another `list` of instances, or another `lease`."""
    servers: tuple[str, ...] = field(default=())

    @property
    def changes(self) -> bool:
        """Whether the quorum is changed all the time."""
        return CHANGE in self.rates

    @property
    def keeps_data(self) -> bool:
        """Whether no instance ever loses data: else a node with another list may find no trace of ours."""
        return self.stray == "list" or LATE in self.rates


def draw(random: Random, *, operators: bool = False, changes: bool = False) -> Climate:
    """The climate of one seed; with `operators` or `changes`, one where these happen all the time."""
    if changes:
        return _changing(draw(random, operators=operators), random)
    count = random.choice((3, 3, 3, 3, 3, 3, 3, 5, 5, 4, 1, 1))
    instances = tuple("12345"[:count])
    stray = random.choice(("list", "lease")) if count == 3 and random.random() < 0.2 else ""
    wall = random.choice(("honest", "one fast", "wild", "behind"))
    rates = _busy(random) if operators else _rates(random)
    if stray == "list":
        rates = {
            fault: rate
            for fault, rate in rates.items()
            if fault not in (*DATA_FAULTS, *STORIES, *ADDRESS_FAULTS, "liar")
        }
    elif stray == "lease":  # with rule R10's traces gone at a majority, nothing tells two leases apart
        rates = {fault: rate for fault, rate in rates.items() if fault not in (*DATA_FAULTS, *STORIES)}
    return Climate(
        instances=instances,
        elections=("default",) if random.random() < 0.9 else ("default", "reports"),
        nodes=_nodes(random),
        weather=_weather(random, keeps_data=not any(rates.get(fault) for fault in DATA_FAULTS)),
        rates=rates,
        strike_share=random.choice((0.0, 0.01, 0.05)),
        strikes=tuple(random.sample(STRIKES, 2)),
        slow_disk=random.choice((0.0, 0.1)),
        slow_jobs=random.choice((0.0, 0.5)),
        ambushes=0.0 if stray else random.choice((0.0, 0.0, 0.3)),
        preempts=frozenset(name for name in NODES if random.random() < 0.5),
        preempt_delay_ms=random.choice((1, 1, 2, 3)) * LEASE_MS,
        spoils=random.choice((0.0, 0.5, 0.9)),
        wall=wall,
        stray=stray,
        servers=(*instances, SPARE) if stray == "list" or "move" in rates else instances,
    )


def _changing(climate: Climate, random: Random) -> Climate:
    """The climate of a seed in which the quorum changes all the time, amid faults."""
    left_out = (*STORIES, *ADDRESS_FAULTS)
    rates = {fault: rate for fault, rate in climate.rates.items() if fault not in left_out}
    rates |= {CHANGE: random.choice((0.5, 1.5, 4.0)), POWER_CUT: random.choice((0.1, 0.3))}
    if random.random() < 0.25:
        forgets = (*DATA_FAULTS, POWER_CUT, "liar")
        rates = {fault: rate for fault, rate in rates.items() if fault not in forgets} | {LATE: 1.0}
    return replace(
        climate,
        instances=climate.instances if len(climate.instances) > 1 else tuple("123"),
        rates=rates,
        ambushes=0.0 if LATE in rates else climate.ambushes,
        stray="",
        servers=tuple("12345678"),
    )


def _nodes(random: Random) -> tuple[tuple[str, BootClock, int], ...]:
    count = random.choice((2, 2, 2, 3, 3, 3, 4, 5, 6))
    clocks = [BootClock(random.choice(EDGES), random.randrange(10**15)) for _ in range(count)]
    priorities = [100, *(random.choice((0, 50, 100, 100, 100)) for _ in range(count - 1))]
    return tuple(zip(NODES[:count], clocks, priorities, strict=True))


def _weather(random: Random, *, keeps_data: bool) -> Weather:
    """How the network behaves; requests come twice only where no instance loses data.

    No transport of ours delivers one twice, and none is sent twice (rule R8). It would matter: an observation
    that comes a second time after its record was lost writes that same version anew, which then seems to have
    stood.
    """
    shortest = random.choice((NS_PER_MS // 5, 5 * NS_PER_MS))
    return Weather(
        shortest_ns=shortest,
        longest_ns=shortest * random.choice((2, 10)),
        late=pick(random, (0.0, 0.01, 0.05, 0.2)),
        lost=pick(random, (0.0, 0.01, 0.1)),
        doubled=pick(random, (0.0, 0.02)),
        requests_doubled=pick(random, (0.0, 0.02)) if keeps_data else 0.0,
        notices_lost=pick(random, (0.0, 0.3, 1.0)),
    )


def _rates(random: Random) -> dict[str, float]:
    """A few kinds of fault, often some that go together."""
    chosen = random.sample(ALL_FAULTS, random.choice((2, 3, 4, 6, 9)))
    if random.random() < 0.5:
        chosen.append("freeze")
    return {fault: random.choice((0.1, 0.3, 0.8)) for fault in chosen}


def _busy(random: Random) -> dict[str, float]:
    """What operators do, often, amid the other faults or without any."""
    acts = {action: random.choice((0.1, 0.3, 0.8)) for action in OPERATORS if random.random() < 0.6}
    return acts if random.random() < 0.6 else _rates(random) | acts


def pick(random: Random, values: Sequence[T]) -> T:
    """One of these."""
    return values[int(random.random() * len(values))]
