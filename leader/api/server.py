"""The agent's local API: HTTP/1.1 on a Unix socket, and streams of changes for all who follow them.

What is answered is in `routes`, how a connection behaves in `connection`, who may stay in `listener`, what
goes on in `streams`; this file joins them to a `Source`. It knows nothing of instances or the protocol.
"""

import socket
from functools import partial

from leader.api.binding import bind_socket
from leader.api.limits import Limits
from leader.api.listener import Listener
from leader.api.message import Request, Response, deferred, refusal
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
        self._streams = Streams(limits)
        self._common: Shared[Response] = Shared()

    def serve(self, listening: socket.socket) -> None:
        """Answer on a socket that listens, opened by `bind_socket` or inherited from the process before.

        Must be called on the running event loop.
        """
        listener = Listener(listening, self._respond, self._streams, self._limits)
        self._listeners.append(listener)
        listener.start()

    async def close(self) -> None:
        """Tell those who follow the changes, answer nobody any more, and end every connection.

        The listening sockets stay open: clients wait there for a process that takes over.
        """
        self._streams.end_all()
        for listener in self._listeners:
            await listener.stop()

    def _respond(self, request: Request) -> Response:
        response = respond(self._source, request)
        if response.joins is not None and request.method != "HEAD" and self._streams.are_full:
            return refusal(503, "too many clients follow the changes: end one, or ask /v1/status")
        if response.is_common and response.later is not None:
            return deferred(partial(self._common.get, response.later))
        return response
