"""What the tests of instances on real servers share: which servers, one of them, and an agent's hand."""

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from leader.instances.embedded import EmbeddedQuorum, Transport
from leader.instances.endpoint import Credentials
from leader.instances.instance import Instance
from leader.protocol.calls import Answer, Call, Configuration, Operation, Registration, Reply
from leader.protocol.record import Holder
from tests.support.servers import PROGRAMS, server_program

__all__ = [
    "CONFIGURATION",
    "NS_PER_MS",
    "PROGRAMS",
    "TIMEOUT_NS",
    "Hand",
    "admin",
    "hand_on",
    "holder",
    "server_program",
    "servers",
    "short_directory",
]

NS_PER_MS = 1_000_000
TIMEOUT_NS = 5_000 * NS_PER_MS
CONFIGURATION = Configuration(1, "f" * 16, 10_000)


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose path leaves room for a Unix socket's."""
    directory = Path(tempfile.mkdtemp(prefix="leader-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def servers(
    program: str,
    count: int = 1,
    transport: Transport = "unix",
    *,
    save: bool = False,
    options: Sequence[str] = (),
) -> Iterator[EmbeddedQuorum]:
    """Some running servers of one of `PROGRAMS`."""
    with (
        short_directory() as directory,
        EmbeddedQuorum(
            directory, count, transport, save=save, options=options, program=server_program(program)
        ) as quorum,
    ):
        yield quorum


@dataclass
class Hand:
    """An agent's hand on one instance: draws nonces, and asks for one thing at a time."""

    instance: Instance
    known_term: int = 0
    nonces: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def call(self, operation: Operation, election: str = "default") -> Call:
        """A call with a nonce of its own."""
        return Call(election, f"{self.instance.name}-{next(self.nonces)}", self.known_term, operation)

    async def send(
        self,
        *calls: Call,
        registration: str = "",
        timeout_ns: int = TIMEOUT_NS,
    ) -> Reply:
        """The instance's reply to these calls."""
        return await self.instance.call(calls, registration=registration, timeout_ns=timeout_ns)

    async def registry(self) -> tuple[Registration, ...]:
        """The nodes that it shows."""
        return await self.instance.read_registry(timeout_ns=TIMEOUT_NS)

    async def ask(self, operation: Operation, election: str = "default") -> Answer:
        """The answer to one operation."""
        return (await self.send(self.call(operation, election))).answers[0]


@contextlib.asynccontextmanager
async def hand_on(
    url: str,
    *,
    name: str = "a",
    node: str = "n1",
    configuration: Configuration = CONFIGURATION,
    credentials: Credentials | None = None,
) -> AsyncIterator[Hand]:
    """A hand, closed at the end."""
    instance = Instance(
        name, url, cluster="test", node=node, configuration=configuration, credentials=credentials
    )
    try:
        yield Hand(instance)
    finally:
        await instance.close()


def admin(server: EmbeddedQuorum, *command: str, index: int = 0) -> Any:  # noqa: ANN401  any reply
    """Another program's command on a server."""
    with redis.Redis.from_url(server.urls[index], decode_responses=True) as client:
        return client.execute_command(*command)


def holder(term: int, node: str = "n1", incarnation: str = "i1") -> Holder:
    """A holder in few words."""
    return Holder(node, incarnation, term)
