"""Which faults, when, and which together? One seed decides it; after each act of faults comes a calm.

A plan names its targets before it begins, but for the leader, who is whoever leads when the fault begins.
Faults of one target never run at once: the later one waits.
"""

import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from shutil import which
from typing import TypeVar

from leader.errors import InstanceError
from tests.chaos import faults_agents, faults_links, faults_memory, faults_servers
from tests.chaos.changes import Operator
from tests.chaos.history import CHANGED
from tests.chaos.kinds import KINDS, Aim, Harm, Kind, On, Share
from tests.chaos.lab import COMPILER, NODES, Lab
from tests.chaos.redis import Refused

T = TypeVar("T")
MODULES = (faults_agents, faults_links, faults_memory, faults_servers)
"""They are imported for what they register."""

LEADER = "the leader"
LEADER_SHARE = 0.5
"""So often a fault that befalls one node is for the one that leads."""
ACT_S = 4.0
"""Faults begin within so much time."""
MOST_FAULTS = 5
LEASES = (0.02, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1.0, 1.1, 2.0, 3.0)
"""How long faults last: around the protocol's own times."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault to come: when it begins and for how long, in seconds, its kind, and whom it befalls."""

    at_s: float
    for_s: float
    kind: Kind
    nodes: tuple[str, ...]
    servers: tuple[int, ...]
    seed: str
    """For what else it has to choose."""

    def __str__(self) -> str:
        whom = [*self.nodes, *(f"server {number + 1}" for number in self.servers)]
        return f"{self.at_s:.2f} s: {self.kind.name} for {self.for_s:.2f} s, {' '.join(whom)}"


def kinds_for(harm: Harm, *, clocks: bool) -> list[Kind]:
    """The kinds that go with that sort of harm; those that need a clock only where one can be had."""
    wanted = {Harm.NONE, Harm.AHEAD, harm}
    return [kind for kind in KINDS.values() if kind.harm in wanted and (clocks or not kind.needs_clock)]


def possible_kinds() -> set[str]:
    """The names of all that a run of some length plays on this machine."""
    clocks = which(COMPILER) is not None
    return {kind.name for harm in (Harm.FORGETS, Harm.LIES) for kind in kinds_for(harm, clocks=clocks)}


class Deck:
    """Kinds in an order that a seed decides: none comes again before all others have come."""

    def __init__(self, kinds: Sequence[Kind], seed: str) -> None:
        self._kinds = kinds
        self._random = Random(seed)
        self._left: list[Kind] = []

    def draw(self) -> Kind:
        """The next one."""
        if not self._left:
            self._left = self._random.sample(self._kinds, len(self._kinds))
        return self._left.pop()


def planned(seed: str, deck: Deck, servers: int, lease_ms: int) -> list[Planned]:
    """One act: some faults of the next kinds, in the order in which they begin."""
    random = Random(seed)
    chosen = [draw(random, deck.draw(), servers, lease_ms) for _ in range(random.randint(1, MOST_FAULTS))]
    return sorted(chosen, key=lambda fault: fault.at_s)


def draw(random: Random, kind: Kind, servers: int, lease_ms: int) -> Planned:
    """One fault of that kind."""
    nodes = drawn_nodes(random, kind)
    numbers = () if kind.on is On.AGENT else drawn_servers(random, kind.share, servers)
    leases = max(kind.least_leases, min(random.choice(LEASES), kind.longest_leases)) * random.uniform(
        0.9, 1.1
    )
    at_s, own_seed = random.uniform(0, ACT_S), str(random.random())
    return Planned(at_s, leases * lease_ms / 1000, kind, nodes, numbers, own_seed)


def drawn_nodes(random: Random, kind: Kind) -> tuple[str, ...]:
    """The nodes that a fault of that kind befalls."""
    if kind.on is On.SERVER:
        return ()
    if random.random() < LEADER_SHARE:
        return (LEADER,)
    return some(random, NODES[:-1] if kind.spares_one else NODES, 1 if kind.on is On.AGENT else len(NODES))


def drawn_servers(random: Random, share: Share, servers: int) -> tuple[int, ...]:
    """The servers that a fault takes hold of."""
    match share:
        case Share.ONE:
            return (random.randrange(servers),)
        case Share.MAJORITY:
            return tuple(random.sample(range(servers), servers // 2 + 1))
        case Share.SOME:
            return some(random, range(servers), servers)


def some(random: Random, of: Sequence[T], most: int) -> tuple[T, ...]:
    """One to `most` of these; often just one, and often as many as may be."""
    return tuple(random.sample(list(of), random.choice((1, random.randint(1, most), most))))


def touches(kind: Kind, aim: Aim) -> list[str]:
    """What this fault needs for itself."""
    match kind.on:
        case On.AGENT:
            return [f"agent:{aim.node}"]
        case On.SERVER:
            only_one = ["the one clock that is ahead"] if kind.harm is Harm.AHEAD else []
            return [f"server:{number}" for number in aim.numbers] + only_one
        case On.LINK:
            return [f"link:{node}:{number}" for node in aim.nodes for number in aim.numbers]


class Nemesis:
    """Plays acts in a lab."""

    def __init__(
        self, lab: Lab, seed: str, only: Sequence[str] = (), operator: Operator | None = None
    ) -> None:
        """`only`: the kinds that are played; without, all. `operator`: makes a move in each act."""
        self.troubles: list[str] = []
        """Faults that could not be begun or healed, in a sentence each: the lab is broken."""
        self._lab = lab
        self._seed = seed
        self._decks = {
            harm: Deck(
                [
                    kind
                    for kind in kinds_for(harm, clocks=lab.shim is not None)
                    if kind.name in (only or KINDS)
                ],
                f"{seed}:{harm.name}",
            )
            for harm in (Harm.FORGETS, Harm.LIES)
        }
        self._operator = operator
        self._asks = Random(seed)
        self._taken: set[str] = set()
        self._given_back = threading.Condition()
        self._never = threading.Event()

    def play(self, number: int, harm: Harm) -> None:
        """Play one act to its end, when all is healed; servers suffer that sort of harm."""
        shape, deck = self._lab.shape, self._decks[harm]
        act = planned(f"{self._seed}:{number}", deck, len(self._lab.servers), shape.lease_ms)
        self._lab.timeline.tell(f"act {number}: {'; '.join(map(str, act))}")
        threads = [threading.Thread(target=self._play, args=(fault,)) for fault in act]
        if self._operator is not None:
            threads.append(threading.Thread(target=self._operate, args=(self._operator,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _play(self, fault: Planned) -> None:
        """Play one fault, once no other has its target."""
        self._never.wait(fault.at_s)
        aim = self._aim(fault)
        wanted = touches(fault.kind, aim)
        with self._holding(wanted), self._told(str(fault)):
            self._befall(fault, aim, wanted)

    def _operate(self, operator: Operator) -> None:
        """Change the quorum by one move: bring a node to the present step, or ask for the next."""
        node = operator.next_node
        if node is None:
            with self._told("leader quorum"):
                operator.ask(self._lab.nodes[self._asks.choice(NODES)])
            return
        wanted = [f"agent:{node}"]
        with self._holding(wanted), self._told(f"{node} is brought to {operator.step.generation}"):
            with self._lab.timeline.spell(CHANGED, wanted, ()):
                operator.bring(node)

    def finish(self) -> None:
        """Bring to its end what goes on over several acts."""
        if self._operator is not None:
            with self._told("the change of the quorum"):
                self._operator.finish()

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Whatever cannot be done is a trouble of the lab."""
        try:
            yield
        except (OSError, AssertionError, Refused, InstanceError, subprocess.TimeoutExpired) as error:
            self.troubles.append(f"{what}: {type(error).__name__}: {error}")
            self._lab.timeline.tell(f"trouble: {self.troubles[-1]}")

    def _befall(self, fault: Planned, aim: Aim, wanted: Sequence[str]) -> None:
        harmed = [] if fault.kind.harm is Harm.NONE else aim.numbers
        with self._lab.timeline.spell(fault.kind.name, wanted, harmed), fault.kind.play(aim):
            self._never.wait(fault.for_s)

    def _aim(self, fault: Planned) -> Aim:
        """Whom it befalls, now that it begins: somebody, where it is for a leader that is away or spared."""
        random = Random(fault.seed)
        names = list(fault.nodes)
        if names == [LEADER]:
            leader = self._lab.leader()
            is_there = leader is not None and not (fault.kind.spares_one and leader.name == NODES[-1])
            names = [leader.name if leader is not None and is_there else random.choice(NODES[:-1])]
        servers = [self._lab.servers[number] for number in fault.servers]
        return Aim(self._lab, [self._lab.nodes[name] for name in names], servers, random)

    @contextmanager
    def _holding(self, wanted: Sequence[str]) -> Iterator[None]:
        """Nobody else has these meanwhile."""
        with self._given_back:
            self._given_back.wait_for(lambda: not self._taken.intersection(wanted))
            self._taken.update(wanted)
        try:
            yield
        finally:
            with self._given_back:
                self._taken.difference_update(wanted)
                self._given_back.notify_all()
