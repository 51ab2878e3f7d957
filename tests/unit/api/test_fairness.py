"""One user who takes all there is takes nothing from another; users are made up here: tests run as one."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain, repeat
from pathlib import Path

import pytest

from leader.api import listener
from leader.api.limits import Limits
from tests.support.polling import eventually
from tests.unit.api.handmade import HandmadeSource, serving
from tests.unit.api.talking import PATIENCE_S, connected, get, request

EVENTS = request("/v1/events")


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The users of the next connections, in this order; the user of any other is `crowd`."""
    names: list[str] = []

    def next_user(_client: socket.socket, _address: object) -> str:
        return names.pop(0) if names else "crowd"

    monkeypatch.setattr(listener, "party_of", next_user)
    return names


async def test_a_user_with_many_idle_connections_pushes_out_nobody_but_itself(
    path: Path, users: list[str]
) -> None:
    """The one connection of another user, older than all of them, is still there."""
    limits = Limits(connections=10, pressed_ms=1)
    async with asyncio.timeout(PATIENCE_S), serving(path, limits=limits), AsyncExitStack() as stack:
        users.append("single")
        single = await stack.enter_async_context(connected(path))
        crowd = [await stack.enter_async_context(connected(path)) for _ in range(40)]
        await eventually(lambda: sum(reader.at_eof() for reader, _ in crowd) >= 30)
        single[1].write(request("/leader"))
        assert (await single[0].readline()).startswith(b"HTTP/1.1 200")


async def test_one_who_was_only_now_let_in_has_time_to_ask(path: Path, users: list[str]) -> None:
    """Of a hundred that come at once through four places, each with a question, none is lost."""
    users.clear()
    limits = Limits(connections=4)
    async with asyncio.timeout(PATIENCE_S), serving(path, limits=limits):
        answers = await asyncio.gather(*(get(path, "/v1/status") for _ in range(100)))
    assert all(answer.startswith(b"HTTP/1.1 200 OK") for answer in answers)


@asynccontextmanager
async def followers(path: Path, count: int) -> AsyncIterator[list[bytes]]:
    """So many who ask to follow the changes; the first line of each answer."""
    async with AsyncExitStack() as stack:
        lines = []
        for _ in range(count):
            reader, writer = await stack.enter_async_context(connected(path))
            writer.write(EVENTS)
            lines.append(await reader.readline())
        yield lines


async def test_users_without_rights_leave_places_for_streams_of_those_with_rights(
    path: Path, users: list[str]
) -> None:
    """One of them has an eighth at most, all of them half: jobs always find a guard's place."""
    source = HandmadeSource(forbidden="user nobody may not do this")
    users += chain(repeat("one", 10), *([f"u{n}"] for n in range(20)))
    async with asyncio.timeout(PATIENCE_S), serving(path, source, Limits(streams=32)):
        async with followers(path, 30) as lines:
            admitted = [line.startswith(b"HTTP/1.1 200") for line in lines]
            assert (sum(admitted[:10]), sum(admitted)) == (4, 16)
            source.forbidden = ""
            async with followers(path, 17) as more:
                assert [line.startswith(b"HTTP/1.1 200") for line in more] == [True] * 16 + [False]
        source.forbidden = "user nobody may not do this"
        await eventually(lambda: not source.listeners)
        async with followers(path, 4) as again:
            assert all(line.startswith(b"HTTP/1.1 200") for line in again)


async def test_what_clients_leave_unread_is_bounded_for_all_together(path: Path, users: list[str]) -> None:
    """With more than that in all, who has most loses a connection; another user's one is still served."""
    source = HandmadeSource(names=[f"e{number}" for number in range(2000)])
    limits = Limits(unread_bytes=2_000_000)
    async with asyncio.timeout(PATIENCE_S), serving(path, source, limits), AsyncExitStack() as stack:
        users.append("single")
        single = await stack.enter_async_context(connected(path))
        crowd = [await stack.enter_async_context(connected(path)) for _ in range(30)]
        for reader, writer in [single, *crowd]:
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(request("/v1/status"))
            await asyncio.sleep(0)
        assert (await get(path, "/leader")).startswith(b"HTTP/1.1 ")
        for reader, _ in [single, *crowd]:
            reader._transport.resume_reading()  # type: ignore[attr-defined]
        whole = [await taken(reader) for reader, _ in [single, *crowd]]
    assert whole[0]
    assert 0 < whole.count(False) < 30


async def taken(reader: asyncio.StreamReader) -> bool:
    """Whether a whole answer comes."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    return True


async def test_requests_sent_ahead_by_many_leave_the_loop_its_rounds(path: Path, users: list[str]) -> None:
    """Of a flood from a hundred connections each round works off a little, and another user is next."""
    source = HandmadeSource(names=[f"e{number}" for number in range(100)])
    async with asyncio.timeout(PATIENCE_S), serving(path, source), AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(connected(path)) for _ in range(100)]
        for _, writer in crowd:
            writer.write(request("/v1/status") * 50)
        rounds_before = 0
        users += ["single"] * 3
        asking = asyncio.ensure_future(get(path, "/v1/elections/e1"))
        while not asking.done():
            rounds_before += 1
            await asyncio.sleep(0)
        assert asking.result().startswith(b"HTTP/1.1 200 OK")
        assert not any(reader.at_eof() for reader, _ in crowd)
        assert rounds_before < 100
