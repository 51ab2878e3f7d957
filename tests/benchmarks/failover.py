"""How long nobody leads: after `kill -9` of the leading agent, after SIGTERM, and after `step-down --to`.

    python -m tests.benchmarks.failover --candidates 3 --kills 50 --stops 100 --orders 100

Real agents, five embedded servers, a lease of 2 s. After a signal the time runs from just before it, after a
step-down from the old leader's own word that it leads no more, to the first `200` of another node's socket.
Goals: 2.2 s at worst after a kill, 50 ms at worst after SIGTERM and after a step-down.
"""

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
from pathlib import Path

from leader.api.client import Client
from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks.goals import exit_code, judge
from tests.benchmarks.nodes import Cluster, Node

LEASE_S = 2.0
INSTANCES = 5


def measure(cluster: Cluster, number: signal.Signals) -> float:
    """The milliseconds from the signal to the leading agent until another node answers that it leads."""
    leader = cluster.wait_for_leader()
    settle(cluster, random.uniform(LEASE_S / 2, LEASE_S))
    cluster.drain()
    began = now_ns()
    os.kill(leader.pid, number)
    successor = cluster.next_gain(5 * LEASE_S)
    while not successor.client.is_leader():
        pass
    elapsed_ms = (now_ns() - began) / 1e6
    cluster.forget(leader.name)
    cluster.launch(leader.name)
    cluster.follow(leader.name)
    return elapsed_ms


def measure_step_down(cluster: Cluster) -> float:
    """The milliseconds in which nobody led, from one leader's `lost` to the successor's first yes."""
    leader = cluster.wait_for_leader()
    successor = random.choice([node for node in cluster.nodes.values() if node is not leader])
    settle(cluster, LEASE_S * random.uniform(1.1, 1.6))  # nobody rests any more
    cluster.drain()
    order = threading.Thread(target=step_down, args=(leader, successor))
    order.start()
    lost_ns = cluster.next_loss(leader, 5 * LEASE_S)
    assert cluster.next_gain(5 * LEASE_S) is successor
    while not successor.client.is_leader():
        pass
    elapsed_ms = (now_ns() - lost_ns) / 1e6
    order.join()
    return elapsed_ms


def step_down(leader: Node, successor: Node) -> None:
    """Ask one node to hand over to another."""
    Client(leader.socket_path, timeout=10).step_down(to=successor.name, timeout=10)


def settle(cluster: Cluster, seconds: float) -> None:
    """Let the agents beat for a while, so that the signal comes at any moment of a beat."""
    try:
        cluster.next_gain(seconds)
    except TimeoutError:
        return


def report(what: str, times_ms: list[float], goal_ms: float) -> None:
    """Print the spread of one series."""
    ordered = sorted(times_ms)
    print(
        f"{what}: {len(ordered)} times, median {statistics.median(ordered):.1f} ms, "
        f"p90 {ordered[int(len(ordered) * 0.9)]:.1f} ms, worst {ordered[-1]:.1f} ms, "
        f"{judge(what, ordered[-1], goal_ms, 'ms')}",
        flush=True,
    )


def main() -> int:
    """Measure and print; 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=3)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--stops", type=int, default=100)
    parser.add_argument("--orders", type=int, default=100)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="lb-") as directory,
        EmbeddedQuorum(Path(directory) / "q", INSTANCES, "tcp") as quorum,
    ):
        cluster = Cluster(Path(directory), quorum.urls, f"{LEASE_S:g}s")
        try:
            cluster.start(options.candidates)
            for what, number, count, goal_ms in (
                ("SIGTERM", signal.SIGTERM, options.stops, 50.0),
                ("kill -9", signal.SIGKILL, options.kills, 2200.0),
            ):
                if count:
                    times = [measure(cluster, number) for _ in range(count)]
                    report(f"{what}, {options.candidates} candidates, {INSTANCES} instances", times, goal_ms)
            if options.orders:
                times = [measure_step_down(cluster) for _ in range(options.orders)]
                what = f"step-down --to, {options.candidates} candidates, {INSTANCES} instances"
                report(what, times, 50.0)
        finally:
            cluster.stop()
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
