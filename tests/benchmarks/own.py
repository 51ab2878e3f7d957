"""One cluster of real agents whose leader is killed, ended or told to step down: how long does nobody lead?

What happens is read from the agents' events; that a node leads counts from the first yes of its socket.
"""

import os
import random
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from leader.api.client import Client
from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from leader.tui.read import read_agent
from tests.benchmarks.nodes import Cluster, Node
from tests.benchmarks.precedence import precedence
from tests.support.polling import until

NS_PER_MS = 1_000_000
PATIENCE_S = 30.0
FRESH_MS = 1_500
"""Two beats of the lease that hand-overs are measured at, and a little."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """How long a step-down took, in milliseconds: from the order on, and without anybody leading."""

    ordered_ms: float
    leaderless_ms: float


@contextmanager
def own_cluster(lease_s: float, candidates: int, instances: int) -> Iterator[Cluster]:
    """So many agents on so many servers, of which one leads."""
    with (
        tempfile.TemporaryDirectory(prefix="lb-") as directory,
        EmbeddedQuorum(Path(directory) / "q", instances, "tcp") as quorum,
    ):
        cluster = Cluster(Path(directory), quorum.urls, f"{lease_s:g}s")
        try:
            cluster.start(candidates)
            cluster.wait_for_leader()
            yield cluster
        finally:
            cluster.stop()


def replaced(cluster: Cluster, number: signal.Signals, settling_s: float) -> float:
    """The milliseconds from a signal to the leading agent until another node answers that it leads.

    On a busy machine a node may have lost its lease since it said that it leads; then another is asked.
    """
    while True:
        settle(cluster, settling_s)
        leader = cluster.wait_for_leader()
        cluster.drain()
        with precedence():
            began = now_ns()
            os.kill(leader.pid, number)
            follows = follower(cluster)
            took_ms = (now_ns() - began) / NS_PER_MS
        cluster.forget(leader.name)
        cluster.launch(leader.name)
        cluster.follow(leader.name)
        if follows:
            return took_ms


def follower(cluster: Cluster) -> bool:
    """Wait until another node answers that it leads; false if none gains leadership: one led already."""
    try:
        wait_for_yes(cluster.next_gain(PATIENCE_S))
    except TimeoutError:
        return False
    return True


def handed_over(cluster: Cluster, settling_s: float) -> HandOver:
    """What `step-down --to` some other node takes, until that one answers that it leads."""
    settle(cluster, settling_s)
    leader = cluster.wait_for_leader()
    until(lambda: knows_all(leader, cluster), f"{leader.name} knows all that could lead")
    successor = random.choice([node for node in cluster.nodes.values() if node is not leader])
    cluster.drain()
    order = threading.Thread(target=step_down, args=(leader, successor))
    with precedence():
        began = now_ns()
        order.start()
        lost = cluster.next_loss(leader, 60)
        assert cluster.next_gain(60) is successor
        wait_for_yes(successor)
        led = now_ns()
    order.join()
    return HandOver((led - began) / NS_PER_MS, (led - lost) / NS_PER_MS)


def knows_all(leader: Node, cluster: Cluster) -> bool:
    """Whether each other node has told it lately that it could lead."""
    told = read_agent(leader.client.status()).nodes
    fresh = {node.name for node in told if node.sees_majority and node.seen_ms_ago < FRESH_MS}
    return fresh >= cluster.nodes.keys()


def step_down(leader: Node, successor: Node) -> None:
    """Ask one node to hand over to another."""
    Client(leader.socket_path, timeout=10).step_down(to=successor.name, timeout=10)


def wait_for_yes(node: Node) -> None:
    """Ask until it answers that it leads."""
    while not node.client.is_leader():
        pass


def settle(cluster: Cluster, seconds: float) -> None:
    """Let the agents beat for a while, so that what comes next comes at any moment of a beat."""
    try:
        cluster.next_gain(seconds)
    except TimeoutError:
        return
