"""How does an agent hear of records the moment they are written?

Pub/Sub on a connection of its own. A notice only saves time (a lost one costs some), so nothing here
is ever an error for the voting: what fails is tried again, at a bounded pace.
"""

import asyncio
import json
from collections.abc import Callable

from redis.exceptions import RedisError, ResponseError

from leader.instances.endpoint import Endpoint
from leader.instances.link import Link
from leader.instances.problems import Problem, Subject, explain_answer, is_answer, text_of
from leader.instances.resolver import Resolver
from leader.instances.wire import decode_notice
from leader.protocol.calls import Notice

_CONNECT_S = 5.0
_QUIET_S = 15.0
"""After so long without a message the connection is probed; after twice as long it is given up."""
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class Listener:
    """The subscription to one instance's channel; `malformed` counts what arrived there and was no notice."""

    def __init__(self, endpoint: Endpoint, resolver: Resolver, subject: Subject, channel: str) -> None:
        self.malformed = 0
        self.problem: Problem | None = None
        self._endpoint = endpoint
        self._resolver = resolver
        self._subject = subject
        self._channel = channel
        self._pause_s = _FIRST_PAUSE_S

    async def listen(self, heard: Callable[[Notice], None]) -> None:
        """Hand each notice over, and reconnect whenever need be; ends only by cancellation."""
        while True:
            link = Link(self._endpoint, self._resolver, _CONNECT_S / 2)
            try:
                await self._subscribe(link)
                await self._read(link, heard)
            except (RedisError, TimeoutError) as error:
                self._note(error)
            finally:
                link.abort()
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    async def _subscribe(self, link: Link) -> None:
        async with asyncio.timeout(_CONNECT_S):
            await link.open()
            await link.ask("SUBSCRIBE", self._channel)
        self.problem = None
        self._pause_s = _FIRST_PAUSE_S

    async def _read(self, link: Link, heard: Callable[[Notice], None]) -> None:
        is_probed = False
        while True:
            message: object = None
            try:
                message = await link.read_response(timeout=_QUIET_S)
            except ResponseError:
                message = []  # to the probe: a refusal is a sign of life too
            if message is None and is_probed:
                return
            if message is None:
                await link.send_command("PING")
            is_probed = message is None
            self._take(message, heard)

    def _take(self, message: object, heard: Callable[[Notice], None]) -> None:
        match message:
            case ["message", _, str(payload)]:
                notice = self._parse(payload)
                if notice is not None:
                    heard(notice)

    def _parse(self, payload: str) -> Notice | None:
        try:
            return decode_notice(json.loads(payload))
        except (ValueError, RecursionError):
            self.malformed += 1
            return None

    def _note(self, error: Exception) -> None:
        """Keep what the server refused; that it cannot be reached is told by the calls."""
        if isinstance(error, RedisError) and is_answer(error):
            found = explain_answer(self._subject, text_of(error))
            self.problem = Problem(found.kind, found.sentence, votes=True)
