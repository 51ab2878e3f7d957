"""What is said on one connection that listens: each message is handed over as it arrives, by no task.

After a release every agent hears from every instance at once, so what one message costs is what a hand-over
among many candidates costs. redis-py has opened the connection and logged in; hiredis parses.
"""

import asyncio
from collections.abc import Callable, Mapping

from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import InvalidResponse, RedisError

from leader import clock
from leader.instances.bounded import LARGEST_MESSAGE, NOT_ENOUGH, BoundedReader
from leader.instances.link import Link

Taker = Callable[[str], None]
"""Takes in what was published; a ValueError says that it is nothing that this version understands."""

_QUIET_S = 15.0
"""After so long without a message the connection is probed; after twice as long it is given up."""

_TURN_NS = 5_000_000
_REST_S = 0.005
"""So long messages are handed over before everything else has its turn, and how long a turn that is: a server
that publishes without end takes half of the agent's time at most, and delays nothing by more than a turn."""


class Subscription(asyncio.Protocol):
    """A connection that does nothing but listen; `takers` has a function for each channel.

    `begun` is done once the server has taken the subscription, `over` when the connection is good for nothing
    any more; either may raise the RedisError that says why. `malformed` is called for what no taker
    understands.
    """

    def __init__(self, link: Link, takers: Mapping[str, Taker], malformed: Callable[[], None]) -> None:
        """The connection is open, and no longer anybody else's."""
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()
        self._takers = takers
        self._malformed = malformed
        self._reader = BoundedReader(link.parse_error, LARGEST_MESSAGE)
        self._heard = False
        self._is_probed = False
        self._rest: asyncio.TimerHandle | None = None
        self._transport, self._write = link.hand_over_to(self)
        self._write("SUBSCRIBE", *takers)
        self._timer = loop.call_later(_QUIET_S, self._look)

    def close(self) -> None:
        """Look at it no more; whoever waits for its beginning or end waits no more."""
        self._timer.cancel()
        if self._rest is not None:
            self._rest.cancel()
        self.begun.cancel()
        self.over.cancel()

    def data_received(self, data: bytes) -> None:
        """Hand over the messages that are complete."""
        self._heard = True
        try:
            self._reader.feed(data)
            if self._rest is None:
                self._take_some()
        except InvalidResponse as error:
            self._end(error)

    def _take_some(self) -> None:
        """Hand over what is complete for one turn; the rest waits, and the server with it.

        Raises:
            InvalidResponse: this is not the Redis protocol.
        """
        until = clock.now_ns() + _TURN_NS
        while (message := self._reader.gets()) is not NOT_ENOUGH:
            self._take(message)
            if clock.now_ns() > until:
                self.rest(_REST_S)
                return

    def rest(self, duration_s: float) -> None:
        """Let what arrives wait for so long; what has arrived is handed over all the same."""
        if self._rest is None:
            self._transport.pause_reading()
            self._rest = asyncio.get_running_loop().call_later(duration_s, self._go_on)

    def _go_on(self) -> None:
        self._rest = None
        self._transport.resume_reading()
        try:
            self._take_some()
        except InvalidResponse as error:
            self._end(error)

    def connection_lost(self, error: Exception | None) -> None:
        """The server is gone, or has closed the connection."""
        self._end(ConnectionLost(str(error or "closed")))

    def _take(self, message: object) -> None:
        match message:
            case ["message", str(channel), str(payload)] if channel in self._takers:
                try:
                    self._takers[channel](payload)
                except (ValueError, RecursionError):
                    self._malformed()
            case ["subscribe", *_] if not self.begun.done():
                self.begun.set_result(None)
            case RedisError() if not self.begun.done():
                self._end(message)

    def _end(self, error: RedisError) -> None:
        if not self.begun.done():
            self.begun.set_exception(error)
        elif not self.over.done():
            self.over.set_exception(error)

    def _look(self) -> None:
        """Probe a connection on which nothing is heard; any answer is a sign of life, a refusal too."""
        if not self._heard and self._is_probed:
            self._end(ConnectionLost("silent"))
            return
        self._is_probed = not self._heard
        if self._is_probed:
            self._write("PING")
        self._heard = False
        self._timer = asyncio.get_running_loop().call_later(_QUIET_S, self._look)
