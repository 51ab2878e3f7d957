"""How the tests talk to a server: bytes in, bytes out, within a bounded time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

PATIENCE_S = 10.0
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(path: Path) -> AsyncIterator[Ends]:
    """A connection that is closed at the end, however that comes."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def talk(path: Path, sent: bytes) -> bytes:
    """All that the server says until it closes, after it was sent these bytes."""
    received = b""
    async with asyncio.timeout(PATIENCE_S), connected(path) as (reader, writer):
        writer.write(sent)
        with suppress(ConnectionError):
            while more := await reader.read(65536):
                received += more
    return received


async def get(path: Path, target: str, method: str = "GET") -> bytes:
    """The whole answer to one request."""
    return await talk(path, request(target, method, "Connection: close\r\n"))


def request(target: str, method: str = "GET", headers: str = "") -> bytes:
    """One request, ready to be sent."""
    return f"{method} {target} HTTP/1.1\r\nHost: leader\r\n{headers}\r\n".encode()
