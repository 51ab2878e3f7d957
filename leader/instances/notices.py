"""How does an agent hear of records the moment they are written?

Pub/Sub on a connection of its own. A notice only saves time (a lost one costs some), so nothing here
is ever an error for the voting: what fails is tried again, at a bounded pace.
"""

import asyncio
import json
from collections.abc import Callable, Mapping

from redis.exceptions import RedisError, ResponseError

from leader.instances import jobs_wire
from leader.instances.endpoint import Endpoint
from leader.instances.link import Link
from leader.instances.problems import Problem, Subject, explain_answer, is_answer, text_of
from leader.instances.resolver import Resolver
from leader.instances.wire import Caller, decode_notice
from leader.protocol.calls import Notice
from leader.protocol.runs import Run

Taker = Callable[[str], None]
"""Takes in what was published; a ValueError says that it is nothing that this version understands."""

_CONNECT_S = 5.0
_QUIET_S = 15.0
"""After so long without a message the connection is probed; after twice as long it is given up."""
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class Listener:
    """The subscription to one instance's channel; `malformed` counts what arrived there and was no notice."""

    def __init__(self, endpoint: Endpoint, resolver: Resolver, subject: Subject, caller: Caller) -> None:
        self.malformed = 0
        self.problem: Problem | None = None
        self._endpoint = endpoint
        self._resolver = resolver
        self._subject = subject
        self._channel, self._jobs_channel = caller.channel, caller.jobs_channel
        self._pause_s = _FIRST_PAUSE_S

    async def listen(self, heard: Callable[[Notice], None], heard_run: Callable[[Run], None]) -> None:
        """Hand each record and each run over, and reconnect whenever need be; ends only by cancellation."""

        def heard_record(payload: str) -> None:
            heard(decode_notice(json.loads(payload)))

        def heard_job(payload: str) -> None:
            heard_run(jobs_wire.decode_run(json.loads(payload)))

        while True:
            link = Link(self._endpoint, self._resolver, _CONNECT_S / 2)
            try:
                await self._subscribe(link)
                await self._read(link, {self._channel: heard_record, self._jobs_channel: heard_job})
            except (RedisError, TimeoutError) as error:
                self._note(error)
            finally:
                link.abort()
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    async def _subscribe(self, link: Link) -> None:
        async with asyncio.timeout(_CONNECT_S):
            await link.open()
            await link.ask("SUBSCRIBE", self._channel, self._jobs_channel)
        self.problem = None
        self._pause_s = _FIRST_PAUSE_S

    async def _read(self, link: Link, takers: Mapping[str, Taker]) -> None:
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
            self._take(message, takers)

    def _take(self, message: object, takers: Mapping[str, Taker]) -> None:
        match message:
            case ["message", str(channel), str(payload)] if channel in takers:
                try:
                    takers[channel](payload)
                except (ValueError, RecursionError):
                    self.malformed += 1

    def _note(self, error: Exception) -> None:
        """Keep what the server refused; that it cannot be reached is told by the calls."""
        if isinstance(error, RedisError) and is_answer(error):
            found = explain_answer(self._subject, text_of(error))
            self.problem = Problem(found.kind, found.sentence, votes=True)
