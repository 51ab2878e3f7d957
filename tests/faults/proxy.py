"""A proxy between agents and an instance that misbehaves on demand.

Kernels without `tc netem` cannot delay or drop one direction, so this does, in user space. One proxy
stands before one server; what it does is changed while connections are open. It listens on a loopback
port, or on a Unix socket, where it knows the process at the other end: then a fault may be for one agent.
"""

import asyncio
import contextlib
import os
import socket
import struct
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from random import Random
from typing import Self
from urllib.parse import urlsplit

DRIBBLE_BYTES = 7
TRICKLE_S = 0.005
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Fault(Enum):
    """What the proxy does to bytes."""

    NONE = auto()
    SWALLOW_REQUESTS = auto()
    """Nothing reaches the server; connections stay open."""
    SWALLOW_REPLIES = auto()
    """Requests arrive and are carried out; nothing comes back."""
    SWALLOW_ALL = auto()
    """Both: as if the cable were pulled."""
    REFUSE = auto()
    """Open connections are cut and new ones closed at once."""
    DRIBBLE = auto()
    """Replies come back in many small pieces, one after the other."""
    TRICKLE = auto()
    """Replies come back byte by byte, so slowly that the whole takes seconds, though no byte is late."""
    HOLD_REQUESTS = auto()
    """Requests wait here until the fault is over, and are then delivered, also if nobody waits any more."""
    HOLD_REPLIES = auto()
    """Requests are carried out; their replies wait here until the fault is over."""


WHOLE = (65_536, 0.0)
PIECES = {Fault.DRIBBLE: (DRIBBLE_BYTES, 0.0), Fault.TRICKLE: (1, TRICKLE_S)}
"""How many bytes are sent at once, and the pause after them."""


class Way(Enum):
    """A direction, by the faults that swallow what goes there."""

    TO_SERVER = frozenset({Fault.SWALLOW_REQUESTS, Fault.SWALLOW_ALL})
    TO_CLIENT = frozenset({Fault.SWALLOW_REPLIES, Fault.SWALLOW_ALL})


HOLDS = {Way.TO_SERVER: Fault.HOLD_REQUESTS, Way.TO_CLIENT: Fault.HOLD_REPLIES}
"""What keeps bytes waiting, by the direction."""


@dataclass(slots=True, eq=False)
class Passage:
    """One connection through the proxy; `pid` is the client's process, where the kernel tells it."""

    pid: int
    to_client: asyncio.StreamWriter
    to_server: asyncio.StreamWriter | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    half_open: bool = False
    """It carries nothing any more, and neither end is told."""

    def cut(self) -> None:
        """Close both ends."""
        self.to_client.close()
        if self.to_server is not None:
            self.to_server.close()


@dataclass(slots=True)
class Proxy:
    """Forwards to the server at `url`, with faults and a delay that may change.

    Listens at `path`, or on a loopback port; the same again when it is entered again.
    """

    url: str
    path: Path | None = None
    host: str = "127.0.0.1"
    """Where it listens, without a path."""
    delay_s: float = 0.0
    """Added to each chunk, in each direction."""
    jitter_s: float = 0.0
    """Up to so much more, drawn for each chunk."""
    listening_port: int = 0
    connections: int = 0
    """Accepted so far."""
    _fault: Fault = Fault.NONE
    _faults: dict[int, Fault] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _passages: set[Passage] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced, whenever a fault begins or ends."""
    _random: Random = field(default_factory=Random)

    async def __aenter__(self) -> Self:
        if self.path is not None:
            self._server = await asyncio.start_unix_server(self._accept, self.path)
        else:
            self._server = await asyncio.start_server(self._accept, self.host, self.listening_port)
            self.listening_port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.misbehave(Fault.NONE)
        self.cut()
        await self._server.wait_closed()
        for passage in tuple(self._passages):
            await passage.over.wait()

    @property
    def own_url(self) -> str:
        """Where an agent finds the instance."""
        return f"unix://{self.path}" if self.path else f"redis://{self.host}:{self.listening_port}/0"

    def misbehave(self, fault: Fault, *, pid: int = 0) -> None:
        """Do this from now on, to open connections too: to all clients, or to one process."""
        if pid:
            self._faults[pid] = fault
        else:
            self._fault = fault
            self._faults.clear()
        self._changed.set()
        self._changed = asyncio.Event()
        if fault is Fault.REFUSE:
            self.cut(pid=pid)

    def cut(self, *, pid: int = 0) -> None:
        """Close every open connection, or those of one process."""
        for passage in tuple(self._passages):
            if pid in (0, passage.pid):
                passage.cut()

    def lose_connections(self) -> None:
        """Carry nothing any more on the connections that are open, and tell neither end; new ones work."""
        for passage in self._passages:
            passage.half_open = True

    async def _fault_now(self, passage: Passage, way: Way) -> Fault:
        """What is done to a chunk that goes that way, once it is held up no longer."""
        while (fault := self._fault_for(passage.pid)) is HOLDS[way]:
            await self._changed.wait()
        return fault

    def _fault_for(self, pid: int) -> Fault:
        return self._faults.get(pid, self._fault)

    async def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self.connections += 1
        passage = Passage(_pid_of(to_client), to_client)
        self._passages.add(passage)
        try:
            if self._fault_for(passage.pid) is not Fault.REFUSE:
                await self._carry(passage, client)
        finally:
            passage.cut()
            self._passages.discard(passage)
            passage.over.set()

    async def _carry(self, passage: Passage, client: asyncio.StreamReader) -> None:
        try:
            server, to_server = await connect(self.url)
        except OSError:
            return
        passage.to_server = to_server
        await asyncio.gather(
            self._forward(passage, client, to_server, Way.TO_SERVER),
            self._forward(passage, server, passage.to_client, Way.TO_CLIENT),
        )

    async def _forward(
        self, passage: Passage, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: Way
    ) -> None:
        """Carry bytes one way until either end closes.

        Once a chunk was swallowed the connection carries nothing more that way: TCP has no gaps.
        """
        swallows = False
        with contextlib.suppress(OSError):
            while chunk := await source.read(65_536):
                if self.delay_s or self.jitter_s:
                    await asyncio.sleep(self.delay_s + self._random.uniform(0, self.jitter_s))
                fault = await self._fault_now(passage, way)
                swallows = swallows or passage.half_open or fault in way.value
                if swallows:
                    continue
                size, pause_s = PIECES.get(fault, WHOLE) if way is Way.TO_CLIENT else WHOLE
                await _write(sink, chunk, size, pause_s)
        passage.cut()


async def connect(url: str) -> _Streams:
    """A stream to the server at that URL."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return await asyncio.open_unix_connection(parts.path)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def _write(sink: asyncio.StreamWriter, chunk: bytes, size: int, pause_s: float) -> None:
    for begin in range(0, len(chunk), size):
        sink.write(chunk[begin : begin + size])
        await sink.drain()
        await asyncio.sleep(pause_s)


def _pid_of(client: asyncio.StreamWriter) -> int:
    """The process at the other end of a Unix socket; 0 where nobody tells."""
    peer: socket.socket = client.get_extra_info("socket")
    if peer.family != socket.AF_UNIX or os.uname().sysname != "Linux":
        return 0
    pid: int = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    return pid
