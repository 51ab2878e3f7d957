"""A proxy before each server of a quorum, on an event loop in a thread of its own.

So tests that poll and wait need not be asynchronous, and never hold up what the agents send.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from tests.faults.proxy import Fault, Proxy


class Wall:
    """The proxies, in the order of the servers; whatever is done to one takes effect before it returns."""

    def __init__(self, urls: Sequence[str], directory: Path | None = None) -> None:
        """With a directory, the proxies listen on Unix sockets there, else on loopback ports."""
        self.proxies = [
            Proxy(url, directory / f"p{index}" if directory else None) for index, url in enumerate(urls)
        ]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def urls(self) -> list[str]:
        """Where agents find the instances."""
        return [proxy.own_url for proxy in self.proxies]

    def misbehave(self, fault: Fault, *indices: int, pid: int = 0) -> None:
        """Let these proxies do this to all agents, or to one."""
        for index in indices:
            self._do(lambda index=index: self.proxies[index].misbehave(fault, pid=pid))  # type: ignore[misc]

    def delay(self, seconds: float, *indices: int) -> None:
        """Let these proxies hold up each chunk, in each direction."""
        for index in indices:
            self.proxies[index].delay_s = seconds

    def cut(self, *indices: int) -> None:
        """Close every connection through these proxies; new ones are welcome."""
        for index in indices:
            self._do(self.proxies[index].cut)

    def lose_connections(self, *indices: int) -> None:
        """Leave every connection through these proxies half open; new ones are welcome."""
        for index in indices:
            self._do(self.proxies[index].lose_connections)

    def mend(self) -> None:
        """Let all proxies behave."""
        self.delay(0.0, *range(len(self.proxies)))
        self.misbehave(Fault.NONE, *range(len(self.proxies)))

    def _do(self, action: Callable[[], None]) -> None:
        done = threading.Event()

        def act() -> None:
            action()
            done.set()

        self._loop.call_soon_threadsafe(act)
        assert done.wait(10), "the proxies hang"


@contextmanager
def wall(urls: Sequence[str], directory: Path | None = None) -> Iterator[Wall]:
    """A wall that stands meanwhile."""
    built = Wall(urls, directory)
    built._thread.start()
    stack = AsyncExitStack()

    async def build() -> None:
        for proxy in built.proxies:
            await stack.enter_async_context(proxy)

    try:
        asyncio.run_coroutine_threadsafe(build(), built._loop).result(10)
        yield built
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), built._loop).result(10)
        built._loop.call_soon_threadsafe(built._loop.stop)
        built._thread.join()
        built._loop.close()
