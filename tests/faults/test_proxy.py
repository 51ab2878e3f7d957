"""The proxy does each fault as it says, and is no obstacle without one."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Self

import pytest

from leader.clock import now_ns
from tests.faults.proxy import Fault, Proxy, connect
from tests.support.agents import short_directory

SOON_S = 0.1
LONG_S = 10.0


class Echo:
    """A server that answers each line with the same line, and remembers it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client."""
        while line := await reader.readline():
            self.heard.append(line)
            writer.write(line)
        writer.close()


@pytest.fixture
def directory() -> Iterator[Path]:
    """Where the sockets of this test are."""
    with short_directory() as path:
        yield path


@pytest.fixture
async def echo(directory: Path) -> AsyncIterator[Echo]:
    """The server behind the proxy."""
    server = Echo()
    async with await asyncio.start_unix_server(server.serve, directory / "echo"):
        yield server


@pytest.fixture(params=["unix", "tcp"])
async def proxy(request: pytest.FixtureRequest, directory: Path, echo: Echo) -> AsyncIterator[Proxy]:
    """The proxy before the server."""
    assert not echo.heard
    path = directory / "proxy" if request.param == "unix" else None
    async with Proxy(f"unix://{directory / 'echo'}", path) as built:
        yield built


class Client:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await connect(self._proxy.own_url)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def asks(self, text: bytes, within_s: float = LONG_S) -> bytes | None:
        """The answer to one line; empty if the connection ended, None if there was none in time."""
        self.writer.write(text + b"\n")
        return await self.hears(within_s)

    async def hears(self, within_s: float) -> bytes | None:
        """The next line."""
        try:
            async with asyncio.timeout(within_s):
                return (await self.reader.readline()).strip()
        except TimeoutError:
            return None
        except ConnectionError:
            return b""


async def test_without_a_fault_everything_passes(proxy: Proxy) -> None:
    """Both ways, in order, for several clients."""
    async with Client(proxy) as one, Client(proxy) as other:
        assert await one.asks(b"a") == b"a"
        assert await other.asks(b"b") == b"b"
        assert await one.asks(b"c") == b"c"
    assert proxy.connections == 2


async def test_swallowed_requests_do_not_arrive(proxy: Proxy, echo: Echo) -> None:
    """The client hears nothing, and the server neither."""
    async with Client(proxy) as client:
        assert await client.asks(b"a") == b"a"
        proxy.misbehave(Fault.SWALLOW_REQUESTS)
        assert await client.asks(b"b", SOON_S) is None
    assert echo.heard == [b"a\n"]


async def test_swallowed_replies_were_carried_out(proxy: Proxy, echo: Echo) -> None:
    """One-way loss: the server did what was asked, and the client does not know."""
    async with Client(proxy) as client:
        proxy.misbehave(Fault.SWALLOW_REPLIES)
        assert await client.asks(b"a", SOON_S) is None
    assert echo.heard == [b"a\n"]


async def test_what_was_swallowed_leaves_no_gap(proxy: Proxy) -> None:
    """When the fault ends, the connection stays silent: later bytes are no answer to what came before."""
    async with Client(proxy) as client:
        proxy.misbehave(Fault.SWALLOW_REPLIES)
        assert await client.asks(b"a", SOON_S) is None
        proxy.misbehave(Fault.NONE)
        assert await client.asks(b"b", SOON_S) is None
    async with Client(proxy) as client:
        assert await client.asks(b"c") == b"c"


async def test_refusing_ends_open_connections_and_new_ones(proxy: Proxy) -> None:
    """As a server that was killed behind a load balancer."""
    async with Client(proxy) as client:
        assert await client.asks(b"a") == b"a"
        proxy.misbehave(Fault.REFUSE)
        assert await client.hears(LONG_S) == b""
    async with Client(proxy) as client:
        assert await client.hears(LONG_S) == b""


async def test_cut_connections_end_and_new_ones_work(proxy: Proxy) -> None:
    """As after the restart of a firewall."""
    async with Client(proxy) as client:
        assert await client.asks(b"a") == b"a"
        proxy.cut()
        assert await client.hears(LONG_S) == b""
    async with Client(proxy) as client:
        assert await client.asks(b"b") == b"b"


async def test_half_open_connections_stay_silent_and_new_ones_work(proxy: Proxy) -> None:
    """As after a fail-over of a firewall that forgot its connections: nobody is told that they are dead."""
    async with Client(proxy) as client:
        assert await client.asks(b"a") == b"a"
        proxy.lose_connections()
        assert await client.asks(b"b", SOON_S) is None
        async with Client(proxy) as other:
            assert await other.asks(b"c") == b"c"


async def test_dribbled_replies_arrive_whole(proxy: Proxy) -> None:
    """In pieces, and all of them."""
    async with Client(proxy) as client:
        proxy.misbehave(Fault.DRIBBLE)
        assert await client.asks(b"x" * 1000) == b"x" * 1000


async def test_trickled_replies_take_their_time(proxy: Proxy) -> None:
    """A byte at a time, and all of them."""
    async with Client(proxy) as client:
        proxy.misbehave(Fault.TRICKLE)
        begun = now_ns()
        assert await client.asks(b"0123456789") == b"0123456789"
        assert now_ns() - begun > 10 * 5_000_000


async def test_a_delay_is_added_each_way(proxy: Proxy) -> None:
    """A round trip takes twice as long."""
    async with Client(proxy) as client:
        proxy.delay_s = 0.05
        begun = now_ns()
        assert await client.asks(b"a") == b"a"
        assert now_ns() - begun > 2 * 50_000_000


@pytest.mark.parametrize("proxy", ["unix"], indirect=True)
async def test_a_fault_can_be_for_one_process(proxy: Proxy) -> None:
    """Others are served as if nothing were wrong."""
    async with Client(proxy) as client:
        proxy.misbehave(Fault.SWALLOW_REPLIES, pid=os.getpid() + 1)
        assert await client.asks(b"a") == b"a"
        proxy.misbehave(Fault.SWALLOW_REPLIES, pid=os.getpid())
        assert await client.asks(b"b", SOON_S) is None
