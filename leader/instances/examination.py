"""What does one instance say about itself, asked for a little while without changing anything there?

Looks longer and at more than an agent's beat does, and judges nothing: what is gathered are plain values.
It talks to the instance as the same user, from the same place, with the same script as an agent.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from redis.exceptions import RedisError, ResponseError

from leader import clock
from leader.foreign import printable
from leader.instances.answers import Kind
from leader.instances.endpoint import Credentials, Endpoint
from leader.instances.instance import Instance
from leader.instances.link import Link
from leader.instances.problems import Ineligible, Problem, Subject, Unanswered, explain_answer, text_of
from leader.instances.registry import read_index
from leader.instances.resolver import Resolver
from leader.instances.rights import Missing, missing_rights
from leader.instances.shapes import texts, whole
from leader.instances.wire import Caller
from leader.protocol.calls import Configuration, Registration

NOTHING_MISSING = Missing()

_NS_PER_S = 1_000_000_000
_WATCHED_LEASES = 1.25 / 3
"""A little more than one beat of an agent: each has registered meanwhile, two of one name in turn."""
_LONGEST_LINE = 200
_BEATS = 10
_GLANCES = 40
"""Two agents of one name are found unless one registers just after the other, by a thirtieth of a beat."""
_PATIENCE_SHARE = 4
_REFUSALS_OF_WRITES = {Kind.OUT_OF_MEMORY, Kind.CANNOT_SAVE, Kind.TOO_FEW_REPLICAS, Kind.REPLICA}


@dataclass(frozen=True, slots=True)
class ClockSample:
    """How far an instance's wall clock is ahead of ours, within `give_or_take_ms`."""

    ahead_ms: int
    give_or_take_ms: int


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found at one instance; with a `problem` it gives no vote, and little else is known.

    `connect_ns` is what a new connection took up to its first answer, `beats_ns` each beat after that.
    `glances` are the registry as it stood from one moment to the next. `certificate_ends_ms` is UTC.
    """

    name: str
    url: str
    user: str
    problem: Problem | None = None
    server: str = ""
    process: str = ""
    configuration: Configuration | None = None
    configured_by: str = ""
    info: Mapping[str, str] = field(default_factory=dict)
    missing: Missing = NOTHING_MISSING
    connect_ns: int = 0
    beats_ns: tuple[int, ...] = ()
    clocks: tuple[ClockSample, ...] = ()
    glances: tuple[tuple[Registration, ...], ...] = ()
    certificate_ends_ms: int | None = None


class Examiner:
    """Examines one instance of a quorum."""

    def __init__(
        self, name: str, url: str, *, caller: Caller, credentials: Credentials, elections: Sequence[str]
    ) -> None:
        """Connects at `examine`, not before.

        Raises:
            ConfigurationError: `url` is no URL of an instance.
        """
        self._instance = Instance(
            name,
            url,
            cluster=caller.cluster,
            node=caller.node,
            configuration=caller.configuration,
            credentials=credentials,
        )
        self._endpoint = Endpoint.of(url, credentials)
        self._resolver = Resolver(self._endpoint.address.host, self._endpoint.address.port)
        self._caller = caller
        self._elections = list(elections)
        self._timeout_ns = _NS_PER_S
        self._watch_s = caller.configuration.lease_ms / 1000 * _WATCHED_LEASES
        user = self._endpoint.credentials.username or "default"
        self._subject = Subject(name, self._endpoint.place, caller.cluster, user, tls=self._endpoint.tls)
        self._found = Examined(name, self._instance.url, user)

    async def examine(self, timeout_ns: int) -> Examined:
        """All that can be found out; each question is waited for as long as `timeout_ns`."""
        self._timeout_ns = timeout_ns
        try:
            await self._first_beat()
        except Unanswered as error:
            return replace(self._found, problem=error.problem)
        except Ineligible as error:
            self._found = replace(self._found, problem=error.problem)
        self._found = replace(self._found, server=self._instance.server)
        await self._beside(self._ask_info)
        await self._beside(self._ask_rights)
        await self._watch()
        await self._instance.close()
        return self._found

    async def _first_beat(self) -> None:
        before = clock.now_ns()
        await self._beat()
        self._found = replace(self._found, connect_ns=clock.now_ns() - before, beats_ns=())

    async def _beat(self) -> None:
        """A beat without calls and registration: it writes nothing."""
        timeout_ns, before_ms = self._timeout_ns, clock.wall_ms()
        reply = await self._instance.call([], registration="", timeout_ns=timeout_ns)
        after_ms = clock.wall_ms()
        away_ms = abs(after_ms - before_ms)
        sample = ClockSample(reply.wall_ms - (before_ms + after_ms) // 2, away_ms // 2 + 1)
        self._found = replace(
            self._found,
            process=reply.process,
            configuration=reply.configuration,
            configured_by=reply.configured_by,
            beats_ns=(*self._found.beats_ns, self._instance.round_trip_ns or 0),
            clocks=(*self._found.clocks, sample),
        )

    async def _ask_info(self, link: Link) -> None:
        """All that INFO tells, and when the certificate ends."""
        if link.certificate_ends:
            ends_ms = int(ssl.cert_time_to_seconds(link.certificate_ends) * 1000)
            self._found = replace(self._found, certificate_ends_ms=ends_ms)
        lines = [printable(line, _LONGEST_LINE) for line in str(await link.ask("INFO")).splitlines()]
        info = dict(line.split(":", 1) for line in lines if ":" in line)
        self._found = replace(self._found, info=info)

    async def _ask_rights(self, link: Link) -> None:
        """What the user lacks, whether writes are refused, and whether others write under leader's keys."""
        await self._try_to_write(link)
        await self._look_for_strangers(link)
        missing = await missing_rights(link, self._caller, self._elections)
        self._found = replace(self._found, missing=missing)

    async def _try_to_write(self, link: Link) -> None:
        """A server says that it is full, or cannot save, before it looks at the arguments."""
        try:
            await link.ask("HSET", self._caller.jobs_key, "field", "value", "odd")
        except ResponseError as error:
            self._notice(text_of(error), _REFUSALS_OF_WRITES)

    async def _look_for_strangers(self, link: Link) -> None:
        """What is no hash under one of leader's keys was written by another program."""
        for key in [*self._caller.keys(self._elections), self._caller.jobs_key]:
            try:
                await link.ask("HMGET", key, "format")
            except ResponseError as error:
                if "WRONGTYPE" in text_of(error):
                    self._notice(f"LEADERKEY wrongtype {key}", {Kind.KEY})

    def _notice(self, text: str, kinds: set[Kind]) -> None:
        """Keep what this error means as the problem, if it is of these kinds and the first."""
        problem = explain_answer(self._subject, text)
        if problem.kind in kinds and self._found.problem is None:
            self._found = replace(self._found, problem=problem)

    async def _beside(self, ask: Callable[[Link], Awaitable[None]], more_s: float = 0) -> None:
        """Ask on another connection; what does not work there is not found out, nor if there is none."""
        link = Link(self._endpoint, self._resolver, self._timeout_ns / _NS_PER_S / _PATIENCE_SHARE)
        try:
            async with asyncio.timeout(self._timeout_ns / _NS_PER_S + more_s):
                await link.open()
                await ask(link)
        except (RedisError, OSError, ValueError):  # a TimeoutError is one; the beat tells what is wrong
            pass
        finally:
            link.abort()

    async def _watch(self) -> None:
        """For a little longer than an agent's beat: some more beats, and glances at the registry."""
        if self._found.problem:
            return
        watching = asyncio.create_task(self._beside(self._glance, self._watch_s))
        try:
            for _ in range(_BEATS):
                await self._beat()
                await asyncio.sleep(self._watch_s / _BEATS)
        except (Unanswered, Ineligible) as error:
            self._found = replace(self._found, problem=error.problem)
        await watching

    async def _glance(self, link: Link) -> None:
        """The registry from moment to moment; not as an agent reads it, who removes old entries."""
        for _ in range(_GLANCES):
            seconds, micros = texts(await link.ask("TIME"))
            words = texts(await link.ask("HGETALL", self._caller.nodes_key))
            about = texts(await link.ask("HGETALL", self._caller.about_key))
            index = read_index(words, whole(seconds) * 1000 + whole(micros) // 1000)
            said = dict(zip(about[::2], about[1::2], strict=True))
            glance = tuple(
                Registration(node, age_ms, said[node])
                for node, age_ms, stamp in sorted(index.entries)
                if stamp and node in said
            )
            self._found = replace(self._found, glances=(*self._found.glances, glance))
            await asyncio.sleep(self._watch_s / _GLANCES)
