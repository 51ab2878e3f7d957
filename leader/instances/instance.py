"""One instance: how are calls carried out there, within a deadline, or known not to be answered?

Sends, receives and explains; decides nothing about votes. What was asked and not answered is `Unanswered`,
never "refused" (rule R8). A hung instance delays nobody but its own callers, and those by their time-out.
"""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from importlib.resources import files
from typing import TypeVar

from redis.exceptions import NoScriptError, RedisError, ResponseError

from leader import clock
from leader.foreign import printable
from leader.instances import jobs_wire
from leader.instances.endpoint import Credentials, Endpoint
from leader.instances.link import Link
from leader.instances.notices import Listener
from leader.instances.problems import (
    Ineligible,
    Problem,
    Subject,
    Unanswered,
    explain_answer,
    explain_eligibility,
    explain_failure,
    explain_timeout,
    is_answer,
    text_of,
)
from leader.instances.registry import Texts, read_registry
from leader.instances.resolver import Resolver
from leader.instances.wire import Caller, CarriedOut, RefusedBeat, decode, encode, encode_announcement
from leader.protocol.calls import Announcement, Call, Configuration, Notice, Registration, Reply
from leader.protocol.runs import Run, TickCall, TickReply

_SCRIPTS: dict[str, str] = {}
"""The text of each script by its SHA-1, by which the servers know it."""


def _script(name: str) -> str:
    """The SHA-1 of a script beside this file, behind what all of them begin with."""
    folder = files("leader.instances")
    script = "".join(folder.joinpath(part).read_text(encoding="utf-8") for part in ("common.lua", name))
    sha = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
    _SCRIPTS[sha] = script
    return sha


_BEAT, _JOBS = _script("beat.lua"), _script("jobs.lua")

_Outcome = TypeVar("_Outcome")

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
_LONGEST_INFO, _LONGEST_VERSION = 16_384, 40
_PATIENCE_SHARE = 4
"""A resolver whose answer is known, and one address of several, get this fraction of a time-out."""


class Instance:
    """One independent server of the quorum, as one agent uses it: one connection, one call at a time.

    `server` is its software and version, empty before the first connection; `round_trip_ns` that of the last
    answered call, None before it.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        cluster: str,
        node: str,
        configuration: Configuration,
        credentials: Credentials | None = None,
    ) -> None:
        """Connects at the first call, not before.

        Raises:
            ConfigurationError: `url` is no URL of an instance.
        """
        endpoint = Endpoint.of(url, credentials or Credentials())
        self.name = name
        self.url = endpoint.url
        self.server = ""
        self.round_trip_ns: int | None = None
        self._endpoint = endpoint
        self._caller = Caller(cluster, node, endpoint.address.db, configuration)
        self._subject = Subject(
            name, endpoint.place, cluster, endpoint.credentials.username or "default", tls=endpoint.tls
        )
        self.registered = Texts()
        """What nodes have registered; the instances of one agent may share it."""
        self._resolver = Resolver(endpoint.address.host, endpoint.address.port)
        self._turn = asyncio.Lock()
        self._link: Link | None = None
        self._problem: Problem | None = None
        self._asked_at = 0
        """When the command that is under way was sent, or the last one."""
        self._clock: tuple[int, int] | None = None
        """What its wall clock showed in a quick answer, and when that was asked for, at the earliest."""
        self._listener = Listener(endpoint, self._resolver, self._subject, self._caller)

    @property
    def problem(self) -> Problem | None:
        """What was wrong at the last call, or with notices; None if nothing was."""
        return self._problem or self._listener.problem

    @property
    def malformed_notices(self) -> int:
        """How many messages on the channel were no notices."""
        return self._listener.malformed

    async def call(self, calls: Sequence[Call], *, registration: str, timeout_ns: int) -> Reply:
        """What the instance answers to these calls, sent once, connecting first if need be.

        `registration` is this node's entry in the registry: empty leaves it, `-` removes it.

        Raises:
            Unanswered: no answer within `timeout_ns`; the calls may have been carried out, or may yet be.
            Ineligible: the instance answered that it cannot vote.
        """
        keys, arguments = encode(self._caller, calls, registration)
        command = ("EVALSHA", _BEAT, str(len(keys)), *keys, *arguments)

        def read(reply: object) -> CarriedOut | RefusedBeat:
            outcome = decode(reply, calls)
            if isinstance(outcome, CarriedOut) and clock.now_ns() - self._asked_at < timeout_ns:
                self._clock = outcome.reply.wall_ms, self._asked_at
            return outcome

        outcome = await self._bounded(self._evaluated(command, read), timeout_ns)
        if isinstance(outcome, RefusedBeat):
            raise Ineligible(self._note(explain_eligibility(self._subject, outcome.eligibility)))
        self._problem = self._unpublished(outcome)
        return outcome.reply

    def wall_ms(self) -> int:
        """What its wall clock shows now, by its last quick answer to a beat; 0 if there was none for a lease.

        Within a time-out of that, or behind by it, unless the clock was set since. The two hosts' clocks may
        drift apart: after a long silence nothing is known.
        """
        if self._clock is None:
            return 0
        wall_ms, at = self._clock
        since_ms = (clock.now_ns() - at) // _NS_PER_MS
        return wall_ms + since_ms if since_ms <= self._caller.configuration.lease_ms else 0

    async def call_jobs(self, calls: Sequence[TickCall], *, timeout_ns: int) -> TickReply:
        """What the instance answers to these calls about jobs, sent once.

        Raises:
            Unanswered: no answer within `timeout_ns`; the calls may have been carried out, or may yet be.
            Ineligible: the instance answered that it cannot do that.
        """
        keys, arguments = jobs_wire.encode(self._caller, calls, self.wall_ms())
        command = ("EVALSHA", _JOBS, str(len(keys)), *keys, *arguments)
        return await self._bounded(
            self._evaluated(command, lambda reply: jobs_wire.decode(reply, calls)), timeout_ns
        )

    async def read_registry(self, *, timeout_ns: int) -> tuple[Registration, ...]:
        """Which nodes have registered here, by name; one that has left says nothing.

        Raises:
            Unanswered: no answer within `timeout_ns`.
            Ineligible: the instance refused.
        """
        return await self._bounded(
            lambda link: read_registry(link, self._caller, self.registered), timeout_ns
        )

    async def purge(self, elections: Iterable[str], timeout_ns: int) -> int:
        """How many keys of the cluster were removed: configuration, registry, jobs, these elections.

        For voters it is an instance that lost its data: it votes again after one lease.

        Raises:
            Unanswered: no answer in time; the keys may be removed all the same.
            Ineligible: the instance refused.
        """
        command = ("DEL", self._caller.jobs_key, *self._caller.keys(elections))
        return int(str(await self._bounded(lambda link: link.ask(*command), timeout_ns)))

    async def forget(self, node: str, timeout_ns: int) -> bool:
        """Drop a node's entry from the registry; False if there is none.

        Raises:
            Unanswered: no answer in time; it may be dropped all the same.
            Ineligible: the instance refused.
        """

        async def drop(link: Link) -> bool:
            await link.ask("HDEL", self._caller.about_key, node)
            return str(await link.ask("HDEL", self._caller.nodes_key, node)) == "1"

        return await self._bounded(drop, timeout_ns)

    async def announce(self, announcement: Announcement, timeout_ns: int) -> None:
        """Have all who listen here told of it.

        Raises:
            Unanswered: no answer in time; they may be told all the same.
            Ineligible: the instance refused.
        """
        text = json.dumps(encode_announcement(announcement), separators=(",", ":"))
        await self._bounded(lambda link: link.ask("PUBLISH", self._caller.heirs_channel, text), timeout_ns)

    async def listen(
        self,
        heard: Callable[[Notice], None],
        heard_run: Callable[[Run], None] = lambda _run: None,
        heard_announcement: Callable[[Announcement], None] = lambda _announcement: None,
    ) -> None:
        """Hand over all that is published, on a connection of its own, until cancelled."""
        await self._listener.listen(heard, heard_run, heard_announcement)

    def rest(self, duration_s: float) -> None:
        """Let all that is published wait for so long: whoever is in a hurry is not disturbed by it."""
        self._listener.rest(duration_s)

    async def close(self) -> None:
        """Close the connection; a call in progress ends unanswered, a later one connects anew."""
        self._drop()

    async def _bounded(self, exchange: Callable[[Link], Awaitable[_Outcome]], timeout_ns: int) -> _Outcome:
        try:
            async with asyncio.timeout(timeout_ns / _NS_PER_S):
                return await self._in_turn(exchange, timeout_ns / _NS_PER_S / _PATIENCE_SHARE)
        except TimeoutError as error:
            phase = self._link.phase if self._link else "connecting"
            problem = explain_timeout(self._subject, phase, timeout_ns // _NS_PER_MS)
            raise Unanswered(self._note(problem)) from error
        except RedisError as error:
            if is_answer(error):
                raise Ineligible(self._note(explain_answer(self._subject, text_of(error)))) from error
            raise Unanswered(self._note(explain_failure(self._subject, error))) from error
        except ValueError as error:
            raise Unanswered(self._note(explain_answer(self._subject, f"unreadable: {error}"))) from error

    async def _in_turn(self, exchange: Callable[[Link], Awaitable[_Outcome]], patience_s: float) -> _Outcome:
        """One exchange at a time; the connection outlives none that failed, nor an instance that cannot vote.

        Its name may mean another server by the next call.
        """
        async with self._turn:
            is_good = False
            try:
                link = await self._connected(patience_s)
                outcome = await exchange(link)
                is_good = not isinstance(outcome, RefusedBeat)
                return outcome
            finally:
                if not is_good:
                    self._drop()

    def _evaluated(
        self, command: tuple[str, ...], read: Callable[[object], _Outcome]
    ) -> Callable[[Link], Awaitable[_Outcome]]:
        """The exchange that has a script carried out, and reads its reply."""

        async def exchange(link: Link) -> _Outcome:
            return read(await self._evaluate(link, command))

        return exchange

    async def _evaluate(self, link: Link, command: tuple[str, ...]) -> object:
        try:
            return await self._timed(link, command)
        except NoScriptError:
            # the server was restarted or its scripts flushed: nothing was executed, so it is no second call
            await link.ask("SCRIPT", "LOAD", _SCRIPTS[command[1]])
            return await self._timed(link, command)

    async def _timed(self, link: Link, command: tuple[str, ...]) -> object:
        self._asked_at = clock.now_ns()
        reply: object = await link.ask(*command)
        self.round_trip_ns = clock.now_ns() - self._asked_at
        return reply

    async def _connected(self, patience_s: float) -> Link:
        link = self._link
        if link is not None and link.is_connected and not await link.can_read():
            return link
        self._drop()
        self._link = link = Link(self._endpoint, self._resolver, patience_s)
        await link.open()
        await self._introduce(link)
        return link

    async def _introduce(self, link: Link) -> None:
        """Give the connection a name, which may be refused, and learn the server's."""
        await link.send_command("CLIENT", "SETNAME", f"leader-{self._caller.node}")
        await link.send_command("INFO", "server")
        with contextlib.suppress(ResponseError):
            await link.read_response()
        self.server = _server_name(str(await link.read_response()))

    def _drop(self) -> None:
        if self._link is not None:
            self._link.abort()

    def _note(self, problem: Problem) -> Problem:
        self._problem = problem
        return problem

    def _unpublished(self, outcome: CarriedOut) -> Problem | None:
        if not outcome.unpublished:
            return None
        found = explain_answer(self._subject, f"LEADERCOMMAND PUBLISH {outcome.unpublished}")
        return Problem(found.kind, found.sentence, votes=True)


def _server_name(info: str) -> str:
    """Such as `Valkey 9.1.2`; Valkey says a Redis version too, the one it is compatible with."""
    fields = dict(line.split(":", 1) for line in info[:_LONGEST_INFO].splitlines() if ":" in line)
    name, version = "Valkey", fields.get("valkey_version")
    if version is None:
        name, version = "Redis", fields.get("redis_version", "")
    return f"{name} {printable(version, _LONGEST_VERSION)}".rstrip()
