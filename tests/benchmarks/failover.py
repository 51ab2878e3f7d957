"""How long until the next leader answers: after `kill -9` of the leading agent, and after SIGTERM.

    python -m tests.benchmarks.failover --candidates 3 --kills 50 --stops 100

Real agents, five embedded servers, a lease of 2 s. The time runs from just before the signal to the first
`200` of another node's socket. Goals: 2.2 s at worst after a kill, 50 ms at worst after SIGTERM.
"""

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
from pathlib import Path

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks.goals import exit_code, judge
from tests.benchmarks.nodes import Cluster

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
        finally:
            cluster.stop()
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
