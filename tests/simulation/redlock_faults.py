"""Which faults strike when, drawn before anything runs, so that both systems suffer exactly the same ones.

Each row of the comparison is one kind of fault alone; the last ones are two kinds that meet.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

from tests.simulation.climate import EDGES
from tests.simulation.clock import BootClock
from tests.simulation.instance import NOTHING
from tests.simulation.network import DIRECTIONS, Network, Weather
from tests.simulation.server import Server
from tests.simulation.timeline import LEASE_NS, TIMERS, Timeline

INSTANCES = tuple("12345")
NODES = tuple("ABC")
WARM_UP_NS = 2 * LEASE_NS
"""No fault strikes before, and no time is counted: a new quorum's first leader is another question."""
LEASES = 20
"""How long faults last, and time is counted."""
RATES = (0.1, 0.3, 0.8)
"""Faults per lease."""
SAVES = 2.5
"""Snapshots per lease, of all instances together."""
STEPS_MS = (5_000, 60_000, 3_600_000)
"""How far a server's wall clock is set."""


class Agent(Protocol):
    """What a fault does to an agent."""

    frozen: bool

    def freeze(self) -> None:
        """Stop for a while."""

    def thaw(self) -> None:
        """Go on."""


class Node(Protocol):
    """What a fault does to a machine."""

    @property
    def agent(self) -> Agent | None:
        """The one that runs."""

    def start(self) -> None:
        """Start an agent, if none runs."""

    def crash(self) -> None:
        """End the agent at once."""

    def reboot(self) -> None:
        """End it with the whole machine."""


class Contest(Protocol):
    """A world with one of the two systems in it."""

    time: Timeline
    network: Network
    servers: dict[str, Server]

    @property
    def machines(self) -> Mapping[str, Node]:
        """The nodes, by name."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: when, to whom, for how long, how much of it. Each kind uses what it needs."""

    at: int
    kind: str
    node: str
    server: str
    lasts_ns: int
    soon_ns: int
    step_ms: int
    servers: tuple[str, ...]
    directions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the comparison."""

    name: str
    kinds: tuple[str, ...] = ()
    late: tuple[float, ...] = (0.0,)
    lost: tuple[float, ...] = (0.0,)
    doubled: tuple[float, ...] = (0.0,)
    rates: tuple[int, ...] = (1000,)
    """Rates of the hosts' clocks, in thousandths."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is decided beforehand of one run."""

    seed: int
    ends_at: int
    clocks: tuple[BootClock, ...]
    starts: tuple[int, ...]
    weather: Weather
    faults: tuple[Fault, ...]


ROWS = (
    Row("none"),
    Row("message delay, up to 4 leases", late=(0.01, 0.05, 0.2)),
    Row("message loss, 1 to 20 %", lost=(0.01, 0.1, 0.2)),
    Row("message duplication, 1 to 20 %", doubled=(0.01, 0.1, 0.2)),
    Row("pause of an agent", ("pause",)),
    Row("crash of an agent", ("crash",)),
    Row("reboot of a node", ("reboot",)),
    Row("restart of an instance, data kept", ("restart",)),
    Row("restart, data lost", ("restart empty",)),
    Row("restart, data lost, after more than a TTL", ("restart late",)),
    Row("restart, older data", ("save", "restart older")),
    Row("older data in a running server", ("save", "roll back")),
    Row("`FLUSHALL`", ("flush",)),
    Row("eviction of the key", ("evict",)),
    Row("server clock set forward", ("clock forward",)),
    Row("server clock set back", ("clock back",)),
    Row("hung instance", ("hang",)),
    Row("partition", ("cut",)),
    Row("partition, one way", ("cut one way",)),
    Row("hosts' clocks off by 4.7 %", rates=EDGES),
    Row("all server clocks set back, and crash of an agent", ("clocks back", "crash")),
    Row("partition, and hosts' clocks off by 4.7 %", ("cut",), rates=EDGES),
)


def draw(row: Row, seed: int, leases: int = LEASES) -> Plan:
    """What happens in this run, whichever system it happens to."""
    random = Random(f"{row.name} {seed}")
    doubled = random.choice(row.doubled) if len(row.doubled) > 1 else row.doubled[0]
    weather = Weather(
        late=random.choice(row.late),
        lost=random.choice(row.lost),
        doubled=doubled,
        requests_doubled=doubled,
    )
    clocks = tuple(BootClock(random.choice(row.rates), random.randrange(10**15)) for _ in NODES)
    starts = tuple(int(random.random() * LEASE_NS / 2) for _ in NODES)
    rate = random.choice(RATES)
    ends_at = WARM_UP_NS + leases * LEASE_NS
    faults = tuple(
        fault
        for kind in row.kinds
        for fault in _faults(random, kind, SAVES if kind == "save" else rate)
        if fault.at < ends_at
    )
    return Plan(seed, ends_at, clocks, starts, weather, faults)


def _faults(random: Random, kind: str, rate: float) -> Iterator[Fault]:
    moment = WARM_UP_NS + int(random.expovariate(rate) * LEASE_NS)
    while moment < WARM_UP_NS + LEASES * LEASE_NS:
        lasts_ns = int(random.choice(TIMERS) * LEASE_NS * random.uniform(0.9, 1.1))
        soon_ns = int(random.random() * LEASE_NS / 10)
        yield Fault(
            at=moment,
            kind=kind,
            node=random.choice(NODES),
            server=random.choice(INSTANCES),
            lasts_ns=random.choice((lasts_ns, soon_ns)) if kind == "crash" else lasts_ns,
            soon_ns=soon_ns,
            step_ms=random.choice(STEPS_MS),
            servers=tuple(random.sample(INSTANCES, random.choice((1, 3, 4, 5)))),
            directions=_directions(random, kind),
        )
        moment += int(random.expovariate(rate) * LEASE_NS)


def _directions(random: Random, kind: str) -> tuple[str, ...]:
    """Which ways a partition cuts: mostly all."""
    if kind != "cut one way" and random.random() < 0.7:
        return DIRECTIONS
    return (random.choice(DIRECTIONS[:2]),)


def unleash(contest: Contest, plan: Plan) -> None:
    """Let all of it happen in this world."""

    def worsen() -> None:
        contest.network.weather = plan.weather

    contest.time.at(WARM_UP_NS, worsen)
    for fault in plan.faults:
        contest.time.at(fault.at, _strike, contest, fault)


def _strike(contest: Contest, fault: Fault) -> None:
    server = contest.servers[fault.server]
    match fault.kind:
        case "pause":
            _pause(contest, fault)
        case "crash":
            contest.machines[fault.node].crash()
            contest.time.after(fault.lasts_ns, contest.machines[fault.node].start)
        case "reboot":
            contest.machines[fault.node].reboot()
            contest.time.after(fault.lasts_ns, contest.machines[fault.node].start)
        case "cut" | "cut one way":
            _cut(contest, fault)
        case "clocks back":
            for each in contest.servers.values():
                each.step_wall(-fault.step_ms)
        case "hang":
            server.hang()
            contest.time.after(fault.lasts_ns, server.go_on)
        case "restart late":
            _restart(contest, server, LEASE_NS * 11 // 10 + fault.soon_ns, lambda: server.restart(NOTHING))
        case "restart" | "restart empty" | "restart older":
            _restart(contest, server, fault.soon_ns, lambda: _start(server, fault.kind))
        case _:
            _lose(server, fault)


def _pause(contest: Contest, fault: Fault) -> None:
    agent = contest.machines[fault.node].agent
    if agent is not None and not agent.frozen:
        agent.freeze()
        contest.time.after(fault.lasts_ns, agent.thaw)


def _cut(contest: Contest, fault: Fault) -> None:
    for name in fault.servers:
        contest.network.cut(fault.node, name, *fault.directions)
        contest.time.after(fault.lasts_ns, contest.network.mend, fault.node, name)


def _restart(contest: Contest, server: Server, down_ns: int, start: Callable[[], None]) -> None:
    if server.up:
        server.go_down()
        contest.time.after(down_ns, start)


def _start(server: Server, kind: str) -> None:
    """Start it again with its data, with none, or with those that it saved last."""
    server.restart(None if kind == "restart" else NOTHING if kind == "restart empty" else server.saved())


def _lose(server: Server, fault: Fault) -> None:
    match fault.kind:
        case "save":
            server.save()
        case "roll back":
            server.roll_back(server.saved())
        case "flush":
            server.flush()
        case "evict":
            server.evict("default")
        case "clock forward":
            server.step_wall(fault.step_ms)
        case "clock back":
            server.step_wall(-fault.step_ms)
        case _:
            raise AssertionError(fault.kind)
