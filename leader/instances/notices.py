"""How does an agent hear of records the moment they are written?

Pub/Sub on a connection of its own. A notice only saves time (a lost one costs some), so nothing here
is ever an error for the voting: what fails is tried again, at a bounded pace.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping

from redis.exceptions import RedisError

from leader.instances import jobs_wire
from leader.instances.endpoint import Endpoint
from leader.instances.link import Link
from leader.instances.problems import Problem, Subject, explain_answer, is_answer, text_of
from leader.instances.resolver import Resolver
from leader.instances.subscription import Subscription, Taker
from leader.instances.wire import Caller, decode_announcement, decode_notice
from leader.protocol.calls import Announcement, Notice
from leader.protocol.runs import Run

_CONNECT_S = 5.0
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
        self._heirs_channel = caller.heirs_channel
        self._pause_s = _FIRST_PAUSE_S
        self._subscription: Subscription | None = None

    def rest(self, duration_s: float) -> None:
        """Let what is published wait for so long."""
        if self._subscription is not None:
            self._subscription.rest(duration_s)

    async def listen(
        self,
        heard: Callable[[Notice], None],
        heard_run: Callable[[Run], None],
        heard_announcement: Callable[[Announcement], None],
    ) -> None:
        """Hand over what is published, and reconnect whenever need be; ends only by cancellation."""

        def heard_record(payload: str) -> None:
            heard(decode_notice(json.loads(payload)))

        def heard_job(payload: str) -> None:
            heard_run(jobs_wire.decode_run(json.loads(payload)))

        def heard_heirs(payload: str) -> None:
            heard_announcement(decode_announcement(json.loads(payload)))

        takers = {
            self._channel: heard_record,
            self._jobs_channel: heard_job,
            self._heirs_channel: heard_heirs,
        }
        while True:
            try:
                await self._listen_once(takers)
            except (RedisError, TimeoutError) as error:
                self._note(error)
            finally:
                self._subscription = None
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    async def _listen_once(self, takers: Mapping[str, Taker]) -> None:
        """Listen on one connection, until it ends.

        Raises:
            RedisError: what ended it, or what the server refused.
            TimeoutError: there was no connection in time.
        """
        link = Link(self._endpoint, self._resolver, _CONNECT_S / 2)
        with contextlib.ExitStack() as ending:
            ending.callback(link.abort)
            async with asyncio.timeout(_CONNECT_S):
                await link.open()
                subscription = Subscription(link, takers, self._count_malformed)
                ending.callback(subscription.close)
                self._subscription = subscription
                await subscription.begun
            self.problem = None
            self._pause_s = _FIRST_PAUSE_S
            await subscription.over

    def _count_malformed(self) -> None:
        self.malformed += 1

    def _note(self, error: Exception) -> None:
        """Keep what the server refused; that it cannot be reached is told by the calls."""
        if isinstance(error, RedisError) and is_answer(error):
            found = explain_answer(self._subject, text_of(error))
            self.problem = Problem(found.kind, found.sentence, votes=True)
