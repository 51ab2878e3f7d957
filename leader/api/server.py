"""The agent's local API: HTTP/1.1 on a Unix socket, and one stream of changes for all who follow it.

What is answered is in `routes`, how a connection behaves in `connection`, who may stay in `listener`; this
file joins them to a `Source`. It knows nothing of elections, instances or the protocol.
"""

import socket

from leader.api.binding import bind_socket
from leader.api.connection import Connection
from leader.api.limits import Limits
from leader.api.listener import Listener
from leader.api.routes import Response, line, refusal, respond
from leader.api.source import Change, Source

__all__ = ["Limits", "Server", "Source", "bind_socket"]

DEFAULT_LIMITS = Limits()
TOO_SLOW = line({"event": "dropped", "reason": "this reader is too slow; connect again for a new snapshot"})
STOPPED = line({"event": "ended", "reason": "the agent stops or restarts; connect again"})


class Server:
    """Answers for a source on any number of listening sockets, which stay their owner's to close."""

    def __init__(self, source: Source, limits: Limits = DEFAULT_LIMITS) -> None:
        self._source = source
        self._limits = limits
        self._listeners: list[Listener] = []
        self._streams: set[Connection] = set()
        self._unsubscribe = source.subscribe(self._publish)

    def serve(self, listening: socket.socket) -> None:
        """Answer on a socket that listens, opened by `bind_socket` or inherited from the process before.

        Must be called on the running event loop.
        """
        listener = Listener(listening, self._respond, self._begin_stream, self._limits)
        self._listeners.append(listener)
        listener.start()

    async def close(self) -> None:
        """Tell those who follow the changes, answer nobody any more, and end every connection.

        The listening sockets stay open: clients wait there for a process that takes over.
        """
        self._unsubscribe()
        for connection in tuple(self._streams):
            self._end_stream(connection, STOPPED)
        for listener in self._listeners:
            await listener.stop()

    def _respond(self, method: str, target: str) -> Response:
        response = respond(self._source, method, target)
        if response.streams and method != "HEAD":
            self._forget_gone()
            if len(self._streams) >= self._limits.streams:
                return refusal(503, "too many clients follow the changes: end one, or ask /v1/status")
        return response

    def _begin_stream(self, connection: Connection) -> None:
        self._streams.add(connection)

    def _end_stream(self, connection: Connection, last: bytes) -> None:
        self._streams.discard(connection)
        connection.finish(last)

    def _publish(self, change: Change) -> None:
        """Send one change to all who follow; who has not taken what came before is dropped."""
        data = line(change)
        self._forget_gone()
        for connection in tuple(self._streams):
            if connection.behind_bytes + len(data) > self._limits.stream_bytes:
                self._end_stream(connection, TOO_SLOW)
            else:
                connection.send_line(data)

    def _forget_gone(self) -> None:
        self._streams = {connection for connection in self._streams if not connection.is_gone}
