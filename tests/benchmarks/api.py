"""How fast does a node answer over HTTP, and how soon do a hundred followers hear of an event?

    python -m tests.benchmarks.api [--quick]

`ab` asks the leading node over TCP with 16 connections at a time, and beside it a node of etcd; it and the
agent have a core each where there are two. Then one node is paused and resumed, over and over, while a
hundred connections follow its events.
"""

import argparse
import csv
import os
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks import etcd
from tests.benchmarks.meter import cpu_ns
from tests.benchmarks.rows import OWN, Figure, exit_code, spread, tell
from tests.support.agents import Cluster, Node, Settings
from tests.support.ports import free_port

AT_ONCE, FOLLOWERS = 16, 100
PATIENCE_S = 10.0
PATHS = {"/leader": "/health", "/v1/status": "", "/metrics": "/metrics"}
"""What is asked for, and what comes next to it at a node of etcd."""


def main() -> int:
    """Measure and tell; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    if shutil.which("ab") is None:
        raise SystemExit("ab is missing, which asks: apt install apache2-utils")
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="lb-") as directory,
        EmbeddedQuorum(Path(directory) / "q", 3, "tcp") as quorum,
    ):
        listens = Settings(quorum.urls, "10s", more=f'[api]\nlisten = "127.0.0.1:{port}"')
        with Cluster(Path(directory), listens, "a") as cluster, sharing(cluster):
            cluster.add("b", Settings(quorum.urls, "10s")).start()
            ask_everything(cluster.wait_for_leader("default"), port, 1000 if quick else 20_000)
            fan_out(cluster.nodes["b"], 5 if quick else 100)
        with ExitStack() as stack:
            ask_etcd(stack, Path(directory), 1000 if quick else 20_000)
    return exit_code()


@contextmanager
def sharing(cluster: Cluster) -> Iterator[None]:
    """This process and what it starts leave the first core to the agents, if there is another one."""
    cores = os.sched_getaffinity(0)
    first = {min(cores)}
    with suppress(OSError):
        for node in cluster.nodes.values():
            os.sched_setaffinity(node.pid, first)
        os.sched_setaffinity(0, cores - first or cores)
    yield
    os.sched_setaffinity(0, cores)


# Requests.


def ask_everything(leader: Node, port: int, requests: int) -> None:
    """A row for each route."""
    for path in PATHS:
        url = f"http://127.0.0.1:{port}{path}"
        ask(url, max(1, requests // 10))
        spent = cpu_ns(leader.pid)
        times, rate = ask(url, requests)
        spent = cpu_ns(leader.pid) - spent
        per_cpu = Figure("per second of its CPU", requests / spent * 1e9, "requests")
        tell(f"GET {path}", OWN, [*figures(times, rate), per_cpu], shown(requests, path))


def ask_etcd(stack: ExitStack, directory: Path, requests: int) -> None:
    """The rows of etcd."""
    peers = {path: peer for path, peer in PATHS.items() if peer}
    if not etcd.is_here():
        for path in peers:
            tell(f"GET {path}", "etcd", (), etcd.ABSENT)
        return
    nodes = stack.enter_context(etcd.etcd_of(directory))
    for path, peer in peers.items():
        times, rate = ask(nodes.endpoints.split(",")[0] + peer, requests)
        tell(f"GET {path}", etcd.version(), figures(times, rate), shown(requests, peer))


def ask(url: str, requests: int) -> tuple[list[float], float]:
    """The percentiles 0 to 99 of the times in milliseconds, and how many requests were done in a second."""
    with tempfile.NamedTemporaryFile("r", suffix=".csv") as file:
        command = ["ab", "-q", "-n", str(requests), "-c", str(AT_ONCE), "-e", file.name, url]
        began = now_ns()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = (now_ns() - began) / 1e9
        assert done.returncode == 0, done.stderr
        return [float(line["Time in ms"]) for line in csv.DictReader(file)], requests / seconds


def figures(times: list[float], rate: float) -> list[Figure]:
    """Those of one series."""
    return [
        Figure("p50", times[50], "ms"),
        Figure("p99", times[99], "ms"),
        Figure("rate", rate, "requests/s"),
    ]


def shown(requests: int, path: str) -> str:
    """The command line."""
    return f"`ab -n {requests} -c {AT_ONCE} http://…{path}`"


# Events.


def fan_out(node: Node, times: int) -> None:
    """The row of the followers: until the last one has heard of an event, from the order that made it."""
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for _ in range(FOLLOWERS):
            selector.register(stack.enter_context(following(node)), selectors.EVENT_READ)
        took = [heard_by_all(node, selector, paused=number % 2 == 0) for number in range(2 * times)]
    case = f"an event, until the last of {FOLLOWERS} followers has heard of it"
    tell(case, OWN, spread(took), "`GET /v1/events` by each; POST /v1/pause or /v1/resume")


def following(node: Node) -> socket.socket:
    """A connection that has got the snapshot, and will get each event."""
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(PATIENCE_S)
    stream.connect(str(node.socket))
    stream.sendall(b"GET /v1/events HTTP/1.0\r\n\r\n")
    said = b""
    while not said.endswith(b"}\n"):
        said += stream.recv(65_536)
    return stream


def heard_by_all(node: Node, selector: selectors.BaseSelector, *, paused: bool) -> float:
    """The milliseconds from an order until all followers have heard of it."""
    awaited = b'"paused"' if paused else b'"resumed"'
    silent = {key.fd for key in selector.get_map().values()}
    began = now_ns()
    order(node, "/v1/pause" if paused else "/v1/resume")
    while silent:
        ready = selector.select(PATIENCE_S)
        assert ready, f"{len(silent)} followers heard nothing"
        for key, _ in ready:
            if awaited in os.read(key.fd, 65_536):
                silent.discard(key.fd)
    return (now_ns() - began) / 1e6


def order(node: Node, path: str) -> None:
    """Send a POST, and leave the answer unread until it has come."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(str(node.socket))
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 2"), path


if __name__ == "__main__":
    sys.exit(main())
