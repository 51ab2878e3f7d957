"""Faults in several acts, after the traces that random faults alone hit too rarely."""

from collections.abc import Callable

from leader.protocol.record import State
from tests.simulation.climate import SPARE
from tests.simulation.instance import NOTHING
from tests.simulation.node import Node
from tests.simulation.timeline import LEASE_NS
from tests.simulation.world import World

IfRaging = Callable[[Callable[[], None]], None]


class Plays:
    """The plays of one world; at most one is on stage."""

    def __init__(self, world: World, if_raging: IfRaging) -> None:
        self.world = world
        self._if_raging = if_raging
        self._on_stage = False
        self._moved: Node | None = None
        """The node that was started with another list."""

    def end(self) -> None:
        """Take whatever is on stage away."""
        self._on_stage = False
        if self._moved is not None:
            self._moved.crash()
            self.world.move_node(self._moved.place, self.world.instances)
            self._moved = None

    def _nodes(self) -> list[Node]:
        return [n for n in self.world.nodes.values() if n.priority and n.place == n.name and n.name != "Z"]

    def _after(self, leases: float, action: Callable[[], None]) -> None:
        self.world.time.after(int(leases * LEASE_NS), self._if_raging, action)

    # A repeated term: trace 11.

    def relay(self) -> bool:
        """One node leads with two of three instances; then the shared one forgets, and another node leads."""
        world = self.world
        if len(world.instances) != 3 or self._on_stage:
            return False
        self._on_stage = True
        nodes, names = self._nodes(), world.random.sample(world.instances, 3)
        for node in world.nodes.values():
            node.reboot()
        world.servers[names[2]].go_down()
        world.random.shuffle(nodes)
        nodes[0].start()
        self._after(world.random.uniform(1.3, 2.3), lambda: self._second_node(nodes, names))
        return True

    def _second_node(self, nodes: list[Node], names: list[str]) -> None:
        first, shared, other = (self.world.servers[name] for name in names)
        nodes[0].crash()
        first.go_down()
        shared.restart(NOTHING)
        other.restart()
        nodes[-1].start()
        self._after(self.world.random.uniform(1.3, 2.3), self._all_back)

    def _all_back(self) -> None:
        self._on_stage = False
        for node in self.world.nodes.values():
            node.start()
        for server in self.world.servers.values():
            if not server.up:
                server.restart()

    # A restart with another list: trace 6.

    def move(self) -> bool:
        """A leader comes back with two old instances and a new one, when others lead with the other three."""
        world = self.world
        leader = world.leader()
        node = next((node for node in self._nodes() if node.agent is leader), None)
        if len(world.instances) != 5 or node is None or self._on_stage:
            return False
        self._on_stage = True
        node.crash()
        kept = tuple(world.random.sample(world.instances, 2))
        for other in world.nodes.values():
            for name in kept:
                world.network.cut(other.place, name)
        self._after(world.random.uniform(1.2, 1.6), lambda: self._come_back(node, kept))
        return True

    def _come_back(self, node: Node, kept: tuple[str, ...]) -> None:
        world = self.world
        if node.agent is not None or not all(self._is_held_by(node, name) for name in kept):
            self._move_back(node, kept)
            return
        world.network.forget_late_messages()
        for name in kept:
            world.servers[name].evict(None)
            world.network.mend(node.place, name)
        world.move_node(node.place, (*kept, SPARE))
        self._moved = node
        node.start()
        self._after(0.4, lambda: self._move_back(node, kept))

    def _is_held_by(self, node: Node, name: str) -> bool:
        """Whether that instance keeps every election as held by this node, so that it can only resume.

        A record that is released meanwhile may be taken with any list, where nobody remembers the right one.
        """
        records = [self.world.servers[name].model.records.get(election) for election in self.world.elections]
        holders = [record.holder for record in records if record and record.state is State.HELD]
        return len(holders) == len(records) and all(
            holder and holder.node == node.place for holder in holders
        )

    def _move_back(self, node: Node, kept: tuple[str, ...]) -> None:
        self._on_stage = False
        node.crash()
        self.world.move_node(node.place, self.world.instances)
        self._moved = None
        for other in self.world.nodes.values():
            for name in kept:
                self.world.network.mend(other.place, name)
        node.start()
