"""What can go wrong with an instance in any world, and how it is undone; how soon, its storm decides."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from tests.simulation.server import Server
from tests.simulation.world import World


class Mischief(ABC):
    """The faults that worlds of elections and worlds of jobs share; nothing is undone after the raging."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.time, self.random, self.network = world.time, world.random, world.network
        self.raging = False

    @abstractmethod
    def later(self, action: Callable[[], object]) -> None:
        """Undo a fault some time later, unless the calm has done so."""

    @abstractmethod
    def start_server(self, server: Server) -> None:
        """Start a server that was down."""

    def if_raging(self, action: Callable[[], object]) -> None:
        """Do this, if faults are still to happen."""
        if self.raging:
            action()

    def _server(self) -> Server:
        return self.random.choice(list(self.world.servers.values()))

    def _restart_older(self) -> None:
        server = self._server()
        server.restart(server.older())

    def _roll_back(self) -> None:
        server = self._server()
        server.roll_back(server.older())

    def _hang(self, server: Server) -> None:
        server.hang()
        self.later(server.go_on)

    def _go_down(self) -> None:
        server = self._server()
        server.go_down()
        self.later(lambda: self.start_server(server))

    def _ineligible(self) -> None:
        model = self._server().model
        model.eligibility = "replica"

        def promote() -> None:
            model.eligibility = "ok"

        self.later(promote)
