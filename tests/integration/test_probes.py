"""The agent on TCP, as load balancers and monitoring see it: read-only, and no harm to the leader."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import Cluster, Node, Settings, short_directory, term_of
from tests.support.lone import lone, only_sentence
from tests.support.polling import always, until
from tests.support.ports import fetch, free_port

pytestmark = pytest.mark.xdist_group("probes")
BAD_CONFIGURATION = 78
LEASE = "3s"
FLOOD_S = 6.0
"""Some renewals, which follow each other by a third of that."""
SCRAPES = ("/v1/status", "/metrics", "/v1/jobs", "/v1/events")


def listening(settings: Settings, address: str) -> Settings:
    """The same, with the read-only part on TCP as well."""
    return replace(settings, more=f'[api]\nlisten = "{address}"')


def refuses(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """A port for each node."""
    return {name: free_port() for name in "ab"}


@pytest.fixture(scope="module")
def shared_probed(shared_tcp: EmbeddedQuorum, ports: dict[str, int]) -> Iterator[Cluster]:
    """Two agents that listen on TCP as well."""
    settings = Settings(shared_tcp.urls, LEASE)
    with short_directory() as directory:
        cluster = Cluster(directory, settings, "", shared_tcp)
        for name, port in ports.items():
            cluster.add(name, listening(settings, f"127.0.0.1:{port}"))
        with cluster:
            yield cluster


@pytest.fixture
def probed(shared_probed: Cluster) -> Cluster:
    """The same two, sound again."""
    shared_probed.settle()
    return shared_probed


def test_what_is_read_is_answered_on_tcp_and_nothing_is_changed(
    probed: Cluster, ports: dict[str, int]
) -> None:
    """All that only reads is there; what changes something or is waited for is refused in a sentence."""
    leader = probed.settle()
    port = ports[leader.name]
    for path in (
        "/leader",
        "/livez",
        "/readyz",
        "/metrics",
        "/v1/status",
        "/v1/jobs",
        "/v1/elections/default",
    ):
        answers = {method: fetch(port, path, method).status for method in ("GET", "HEAD", "OPTIONS")}
        assert answers == {"GET": 200, "HEAD": 200, "OPTIONS": 200}, path
    for method, path, status in (
        ("POST", "/v1/jobs/report/claim", 405),
        ("POST", "/v1/elections/default/step-down", 405),
        ("POST", "/v1/pause", 405),
        ("DELETE", "/leader", 405),
        ("GET", "/v1/elections/default/guard", 403),
    ):
        answer = fetch(port, path, method, body=b"{}")
        assert (answer.status, b"Unix socket only" in answer.body) == (status, True), path
    assert leader.run("jobs", "report").code == 1


def test_it_is_off_unless_it_is_asked_for_and_a_reload_moves_it(shared_tcp: EmbeddedQuorum) -> None:
    """SIGHUP opens the port, moves it, closes it; where it cannot, the agent goes on as it was."""
    first, second = free_port(), free_port()
    settings = Settings(shared_tcp.urls, LEASE, elections={"moved": 100})

    def reload(address: str) -> None:
        node.configure(listening(settings, address) if address else settings)
        node.signal(signal.SIGHUP)

    with lone(settings) as node:
        node.start()
        assert refuses(first)
        until(lambda: node.leads("moved"), "it leads")
        term = term_of(node, "moved")
        reload(f"127.0.0.1:{first}")
        until(lambda: not refuses(first), "the first port is open")
        reload(f"127.0.0.1:{second}")
        until(lambda: not refuses(second) and refuses(first), "it has moved")
        with socket.create_server(("127.0.0.1", first)):
            reload(f"127.0.0.1:{first}")
            until(lambda: f"cannot listen at 127.0.0.1:{first}" in node.log(), "it says why not")
        assert fetch(second, "/livez").status == 200
        reload("")
        until(lambda: refuses(second), "it is closed")
        until(lambda: node.leads("moved"), "it leads")
        assert term_of(node, "moved") == term


def test_a_reload_refuses_nobody_on_tcp(probed: Cluster, ports: dict[str, int]) -> None:
    """The port stays open while the process takes its own place."""
    leader = probed.settle()
    starts = leader.log().count("agent starts")
    leader.signal(signal.SIGHUP)
    while leader.log().count("agent starts") == starts:
        assert fetch(ports[leader.name], "/livez").status == 200
    assert fetch(ports[leader.name], "/livez").status == 200


@pytest.mark.parametrize("what", ["taken", "elsewhere"])
def test_an_address_that_cannot_be_had_is_a_configuration_error(
    shared_tcp: EmbeddedQuorum, what: str
) -> None:
    """Another program has the port, or another machine the address: 78, and a sentence that names it."""
    with ExitStack() as stack:
        address = "192.0.2.1:80"
        if what == "taken":
            other = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            address = f"127.0.0.1:{other.getsockname()[1]}"
        node = stack.enter_context(lone(listening(Settings(shared_tcp.urls, LEASE), address)))
        ended = node.run_agent()
        assert ended.code == BAD_CONFIGURATION
        assert f"cannot listen at {address}" in only_sentence(ended)
        assert not node.socket.exists()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="the machine has no IPv6")
def test_it_listens_on_ipv6(shared_tcp: EmbeddedQuorum) -> None:
    """An address in brackets is one of IPv6."""
    port = free_port("::1")
    with lone(listening(Settings(shared_tcp.urls, LEASE, elections={"six": 100}), f"[::1]:{port}")) as node:
        node.start()
        assert fetch(port, "/livez", host="::1").status == 200


def test_alive_and_ready_are_told_apart(shared_tcp: EmbeddedQuorum) -> None:
    """Without a majority the agent's loops still turn, and it is not ready; HEAD and OPTIONS say so too."""
    port = free_port()
    nowhere = [f"redis://127.0.0.1:{free_port()}" for _ in range(2)]
    settings = Settings([shared_tcp.urls[0], *nowhere], LEASE, elections={"alone": 100})
    with lone(listening(settings, f"127.0.0.1:{port}")) as node:
        node.start()
        until(lambda: len([p for p in node.problems().values() if p]) == len(nowhere), "two do not answer")
        for method in ("GET", "HEAD", "OPTIONS"):
            assert fetch(port, "/livez", method).status == 200
            assert fetch(port, "/readyz", method).status == 503
        assert b"1 of 3 instances answered within the last lease, 1 too few" in fetch(port, "/readyz").body
        health = node.run("health")
        assert (health.code, health.complaint) == (2, "")
        assert health.output.startswith("LEADER CRITICAL - no majority: 1 of 3 instances answer")


# Strangers who mean harm.


async def slow(port: int) -> None:
    """Begins a request, byte by byte, and never ends it."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"GET /leader HTTP/1.1\r\nX: ")
                while not reader.at_eof():
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.2)
            finally:
                writer.close()


async def greedy(port: int, path: str) -> None:
    """Asks for what costs most, again and again, and does not wait for the end of the answer."""
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode() * 20)
                await reader.readexactly(100)
            finally:
                writer.close()


async def flood(port: int, ends: "asyncio.Future[None]") -> None:
    """Hundreds of strangers at once, until that is done."""
    strangers = [asyncio.ensure_future(slow(port)) for _ in range(500)]
    strangers += [asyncio.ensure_future(greedy(port, path)) for path in SCRAPES * 10]
    await ends
    for stranger in strangers:
        stranger.cancel()
    await asyncio.gather(*strangers, return_exceptions=True)


def renewals(leader: Node) -> int:
    """How many leases' worth of votes are fresh: all instances have lately written that it leads."""
    return sum(vote["holder"] == leader.name for vote in leader.votes())


async def test_strangers_on_the_network_do_not_unseat_the_leader(
    probed: Cluster, ports: dict[str, int]
) -> None:
    """Slow, many and greedy ones: it renews, leads on with its term, and answers on its socket."""
    leader = await asyncio.to_thread(probed.settle)
    term = await asyncio.to_thread(term_of, leader)
    watching = asyncio.ensure_future(
        asyncio.to_thread(always, lambda: leader.leadership(timeout_s=5) is not None, "it answers", FLOOD_S)
    )
    await flood(ports[leader.name], watching)
    assert await asyncio.to_thread(term_of, leader) == term
    assert "this node leads no more" not in leader.log()
    assert await asyncio.to_thread(renewals, leader) == 3
