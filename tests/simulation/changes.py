"""Operators who change the quorum while everything runs: step by step, and node by node.

They keep to the procedure, and to nothing else: two neighbouring steps are mixed at will, a node may go back
to the one before, and the next step begins when every node runs this one and a leader has renewed under it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from leader.protocol.calls import Configuration
from leader.protocol.quorum import Voters
from tests.simulation.node import Node
from tests.simulation.timeline import LEASE_MS
from tests.simulation.world import World, configuration

SERVERS = "12345678"
LEASES_MS = (LEASE_MS, LEASE_MS, LEASE_MS * 7 // 10, LEASE_MS // 2)


@dataclass(frozen=True, slots=True)
class Step:
    """One generation: who votes, and the configuration that says so."""

    voters: Voters
    configuration: Configuration


def settled(instances: tuple[str, ...], lease_ms: int, generation: int = 1) -> Step:
    """A step that stands alone."""
    return Step(Voters((instances,)), configuration(instances, lease_ms, generation))


def begun(step: Step, instances: tuple[str, ...], lease_ms: int) -> Step:
    """The step that begins a change to another list, or another lease."""
    kept = step.configuration
    following = configuration(instances, lease_ms, kept.generation + 1)
    joint = replace(following, previous=kept.fingerprint, previous_lease_ms=kept.lease_ms)
    return Step(Voters((instances, *step.voters.lists)), joint)


def ended(step: Step) -> Step:
    """The step that ends the change which this one began."""
    instances = step.voters.lists[0]
    return settled(instances, step.configuration.lease_ms, step.configuration.generation + 1)


class Changes:
    """The steps of one world, the newest last."""

    def __init__(self, world: World, instances: tuple[str, ...]) -> None:
        self.world = world
        self.before = self.newest = settled(instances, LEASE_MS)
        self.outdated: Step | None = None
        """The step before that, which no node runs any more."""
        self.waits = False
        """Whether nothing is changed for now."""
        self.gap_ns = 0
        """For how long ticks must be known: a leader of the old list may have claimed one until then."""
        self._brought_at = 0
        """When a node was brought to another step last."""

    @property
    def steps(self) -> tuple[Step, Step]:
        """Those that nodes run: each either the newest one or the one before."""
        return self.before, self.newest

    def happen(self) -> None:
        """Bring one node to the newest step, or back to the one before; or begin the next one."""
        if self.waits:
            return
        nodes = list(self.world.nodes.values())
        late = [node for node in nodes if node.configuration != self.newest.configuration]
        if self.world.random.random() < (0.15 if late else 0.03):
            self._bring(self.world.random.choice(nodes), self.before)
        elif late:
            self._bring(self.world.random.choice(late), self.newest)
        elif self._is_led() and self._is_remembered():
            self._begin_next()

    def is_everywhere(self) -> bool:
        """Whether every node runs the newest step."""
        newest = self.newest.configuration
        return all(node.configuration == newest for node in self.world.nodes.values())

    def _is_led(self) -> bool:
        """Whether a leader has renewed under the newest step, at a majority of each list."""
        servers = self.world.servers
        ours = [n for n in SERVERS if servers[n].model.configuration == self.newest.configuration]
        return self.newest.voters.spare(ours) >= 0

    def _is_remembered(self) -> bool:
        """Whether what was claimed under the old list alone needs no memory any more."""
        lists = self.newest.voters.lists
        is_same = len({frozenset(names) for names in lists}) == 1
        return is_same or self.world.time.now - self._brought_at >= self.gap_ns

    def _begin_next(self) -> None:
        self.outdated, self.before, step = self.before, self.newest, self.newest
        if step.configuration.previous:
            self.newest = ended(step)
        else:
            instances, lease_ms = self._draw(self.world.random, step)
            for name in sorted(set(instances) - set(step.voters.instances)):
                self.world.servers[name].evict(None)
            self.newest = begun(step, instances, lease_ms)
        self.world.time.count("change: ends" if step.configuration.previous else "change: begins")
        self.world.time.tell(f"step {self.newest.configuration}")

    @staticmethod
    def _draw(random: Random, step: Step) -> tuple[tuple[str, ...], int]:
        """Another list or another lease, or both."""
        [old] = step.voters.lists
        new = tuple(name for name in SERVERS if name not in old)
        one_replaced = (*random.sample(old, len(old) - 1), random.choice(new))
        lists: tuple[Iterable[str], ...] = (
            old,
            one_replaced,
            (*old, *new[:2]) if len(old) < 5 else random.sample(old, 3),
            random.sample(new, min(3, len(new))),
        )
        instances = tuple(random.choice(lists))
        other_leases = [lease_ms for lease_ms in LEASES_MS if lease_ms != step.configuration.lease_ms]
        is_kept = set(instances) != set(old) and random.random() < 0.5
        return instances, step.configuration.lease_ms if is_kept else random.choice(other_leases)

    def _bring(self, node: Node, step: Step) -> None:
        """Start its agent again under another step; what the old one had sent may still arrive."""
        if node.configuration == step.configuration:
            return
        self.world.time.count("change: a node goes on" if step is self.newest else "change: a node goes back")
        self.world.time.tell(f"{node.place} is brought to generation {step.configuration.generation}")
        self._brought_at = self.world.time.now
        runs = node.agent is not None
        node.crash()
        node.voters, node.configuration = step.voters, step.configuration
        if runs:
            node.start()
