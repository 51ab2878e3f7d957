"""HAProxy, with the very file of `examples/`: traffic follows the leader."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import PROJECT, Cluster, Node, Settings, short_directory
from tests.support.polling import NS_PER_S, until
from tests.support.ports import fetch, free_port

pytestmark = [pytest.mark.xdist_group("haproxy"), pytest.mark.needs("haproxy")]
EXAMPLE = PROJECT / "examples" / "haproxy" / "haproxy.cfg"
METHODS = ("GET", "HEAD", "OPTIONS")
MOVED_WITHIN_S = 1.0


@contextmanager
def service(name: str) -> Iterator[int]:
    """A web service that says its node's name; its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(name)))
            self.end_headers()
            self.wfile.write(name.encode())

        def log_message(self, *_: object) -> None:  # nothing on standard error
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def balancer(file: Path, text: str) -> Iterator[None]:
    """HAProxy with that configuration."""
    file.write_text(text)
    with subprocess.Popen(["haproxy", "-q", "-db", "-f", str(file)]) as proxy:
        try:
            yield
        finally:
            proxy.kill()


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """The text with each of these replaced, all of which must be in it."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def reached(port: int) -> str:
    """Whom the balancer sends a request to; empty if to nobody."""
    with suppress(OSError):
        answer = fetch(port, "/")
        return answer.body.decode() if answer.status == 200 else ""
    return ""


def sends_to(port: int, name: str) -> bool:
    """Whether the balancer sends a request there."""
    return reached(port) == name


@pytest.fixture(scope="module")
def quorum() -> Iterator[EmbeddedQuorum]:
    """Three servers of these tests' own."""
    with short_directory() as directory, EmbeddedQuorum(directory, 3, "unix") as servers:
        yield servers


def test_traffic_follows_the_leader(quorum: EmbeddedQuorum, figures: Callable[[str], None]) -> None:
    """After a hand-over and after kill -9, requests reach the new leader within a second of its election.

    Three balancers stand side by side, one for each method of the check.
    """
    probes, fronts = {name: free_port() for name in "ab"}, {method: free_port() for method in METHODS}
    with ExitStack() as stack:
        directory = stack.enter_context(short_directory())
        cluster = Cluster(directory, Settings(quorum.urls), "")
        for name, port in probes.items():
            cluster.add(name, Settings(quorum.urls, more=f'[api]\nlisten = "127.0.0.1:{port}"'))
        stack.enter_context(cluster)
        web = {name: stack.enter_context(service(name)) for name in probes}
        for method, front in fronts.items():
            text = replaced(
                EXAMPLE.read_text(),
                ("bind :8080", f"bind 127.0.0.1:{front}"),
                ("httpchk GET", f"httpchk {method}"),
                ("10.0.0.11:80 port 8009", f"127.0.0.1:{web['a']} port {probes['a']}"),
                ("10.0.0.12:80 port 8009", f"127.0.0.1:{web['b']} port {probes['b']}"),
            )
            stack.enter_context(balancer(directory / f"{method}.cfg", text))
        moves = [moved(cluster, fronts, end) for end in (Node.stop, Node.kill, Node.stop)]
    for method in METHODS:
        took = [move[method] for move in moves]
        figures(f"{method}: from election to traffic: {', '.join(f'{s * 1000:.0f} ms' for s in took)}")
        assert min(took) < MOVED_WITHIN_S  # a loaded machine may delay any one of them


def moved(cluster: Cluster, fronts: dict[str, int], end: Callable[[Node], object]) -> dict[str, float]:
    """The seconds from the new leader's election to the first request that reaches it, after that end."""
    old = cluster.settle(instances=0)
    for front in fronts.values():
        until(partial(sends_to, front, old.name), "traffic reaches the leader")
    end(old)
    new, took = cluster.wait_for_leader(other_than=old), dict[str, float]()
    elected = now_ns()

    def all_moved() -> bool:
        for method in fronts.keys() - took.keys():
            if reached(fronts[method]) == new.name:
                took[method] = (now_ns() - elected) / NS_PER_S
        return took.keys() == fronts.keys()

    until(all_moved, "traffic reaches the new leader, whatever the check's method is")
    return took
