"""The server on a real socket: HTTP as clients speak it, and clients that do not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import h11
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leader.api.limits import Limits
from leader.api.server import Server, bind_socket
from tests.unit.api.handmade import HandmadeSource, serving
from tests.unit.api.talking import PATIENCE_S, connected, get, request, talk

CLOSE = "Connection: close\r\n"


async def test_one_connection_carries_many_requests(path: Path) -> None:
    """Keep-alive is the rule of HTTP/1.1; requests sent ahead are answered in order."""
    async with serving(path):
        three = request("/leader") + request("/livez") + request("/v1/elections/nope", headers=CLOSE)
        answers = await talk(path, three)
    statuses = [line for line in answers.splitlines() if line.startswith(b"HTTP/1.1")]
    assert statuses == [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not Found"]


async def test_a_flood_of_requests_on_one_connection_is_all_answered_but_not_at_once(path: Path) -> None:
    """Another client has its turn in between: it is answered long before the flood is."""
    async with serving(path):
        flood = asyncio.ensure_future(talk(path, request("/livez") * 5000 + request("/livez", headers=CLOSE)))
        assert (await get(path, "/leader")).startswith(b"HTTP/1.1 200 OK")
        assert not flood.done()
        assert (await flood).count(b"HTTP/1.1 200 OK") == 5001


async def test_head_has_the_headers_and_no_body(path: Path) -> None:
    """Its length is that of the body which GET has."""
    async with serving(path):
        head, whole = await get(path, "/leader", "HEAD"), await get(path, "/leader")
    assert whole.startswith(head)
    assert head.endswith(b"\r\n\r\n")
    assert b"Leader-Remaining-Ms: 8000" in head


async def test_http_1_0_is_answered_and_closed(path: Path) -> None:
    """Load balancers still speak it."""
    async with serving(path):
        answer = await talk(path, b"OPTIONS /leader HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_client_that_closes_its_side_first_is_still_answered(path: Path) -> None:
    """As `nc -N` does."""
    async with asyncio.timeout(PATIENCE_S), serving(path), connected(path) as (reader, writer):
        writer.write(request("/leader"))
        writer.write_eof()
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")


async def test_a_request_in_pieces_is_a_request(path: Path) -> None:
    """Bytes come as they like."""
    async with asyncio.timeout(PATIENCE_S), serving(path), connected(path) as (reader, writer):
        for byte in request("/leader", headers=CLOSE):
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET /leader HTTP/1.1\r\n\r\n", 400),
        (b"GET /leader HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /leader HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
        (b"POST /leader HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (request("/leader", headers=f"X: {'x' * 20_000}\r\n"), 431),
        (request("/leader", headers="X: y\r\n" * 5_000), 431),
        (request("/" + "x" * 20_000), 431),
        (request("/leader", "POST", "Content-Length: 20000\r\n") + b"x" * 20_000, 413),
        (request("/leader", "POST", "Content-Length: 99999999999\r\n") + b"x" * 900_000, 413),
        (request("/leader", "HEAD", "Content-Length: 20000\r\n") + b"x" * 20_000, 413),
        (request("/leader", "POST", f"Content-Length: 2\r\n{CLOSE}") + b"{}", 405),
        (request("/leader", "POST", f"Expect: 100-continue\r\nContent-Length: 2\r\n{CLOSE}") + b"{}", 100),
        (request("/leader", "CONNECT", CLOSE), 405),
        (request("/leader", "GET", f"Upgrade: websocket\r\n{CLOSE}"), 200),
    ],
)
async def test_what_is_no_request_is_told_so_and_ended(path: Path, sent: bytes, status: int) -> None:
    """One sentence in JSON, the connection closed, and the next client unharmed."""
    async with serving(path):
        answer = await talk(path, sent)
        assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
        assert b"Traceback" not in answer
        assert (await get(path, "/leader")).startswith(b"HTTP/1.1 200 OK")


async def test_a_client_that_goes_on_sending_after_a_refusal_is_cut_off(path: Path) -> None:
    """What nobody reads any more is bounded too."""
    limits = Limits(discard_bytes=100_000)
    async with asyncio.timeout(PATIENCE_S), serving(path, limits=limits), connected(path) as (_, writer):
        writer.write(b"hello\r\n\r\n")
        with pytest.raises(ConnectionError):
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()


@given(
    sent=st.lists(
        st.binary(max_size=300) | st.sampled_from([b"\r\n", b"GET ", b"/leader", request("/leader")])
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_stop_the_next_client(path: Path, sent: list[bytes]) -> None:
    """Whatever comes in, in whatever pieces: it is answered as HTTP or not at all, and the server goes on."""

    async def scene() -> None:
        received = b""
        async with asyncio.timeout(PATIENCE_S), serving(path):
            async with connected(path) as (reader, writer):
                with suppress(ConnectionError):
                    for piece in sent:
                        writer.write(piece)
                        await asyncio.sleep(0)
                    writer.write_eof()
                    received = await reader.read()
            assert not received or received.startswith(b"HTTP/1.1 ")
            assert (await get(path, "/leader")).startswith(b"HTTP/1.1 200 OK")

    asyncio.run(scene())


async def test_a_silent_connection_is_closed_in_time(path: Path) -> None:
    """It does not keep a place for ever."""
    limits = Limits(idle_ms=100)
    async with asyncio.timeout(PATIENCE_S), serving(path, limits=limits), connected(path) as (reader, _):
        assert await reader.read() == b""


async def test_a_slow_sender_is_closed_in_time(path: Path) -> None:
    """What counts is the last whole request, not the last byte."""
    limits = Limits(idle_ms=100)
    async with asyncio.timeout(PATIENCE_S), serving(path, limits=limits), connected(path) as (reader, writer):
        while not reader.at_eof():
            writer.write(b"G")
            with suppress(TimeoutError, ConnectionError):
                await asyncio.wait_for(reader.read(1), 0.01)


async def test_when_there_is_no_room_clients_wait_and_the_longest_idle_make_room(path: Path) -> None:
    """Nobody is turned away: with room for four, twenty idle ones and forty that ask are all served."""
    limits = Limits(connections=4, pressed_ms=20)
    async with asyncio.timeout(PATIENCE_S), serving(path, limits=limits), AsyncExitStack() as idle:
        for _ in range(20):
            await idle.enter_async_context(connected(path))
        answers = await asyncio.gather(*(get(path, "/leader") for _ in range(40)))
        assert all(answer.startswith(b"HTTP/1.1 200 OK") for answer in answers)


async def test_a_client_that_never_reads_its_answers_is_cut_off_in_time(path: Path) -> None:
    """Its requests stay where they are until it takes the answers; others are served meanwhile."""
    limits = Limits(idle_ms=300, stream_bytes=4096)
    async with asyncio.timeout(PATIENCE_S), serving(path, limits=limits), connected(path) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(request("/v1/status") * 20_000)
        while not writer.transport.is_closing():
            assert (await get(path, "/leader")).startswith(b"HTTP/1.1 200 OK")


class Follower:
    """A client that follows the changes."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.reader = reader
        self.http = h11.Connection(h11.CLIENT)
        self.text = b""

    async def next(self) -> dict[str, Any]:
        """The next line; at the end of the answer, an event called `end`."""
        while b"\n" not in self.text:
            match self.http.next_event():
                case h11.NEED_DATA:
                    self.http.receive_data(await self.reader.read(65536))
                case h11.Data(data=data):
                    self.text += data
                case h11.EndOfMessage() | h11.ConnectionClosed():
                    return {"event": "end"}
        line, _, self.text = self.text.partition(b"\n")
        event: dict[str, Any] = json.loads(line)
        return event


@asynccontextmanager
async def following(path: Path, target: str = "/v1/events") -> AsyncIterator[Follower]:
    """A client that has begun to follow the changes, or another stream."""
    async with connected(path) as (reader, writer):
        follower = Follower(reader)
        head = follower.http.send(h11.Request(method="GET", target=target, headers=[("Host", "leader")]))
        follower.http.send(h11.EndOfMessage())
        assert head is not None
        writer.write(head)
        yield follower


async def test_events_are_a_snapshot_then_each_change(path: Path) -> None:
    """Every follower gets them all, in order."""
    source = HandmadeSource()
    async with asyncio.timeout(PATIENCE_S), serving(path, source), AsyncExitStack() as stack:
        followers = [await stack.enter_async_context(following(path)) for _ in range(3)]
        for follower in followers:
            first = await follower.next()
            assert (first["event"], first["status"]["node"]) == ("snapshot", "web-1")
        for term in (1, 2):
            source.publish({"event": "gained", "election": "default", "term": term})
        for follower in followers:
            assert [(await follower.next())["term"] for _ in range(2)] == [1, 2]


async def test_followers_are_told_that_the_server_ends(path: Path) -> None:
    """The answer is whole, so that it cannot be taken for a lost connection."""
    source = HandmadeSource()
    async with asyncio.timeout(PATIENCE_S), AsyncExitStack() as stack:
        async with serving(path, source):
            follower = await stack.enter_async_context(following(path))
            await follower.next()
        assert [(await follower.next())["event"] for _ in range(2)] == ["ended", "end"]
    assert not source.listeners


async def test_a_follower_that_does_not_read_is_dropped_with_a_word(path: Path) -> None:
    """The agent keeps a bounded amount for it; a good follower beside it misses nothing."""
    source, limits = HandmadeSource(), Limits(stream_bytes=50_000)
    async with asyncio.timeout(PATIENCE_S), serving(path, source, limits), following(path) as slow:
        assert (await slow.next())["event"] == "snapshot"
        async with following(path) as good:
            await good.next()
            for number in range(300):
                source.publish({"event": "gained", "number": number, "filler": "x" * 5_000})
                assert (await good.next())["number"] == number
        events = [await slow.next()]
        while events[-1]["event"] != "end":
            events.append(await slow.next())
        assert len(events) < 200
        assert events[-2]["event"] == "dropped"


async def test_followers_are_bounded_and_one_that_left_makes_room(path: Path) -> None:
    """One too many is told so; it is not an answer about leadership."""
    limits = Limits(streams=1)
    async with asyncio.timeout(PATIENCE_S), serving(path, limits=limits):
        async with following(path) as first:
            await first.next()
            refused = await get(path, "/v1/events")
            assert refused.startswith(b"HTTP/1.1 503")
            assert b"Leader-" not in refused
        accepted = False
        while not accepted:
            async with following(path) as second:
                accepted = (await second.next()).get("event") == "snapshot"


async def test_a_guard_is_told_when_its_jobs_must_end_and_leaves_with_its_connection(path: Path) -> None:
    """`leader run` holds one open; that it is gone is seen at once."""
    source = HandmadeSource()
    async with asyncio.timeout(PATIENCE_S), serving(path, source):
        async with following(path, "/v1/elections/reports/guard") as guard:
            assert await guard.next() == {
                "event": "guarding",
                "cluster": "prod",
                "node": "web-1",
                "lease_ms": 10_000,
            }
            (listener,) = source.guards["reports"]
            listener({"event": "ends", "term": 7})
            assert await guard.next() == {"event": "ends", "term": 7}
        while source.guards["reports"]:  # noqa: ASYNC110 - the server hears of it at once, but not in this turn
            await asyncio.sleep(0)
        assert (await get(path, "/v1/elections/nope/guard")).startswith(b"HTTP/1.1 404")


async def test_head_of_the_events_ends_at_once(path: Path) -> None:
    """A check does not become a follower."""
    async with serving(path):
        assert (await get(path, "/v1/events", "HEAD")).endswith(b"\r\n\r\n")


async def test_at_the_end_the_socket_still_listens_for_a_successor(path: Path) -> None:
    """A client that comes between two processes waits in the backlog and is answered by the next."""
    listening = bind_socket(path)
    first = Server(HandmadeSource(leads=False))
    first.serve(listening)
    await first.close()
    between = asyncio.ensure_future(get(path, "/leader"))
    await asyncio.sleep(0)
    second = Server(HandmadeSource())
    second.serve(listening)
    assert (await between).startswith(b"HTTP/1.1 200 OK")
    await second.close()
    listening.close()
