"""One connection to one instance, which waits for nothing that its caller does not bound.

redis-py packs commands, parses replies and does the handshake; what it would do on its own is off:
retries, time-outs, health checks, RESP3 with its maintenance messages, CLIENT SETINFO, and resolving
names on the loop's shared pool of threads. Callers bound every use from outside with `asyncio.timeout`
and then `abort`: what is late is never read as the answer to something else.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

from hiredis import pack_command
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from leader.instances.bounded import BoundedParser
from leader.instances.endpoint import Endpoint
from leader.instances.resolver import Resolver


class Link(AbstractConnection):
    """A connection that can be opened once; `phase` says what it is waiting for."""

    def __init__(self, endpoint: Endpoint, resolver: Resolver, patience_s: float) -> None:
        """`patience_s` is what resolving or one of several addresses may take, before the next is tried."""
        self._endpoint = endpoint
        self._resolver = resolver
        self._patience_s = patience_s
        self.phase = "connecting"
        self._transport: asyncio.WriteTransport | None = None
        super().__init__(
            db=endpoint.address.db,
            username=endpoint.credentials.username or None,
            password=endpoint.credentials.password or None,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            health_check_interval=0,
            socket_timeout=None,
            socket_connect_timeout=None,
            driver_info=None,
            parser_class=BoundedParser,
            decode_responses=True,
            encoding_errors="replace",
        )

    async def open(self) -> None:
        """Connect, authenticate, select the database.

        Raises:
            RedisError: the server's own error, or what kept it from being reached.
        """
        await self.connect()  # type: ignore[no-untyped-call]

    async def ask(self, *command: str) -> Any:  # noqa: ANN401  a reply is whatever the server says
        """The reply to one command.

        Raises:
            RedisError: the server's own error, or the connection's.
        """
        return (await self.ask_together(command))[0]

    async def ask_together(self, *commands: tuple[str, ...]) -> list[Any]:
        """The replies to several commands that travel together; after an error the link is good for nothing.

        Raises:
            RedisError: the server's own error, or the connection's.
        """
        packed = [pack_command(command) for command in commands]  # type: ignore[arg-type]  # its stub says one
        await self.send_packed_command(packed)
        return [await self.read_response() for _ in commands]

    def hand_over_to(self, protocol: asyncio.Protocol) -> tuple[asyncio.ReadTransport, Callable[..., None]]:
        """Let this protocol hear all that comes from now on: whence it comes, and what sends a command."""
        transport = self._transport
        assert transport is not None
        transport.set_protocol(protocol)

        def send(*command: str) -> None:
            transport.writelines(self.pack_command(*command))

        assert isinstance(transport, asyncio.ReadTransport)
        return transport, send

    def parse_error(self, text: str) -> Exception:
        """The exception that redis-py has for a server's error reply."""
        error: Exception = self._parser.parse_error(text)  # type: ignore[no-untyped-call]
        return error

    @property
    def certificate_ends(self) -> str:
        """When the server's certificate expires, as TLS says it; empty without TLS."""
        secured = self._transport.get_extra_info("ssl_object") if self._transport else None
        return str(secured.getpeercert().get("notAfter", "")) if secured else ""

    def abort(self) -> None:
        """Close at once: unsent bytes are dropped, late ones are never read."""
        if self._transport is not None:
            self._transport.abort()
        self._reader = self._writer = self._transport = None
        self._parser.on_disconnect()  # type: ignore[no-untyped-call]

    async def _connect(self) -> None:
        path = self._endpoint.address.path
        reader, writer = await (asyncio.open_unix_connection(path) if path else self._connect_to_host())
        self._reader, self._writer, self._transport = reader, writer, writer.transport
        self.phase = "answering"

    async def _connect_to_host(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A stream to the first address that takes it; the last may take as long as the caller lets it."""
        self.phase = "resolving"
        *others, last = await self._resolver.resolve(self._patience_s)
        for address in others:
            with contextlib.suppress(OSError):  # a TimeoutError is one
                async with asyncio.timeout(self._patience_s):
                    return await self._open(address)
        return await self._open(last)

    async def _open(self, address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            # asyncio sets TCP_NODELAY; keepalive ends what a peer that vanished leaves behind
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setblocking(False)
            self.phase = "connecting"
            await asyncio.get_running_loop().sock_connect(connection, (address, self._endpoint.address.port))
            self._resolver.prefer(address)
            return await self._secure(connection)
        except BaseException:
            connection.close()
            raise

    async def _secure(self, connection: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not self._endpoint.tls:
            return await asyncio.open_connection(sock=connection)
        self.phase = "handshaking"
        context = self._endpoint.credentials.tls_context()
        name = self._endpoint.address.host
        return await asyncio.open_connection(sock=connection, ssl=context, server_hostname=name)

    def _host_error(self) -> str:
        return self._endpoint.place

    def repr_pieces(self) -> list[tuple[str, str | int]]:
        """What redis-py shows of a connection."""
        return [("place", self._endpoint.place), ("db", self._endpoint.address.db)]
