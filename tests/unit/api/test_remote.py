"""The read-only part on TCP: bounds of its own, and one costly answer at a time."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from leader.api import remote
from leader.api.limits import Limits
from leader.api.remote import LIMITS, Door
from leader.api.server import Server, bind_socket
from leader.errors import ConfigurationError
from leader.protocol.snapshot import AgentView
from tests.support.polling import eventually
from tests.support.ports import free_port
from tests.unit.api.handmade import HandmadeSource
from tests.unit.api.talking import PATIENCE_S, get, request

CLOSE = "Connection: close\r\n"
TCP_REPAIR = 19
"""Of Linux; Python has no name for it."""


class Costly(HandmadeSource):
    """Counts how often it was asked for all it knows, in each round of the event loop."""

    rounds = 0
    most = 0
    asked = 0

    def view(self) -> AgentView:
        if self.rounds == 0:
            asyncio.get_running_loop().call_soon(self._next_round)
        self.rounds += 1
        self.asked += 1
        self.most = max(self.most, self.rounds)
        return super().view()

    def _next_round(self) -> None:
        self.rounds = 0


@asynccontextmanager
async def served(path: Path, source: HandmadeSource, limits: Limits = LIMITS) -> AsyncIterator[int]:
    """A server on a Unix socket and on TCP; the port."""
    listening, port = bind_socket(path), free_port()
    door, server = Door.opened(f"127.0.0.1:{port}"), Server(source)
    assert door.listening is not None
    server.serve(listening)
    server.serve_remotely(door.listening, limits)
    try:
        yield port
    finally:
        await server.close()
        door.close()
        listening.close()


async def ask(port: int, target: str, method: str = "GET") -> bytes:
    """The whole answer."""
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(target, method, CLOSE))
        answer = await reader.read()
        writer.close()
        return answer


async def test_any_number_of_scrapes_costs_one_answer_in_each_round_of_the_loop(path: Path) -> None:
    """So the agent's own work has its turn after each: a stranger cannot delay a renewal by asking much."""
    source = Costly()
    async with served(path, source, Limits(waiting=40)) as port:
        answers = await asyncio.gather(*(ask(port, "/v1/status") for _ in range(30)))
    assert all(answer.startswith(b"HTTP/1.1 200 OK") for answer in answers)
    assert (source.asked, source.most) == (30, 1)


async def test_followers_on_tcp_leave_room_on_the_unix_socket(path: Path) -> None:
    """Where strangers fill the streams of the one, jobs still find a guard's place on the other."""
    source = HandmadeSource()
    async with asyncio.timeout(PATIENCE_S), served(path, source, Limits(streams=2)) as port:
        followers = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in followers:
            writer.write(request("/v1/events"))
            await reader.readuntil(b"snapshot")
        assert (await ask(port, "/v1/events")).startswith(b"HTTP/1.1 503")
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(request("/v1/elections/default/guard"))
        await reader.readuntil(b"guarding")
        assert len(source.guards["default"]) == 1
        for _, each in [*followers, (reader, writer)]:
            each.close()
        await eventually(lambda: not source.listeners)


async def test_what_is_waited_for_is_not_to_be_had_over_the_network(path: Path) -> None:
    """A guard, a claim, anything that changes something: the sentence says where it is."""
    source = HandmadeSource()
    async with served(path, source) as port:
        for method, target, status in (
            ("GET", "/v1/elections/default/guard", b"403"),
            ("HEAD", "/v1/elections/nope/guard", b"403"),
            ("POST", "/v1/jobs/report/claim", b"405"),
            ("PUT", "/leader", b"405"),
        ):
            answer = await ask(port, target, method)
            assert answer.startswith(b"HTTP/1.1 " + status), target
            assert method == "HEAD" or b"Unix socket only" in answer
        assert (await ask(port, "/metrics")).startswith(b"HTTP/1.1 200 OK")
        assert (await ask(port, "/nope")).startswith(b"HTTP/1.1 404")
    assert source.wishes == []
    assert not source.guards


async def test_a_full_port_makes_room_and_the_unix_socket_does_not_notice(path: Path) -> None:
    """As many silent strangers as there may be: a probe is answered once one was silent for too long."""
    limits = Limits(connections=3, pressed_ms=50)
    async with asyncio.timeout(PATIENCE_S), served(path, HandmadeSource(), limits) as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(10)]
        assert (await get(path, "/leader")).startswith(b"HTTP/1.1 200 OK")
        assert (await ask(port, "/leader")).startswith(b"HTTP/1.1 200 OK")
        for _, writer in silent:
            writer.close()


def test_a_door_is_handed_on_and_moves_only_when_its_address_does() -> None:
    """What is executed next goes on at the same socket; another address is another one."""
    address = f"127.0.0.1:{free_port()}"
    door = Door.opened(address)
    assert door.moved(address) is door
    again = Door.inherited(door.handed_on())
    assert again.address == address
    assert again.listening is not None
    assert door.listening is not None
    assert again.listening.getsockname() == door.listening.getsockname()
    door.listening.detach()
    again.close()
    assert Door.opened("") == Door.inherited("") == Door()


@pytest.mark.parametrize("address", ["192.0.2.1:80", "no-such-host.invalid:80"])
def test_an_address_that_is_not_this_machines_is_refused_in_a_sentence(address: str) -> None:
    """It names the address, and says what to do."""
    with pytest.raises(ConfigurationError, match=f"cannot listen at {address} .*set \\[api\\] listen"):
        Door.opened(address)


def test_a_port_that_another_program_has_is_refused() -> None:
    """Two agents on one machine need two ports."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ConfigurationError, match="Address already in use"):
            Door.opened(address)


@pytest.mark.needs("root")
@pytest.mark.parametrize("says", [b"", b"GET /v1/events HTTP/1.1\r\nHost: leader\r\n\r\n"])
async def test_a_machine_that_vanishes_leaves_no_connection_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    """Where nothing changes nothing is sent to it; the kernel asks for a sign of life, and ends the rest."""
    for name in ("VANISHED_S", "PROBE_S"):
        monkeypatch.setattr(remote, name, 1)
    source = HandmadeSource()
    async with asyncio.timeout(PATIENCE_S), served(path, source, Limits(streams=1)) as port:
        before = descriptors()
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(says)
        await eventually(lambda: descriptors() == before + 2 and len(source.listeners) == bool(says))
        client.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)  # a socket that is repaired ends without a word
        client.close()
        await eventually(lambda: descriptors() == before and not source.listeners)


def descriptors() -> int:
    """How many files this process has open, and the one with which that is read."""
    return len(list(Path("/proc/self/fd").iterdir()))
