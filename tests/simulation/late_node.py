"""A node that everybody had forgotten comes back two steps late: rule R10 has to keep it out.

Only where that is promised: no instance has forgotten anything, every node runs the newest step, and so many
instances know of it that no majority of the node's own list is without one.
"""

from collections.abc import Callable

from leader.protocol.quorum import majority
from tests.simulation.changes import Changes, Step
from tests.simulation.climate import STRAY
from tests.simulation.node import Node
from tests.simulation.timeline import LEASE_NS
from tests.simulation.world import World


class LateNode:
    """The late node of one world; it is there for some leases at a time."""

    def __init__(
        self, world: World, changes: Changes, if_raging: Callable[[Callable[[], None]], None]
    ) -> None:
        self.world = world
        self._changes = changes
        self._if_raging = if_raging
        self._node: Node | None = None

    def come(self) -> bool:
        """Start it, and cut the leader from as many instances as it can spare: those are easily taken."""
        changes, world = self._changes, self.world
        step = changes.outdated
        if step is None or changes.waits or not changes.is_everywhere() or not self._is_kept_out(step):
            return False
        if step.configuration.generation > changes.newest.configuration.generation - 2:
            return False
        world.network.forget_late_messages()
        leader = world.leader()
        if leader is not None:
            for name in self._spare(step):
                world.network.cut(leader.place, name)
        changes.waits = True
        self._node = node = world.add_node(STRAY, step.voters.lists[0])
        node.voters, node.configuration = step.voters, step.configuration
        node.start()
        world.time.after(int(world.random.uniform(1.5, 4) * LEASE_NS), self._if_raging, self.leave)
        return True

    def leave(self) -> None:
        """End it, and have it forgotten."""
        if self._node is None:
            return
        self._changes.waits = False
        self._node.crash()
        self._node = None
        del self.world.nodes[STRAY]
        for server in self.world.servers.values():
            server.model.registry.pop(STRAY, None)
        for place in self.world.nodes:
            self.world.network.mend(place, *self.world.servers)

    def _is_kept_out(self, step: Step) -> bool:
        """Whether no majority of one of its lists is without an instance that knows of the newest step."""
        newest = self._changes.newest.configuration
        knowing = {
            name for name, server in self.world.servers.items() if server.model.configuration == newest
        }
        return any(len(set(names) - knowing) < majority(len(names)) for names in step.voters.lists)

    def _spare(self, step: Step) -> list[str]:
        """Instances of its list that the newest step can do without, all together."""
        newest, spared = self._changes.newest.voters, list[str]()
        for name in step.voters.instances:
            rest = [other for other in newest.instances if other not in (*spared, name)]
            if name in newest.instances and newest.spare(rest) >= 0:
                spared.append(name)
        return spared
