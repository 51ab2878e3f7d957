"""The agent's API: HTTP/1.1 on a Unix socket, and on TCP if wanted; streams for all who follow the changes.

What is answered is in `routes`, what of it on TCP in `remote`, how a connection behaves in `connection`, who
may stay in `listener`, what goes on in `streams`; this file joins them to a `Source`. It knows nothing of
instances or the protocol.
"""

import asyncio
import socket
from collections.abc import Callable
from functools import partial

from leader.api import remote
from leader.api.binding import bind_socket
from leader.api.limits import Limits
from leader.api.listener import Listener, Trusted
from leader.api.message import Request, Response, deferred, parts_of
from leader.api.routes import respond
from leader.api.shared import Shared
from leader.api.source import Source
from leader.api.streams import Streams

__all__ = ["Limits", "Server", "Source", "bind_socket"]

DEFAULT_LIMITS = Limits()


class Server:
    """Answers for a source on any number of listening sockets, which stay their owner's to close."""

    def __init__(self, source: Source, limits: Limits = DEFAULT_LIMITS) -> None:
        self._source = source
        self._limits = limits
        self._listeners: list[Listener] = []
        self._streams: list[Streams] = []
        self._common: Shared[Response] = Shared()
        self._turn = asyncio.Lock()

    def serve(self, listening: socket.socket) -> None:
        """Answer on a socket that listens, opened by `bind_socket` or inherited from the process before.

        Must be called on the running event loop.
        """
        self._serve(listening, self._respond, self._limits, lambda peer: not self._source.forbids(peer))

    def serve_remotely(self, listening: socket.socket, limits: Limits = remote.LIMITS) -> None:
        """Answer on a TCP socket whoever asks to read, as `serve` does.

        Its streams and its limits are its own: what is full here is not full on the Unix socket.
        """
        self._serve(listening, self._respond_remotely, limits, lambda _peer: True)

    def _serve(
        self,
        listening: socket.socket,
        respond: Callable[[Request], Response],
        limits: Limits,
        trusted: Trusted,
    ) -> None:
        streams = Streams(limits)
        listener = Listener(listening, respond, streams, limits, trusted)
        self._streams.append(streams)
        self._listeners.append(listener)
        listener.start()

    async def close(self) -> None:
        """Tell those who follow the changes, answer nobody any more, and end every connection.

        The listening sockets stay open: clients wait there for a process that takes over.
        """
        for streams in self._streams:
            streams.end_all()
        await asyncio.gather(*(listener.stop() for listener in self._listeners))

    def _respond(self, request: Request) -> Response:
        response = respond(self._source, request)
        if response.is_common and response.later is not None:
            return deferred(partial(self._common.get, response.later))
        return response

    def _respond_remotely(self, request: Request) -> Response:
        """What a stranger is answered; what costs much comes one after the other (see `_in_turn`)."""
        parts = parts_of(request.target)
        refused = remote.refuse(request, parts)
        if refused is not None:
            return refused
        if remote.is_cheap(parts) or remote.is_stream(request, parts):
            return self._respond(request)
        return deferred(partial(self._in_turn, request))

    async def _in_turn(self, request: Request) -> Response:
        """A costly answer, one in each round of the event loop: no number of them delays a renewal."""
        async with self._turn:
            await asyncio.sleep(0)
            response = self._respond(request)
            return await response.later() if response.later is not None else response
