"""Which connections there are on one listening socket: how many, how long idle, who has to make room.

When there is no room, clients wait in the kernel's backlog instead of being turned away. Knows nothing
of HTTP.
"""

import asyncio
import socket
from collections.abc import Callable

from leader.api import plain
from leader.api.connection import Connection
from leader.api.limits import Limits
from leader.api.message import Request, Response
from leader.api.source import Leave
from leader.api.source import Listener as EventListener
from leader.api.streams import Streams

RETRY_S = 0.1
"""How long to wait when the system has no descriptor or memory for one more connection."""

LAST_QUESTION_S = 0.5
"""How long clients have, at the end, to ask what they came for: nobody is turned away by a reload."""

FAREWELL_S = 1.0
"""How long clients have, at the end, to take what was written to them."""


class Listener:
    """Accepts connections and keeps them within the limits."""

    def __init__(
        self,
        listening: socket.socket,
        respond: Callable[[Request], Response],
        streams: Streams,
        limits: Limits,
    ) -> None:
        self.limits = limits
        self.respond = respond
        self._streams = streams
        self._listening = listening
        self._loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._idle: dict[Connection, float] = {}
        self._waiting: set[Connection] = set()
        self._arriving: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._accepts = False
        self._stopped = False

    def start(self) -> None:
        """Begin to accept; the socket must listen already, and stays the caller's to close."""
        self._listening.settimeout(0)
        self._accept_again()

    async def stop(self) -> None:
        """Accept no more, and end what there is; the socket still listens, for a successor."""
        self._stopped = True
        self._pause()
        if self._timer is not None:
            self._timer.cancel()
        for connection in tuple(self._connections):
            connection.retire()
        await self._emptied(LAST_QUESTION_S)
        for connection in tuple(self._connections):
            connection.close()
        await self._emptied(FAREWELL_S)
        for connection in tuple(self._connections):
            connection.abort()

    async def _emptied(self, within_s: float) -> None:
        """Return when every connection has ended, or the time is over."""
        deadline = self._loop.time() + within_s
        while (self._connections or self._arriving) and self._loop.time() < deadline:  # noqa: ASYNC110 - once
            await asyncio.sleep(within_s / 100)

    def opened(self, connection: Connection) -> None:
        """A connection stands; its patience begins."""
        self._connections.add(connection)
        if self._stopped:
            connection.retire()
            return
        self.answered(connection)

    def answered(self, connection: Connection) -> None:
        """A connection is idle from now on: it moves to the end of the queue of those that must go."""
        self._waiting.discard(connection)
        self._idle.pop(connection, None)
        self._idle[connection] = self._loop.time()
        if self._timer is None:
            self._sweep()

    def may_defer(self, connection: Connection) -> bool:
        """Whether one more may wait for its answer: then it is not idle meanwhile, and the rest has room."""
        if len(self._waiting) >= self.limits.waiting:
            return False
        self._waiting.add(connection)
        self._idle.pop(connection, None)
        return True

    def streaming(self, connection: Connection, joins: Callable[[EventListener], Leave]) -> None:
        """A connection whose answer goes on is never idle."""
        self._idle.pop(connection, None)
        self._streams.begin(connection, joins)

    def closed(self, connection: Connection) -> None:
        """A connection is gone: there is room, and what it had joined is left."""
        self._streams.forget(connection)
        self._connections.discard(connection)
        self._waiting.discard(connection)
        self._idle.pop(connection, None)
        self._accept_again()

    @property
    def _full(self) -> bool:
        return len(self._connections) + len(self._arriving) >= self.limits.connections

    def _accept_again(self) -> None:
        if not self._accepts and not self._stopped and not self._full:
            self._accepts = True
            self._loop.add_reader(self._listening, self._accept)

    def _pause(self) -> None:
        if self._accepts:
            self._accepts = False
            self._loop.remove_reader(self._listening)

    def _accept(self) -> None:
        """Take some of those that wait, so that the rest of the agent has its turn in between."""
        for _ in range(self.limits.accepts):
            if self._full:
                self._pause()
                self._sweep()
                return
            try:
                client, _address = self._listening.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError:
                self._pause()
                self._loop.call_later(RETRY_S, self._accept_again)
                return
            if not self._answered_at_once(client):
                self._welcome(client)

    def _answered_at_once(self, client: socket.socket) -> bool:
        """Whether a client came with a plain question, as probes do, and is answered and gone.

        That takes half the time of a connection on the event loop; what is only looked at is left for one.
        """
        try:
            question = plain.read(client.recv(plain.LONGEST, socket.MSG_PEEK | socket.MSG_DONTWAIT))
            if question is None or not question.closes:
                return False
            client.recv(plain.LONGEST)  # closed with something unread, the connection would be reset
            client.send(plain.write(question, self.respond(Request(question.method, question.target))))
        except BlockingIOError:
            return False
        except OSError:
            pass  # it is gone already
        client.close()
        return True

    def _welcome(self, client: socket.socket) -> None:
        task = self._loop.create_task(self._attach(client))
        self._arriving.add(task)
        task.add_done_callback(self._arrived)

    async def _attach(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: Connection(self), client)
        except OSError:
            client.close()

    def _arrived(self, task: asyncio.Task[None]) -> None:
        self._arriving.discard(task)
        self._accept_again()

    def _sweep(self) -> None:
        """Cut off those that have been idle too long, and come back when the next one will have been."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._loop.time()
        patience = (self.limits.pressed_ms if self._full else self.limits.idle_ms) / 1000
        for connection, since in tuple(self._idle.items()):
            if since + patience > now:
                self._timer = self._loop.call_later(since + patience - now, self._sweep)
                return
            del self._idle[connection]
            connection.abort()
