"""What one Redis server does with Redlock's three commands: another model in the same server.

A lock is a key with a time to live, and the server's own wall clock says when that is over. A key that is
kept over a restart keeps the wall-clock moment at which it expires, as in Redis.
Source: Redis documentation, "Distributed Locks with Redis".
"""

from dataclasses import dataclass
from enum import Enum

from leader.protocol.calls import Configuration, Reply
from tests.simulation.instance import Data, Executed, ModelInstance, Request
from tests.simulation.network import Network
from tests.simulation.server import Server
from tests.simulation.timeline import LEASE_MS

NO_CONFIGURATION = Configuration(0, "", 0)
NO_REPLY = Reply("", 0, None, "", ())


class Asked(Enum):
    """The commands: `SET key value NX PX ttl`, and two scripts that compare the value first."""

    LOCK = "lock"
    EXTEND = "extend"
    UNLOCK = "unlock"


@dataclass(frozen=True, slots=True)
class Command(Request):
    """One command for one instance; it travels as a script call does."""

    asked: Asked = Asked.LOCK
    value: str = ""
    serial: int = 0
    """Which of its client's rounds it belongs to."""


@dataclass(frozen=True, slots=True)
class Told(Executed):
    """What came of a command."""

    done: bool = False


@dataclass(frozen=True, slots=True)
class Lock:
    """The key: its random value, and when it expires on the server's wall clock."""

    value: str
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Locked(Data):
    """A server's data: the key, if it is there."""

    lock: Lock | None = None


class LockInstance(ModelInstance):
    """An instance that keeps the one key of one election."""

    lock: Lock | None = None

    def snapshot(self) -> Data:
        """Its data as they are now."""
        return Locked({}, None, "", {}, lock=self.lock)

    def restore(self, data: Data) -> None:
        """Put these data in the place of its own."""
        super().restore(data)
        self.lock = data.lock if isinstance(data, Locked) else None

    def execute(self, request: Request, wall_ms: int) -> Executed:
        """Carry out one command at this moment of its wall clock."""
        assert isinstance(request, Command)
        if self.lock is not None and wall_ms > self.lock.expires_ms:
            self.lock = None
        return Told("ok", NO_REPLY, (), done=self._carry_out_command(request, wall_ms))

    def _carry_out_command(self, command: Command, wall_ms: int) -> bool:
        mine = self.lock is not None and self.lock.value == command.value
        if command.asked is Asked.UNLOCK:
            self.lock = None if mine else self.lock
            return mine
        may = mine if command.asked is Asked.EXTEND else self.lock is None
        if may:
            self.lock = Lock(command.value, wall_ms + LEASE_MS)
        return may


class LockServer(Server):
    """The simulation's server, with hangs, restarts and clock steps as they are, that keeps a lock."""

    def __init__(self, network: Network, name: str) -> None:
        super().__init__(network, name)
        self.model = LockInstance(name)

    def evict(self, election: str | None) -> None:
        """Lose the key: it is the only one."""
        del election
        self.flush()
