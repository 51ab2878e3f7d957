"""A whole world: servers, network, nodes and checkers, put together."""

from collections.abc import Iterable

from leader.protocol.calls import Configuration
from leader.protocol.quorum import Voters
from tests.simulation import promises
from tests.simulation.agent import Agent
from tests.simulation.clock import BootClock
from tests.simulation.machine import Habits
from tests.simulation.network import Network
from tests.simulation.node import Node
from tests.simulation.promises import Promises
from tests.simulation.server import Server
from tests.simulation.timeline import LEASE_MS, LEASE_NS, WALL_MS, Timeline


def configuration(instances: Iterable[str], lease_ms: int = LEASE_MS, generation: int = 1) -> Configuration:
    """The configuration of a node with this list of instances and this lease."""
    return Configuration(generation, "+".join(instances), lease_ms)


class World:
    """Everything that takes part, and the true time."""

    def __init__(
        self,
        seed: int,
        instances: tuple[str, ...],
        elections: tuple[str, ...] = ("default",),
        *,
        keeps_log: bool = False,
        checks_deadline: bool = True,
        agent_type: type[Agent] = Agent,
    ) -> None:
        self.time = Timeline(seed, keeps_log=keeps_log)
        self.random = self.time.random
        self.instances = instances
        self.elections = elections
        self.agent_type = agent_type
        self.network = Network(self.time)
        self.servers: dict[str, Server] = {}
        self.nodes: dict[str, Node] = {}
        self.promises = Promises(self.time, self.servers, checks_deadline=checks_deadline)

    def add_server(self, name: str, wall_ms: int = WALL_MS) -> Server:
        """Put up a server that answers under its own name."""
        server = self.servers[name] = Server(self.network, name, wall_ms)
        self.network.destinations[name] = server
        return server

    def add_node(
        self,
        name: str,
        instances: tuple[str, ...] | None = None,
        *,
        clock: BootClock | None = None,
        priority: int = 100,
        wall_ms: int = WALL_MS,
        habits: Habits | None = None,
    ) -> Node:
        """Put up a node; its agent is not started yet."""
        names = instances or self.instances
        node = self.nodes[name] = Node(
            name=name,
            network=self.network,
            promises=self.promises,
            elections=self.elections,
            voters=Voters((names,)),
            configuration=configuration(names),
            clock=clock or BootClock(),
            priority=priority,
            wall_ms=wall_ms,
            habits=habits or Habits(),
            agent_type=self.agent_type,
        )
        return node

    def move_node(self, name: str, instances: tuple[str, ...]) -> None:
        """Give a node another list of instances, for its next start."""
        node = self.nodes[name]
        node.voters, node.configuration = Voters((instances,)), configuration(instances)

    @property
    def agents(self) -> list[Agent]:
        """Those that live."""
        return [node.agent for node in self.nodes.values() if node.agent is not None]

    def leader(self, election: str | None = None) -> promises.Agent | None:
        """The agent that leads at this moment."""
        return self.promises.leader(election or self.elections[0])

    def is_led(self) -> bool:
        """Whether every election has a leader at this moment."""
        return all(self.promises.leader(election) is not None for election in self.elections)

    def sample(self) -> None:
        """Ask every agent now."""
        self.promises.sample(self.agents, self.elections)

    def run_leases(self, leases: float) -> None:
        """Let so many leases pass."""
        self.time.run_until(self.time.now + int(leases * LEASE_NS))
