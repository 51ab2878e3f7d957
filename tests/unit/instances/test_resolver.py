"""Names are resolved aside: a hung resolver costs a bounded wait, and the last good address serves on."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from leader import clock
from leader.instances.resolver import Resolver

NS_PER_S = 1_000_000_000


class FakeResolver:
    """Stands in for the system's: answers, fails, or hangs until it is released."""

    def __init__(self) -> None:
        self.addresses = ["10.0.0.1"]
        self.error: OSError | None = None
        self.asked = 0
        self.goes_on = threading.Event()
        self.goes_on.set()

    def getaddrinfo(self, host: str, port: int, *, type: int = 0, flags: int = 0) -> list[object]:  # noqa: A002
        """As `socket.getaddrinfo`."""
        if host[0].isdigit():
            return [(socket.AF_INET, type, 6, "", (host, port))]
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, host)
        self.asked += 1
        self.goes_on.wait(20)
        if self.error:
            raise self.error
        return [(socket.AF_INET, type, 6, "", (address, port)) for address in self.addresses]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeResolver]:
    """The system's resolver, in our hands."""
    fake = FakeResolver()
    monkeypatch.setattr(socket, "getaddrinfo", fake.getaddrinfo)
    yield fake
    fake.goes_on.set()


async def test_an_address_needs_no_resolver() -> None:
    """Numbers are never looked up."""
    assert await Resolver("127.0.0.1", 6379).resolve(1) == ("127.0.0.1",)
    assert await Resolver("::1", 6379).resolve(1) == ("::1",)


async def test_a_name_is_looked_up_anew_each_time(system: FakeResolver) -> None:
    """So a name that moves is followed."""
    resolver = Resolver("db", 6379)
    assert await resolver.resolve(1) == ("10.0.0.1",)
    system.addresses = ["10.0.0.2", "10.0.0.3"]
    assert await resolver.resolve(1) == ("10.0.0.2", "10.0.0.3")


async def test_the_last_good_address_outlives_a_failing_resolver(system: FakeResolver) -> None:
    """An instance does not vanish because the name server does."""
    resolver = Resolver("db", 6379)
    await resolver.resolve(1)
    system.error = socket.gaierror(socket.EAI_AGAIN, "Temporary failure")
    assert await resolver.resolve(1) == ("10.0.0.1",)


async def test_a_name_that_never_had_an_address_is_an_error(system: FakeResolver) -> None:
    """And stays one that names the reason."""
    system.error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    with pytest.raises(socket.gaierror, match="not known"):
        await Resolver("db", 6379).resolve(1)


async def test_a_hung_resolver_costs_a_bounded_wait_and_one_thread(system: FakeResolver) -> None:
    """Asked again while it hangs, it is not asked twice; the last good address is used meanwhile."""
    resolver = Resolver("db", 6379)
    await resolver.resolve(1)
    system.goes_on.clear()
    began = clock.now_ns()
    for _ in range(3):
        assert await resolver.resolve(0.05) == ("10.0.0.1",)
    assert clock.now_ns() - began < 2 * NS_PER_S
    assert system.asked == 2


async def test_one_hung_name_does_not_delay_another(system: FakeResolver) -> None:
    """Each has a thread of its own; the shared pool would be full."""
    system.goes_on.clear()
    hung = [asyncio.create_task(Resolver(f"hung{number}", 1).resolve(1)) for number in range(40)]
    async with asyncio.timeout(5):
        while system.asked < len(hung):  # noqa: ASYNC110  threads count it
            await asyncio.sleep(0.001)
        assert await Resolver("127.0.0.1", 1).resolve(1) == ("127.0.0.1",)
    system.goes_on.set()
    assert await asyncio.gather(*hung) == [("10.0.0.1",)] * len(hung)


async def test_the_address_that_worked_is_tried_first(system: FakeResolver) -> None:
    """While no lookup says otherwise."""
    system.addresses = ["10.0.0.1", "10.0.0.2"]
    resolver = Resolver("db", 6379)
    await resolver.resolve(1)
    resolver.prefer("10.0.0.2")
    system.error = socket.gaierror(socket.EAI_AGAIN, "Temporary failure")
    assert await resolver.resolve(1) == ("10.0.0.2", "10.0.0.1")
