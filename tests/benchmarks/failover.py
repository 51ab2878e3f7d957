"""How long nobody leads: after a crash of the leader, and at a planned hand-over; beside what peers do.

    python -m tests.benchmarks.failover [--quick] [--instances 3]

Real agents and embedded servers, `etcdctl lock` and `etcdctl elect` on three etcd nodes, and the lock of
redis-py. A crash is `kill -9` of the leader's process, at any moment of a beat; the time runs until another
candidate says that it leads. Where a lease is long, clusters run side by side. Goals: a crash costs at
most the lease and 100 ms (p99); a hand-over 4 ms with 3 candidates (p50), and 20 ms with 20 (p99).
"""

import argparse
import random
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks import etcd
from tests.benchmarks.own import handed_over, own_cluster, replaced
from tests.benchmarks.peers import Peers
from tests.benchmarks.rows import OWN, exit_code, spread, tell

HAND_OVER_LEASE_S = 2
SET_NX = "SET NX PX"
TOLERATED_MS = 100
GOALS = {3: {"p50": 4.0}, 20: {"p99": 20.0}}
"""Of a hand-over, by the number of candidates."""


@dataclass(frozen=True, slots=True)
class Crashes:
    """How often the leader of so many candidates crashes at this lease, in so many clusters side by side."""

    lease_s: int
    candidates: int
    times: int
    clusters: int


FULL = (
    Crashes(1, 3, 100, 2),
    Crashes(2, 3, 100, 2),
    Crashes(5, 3, 30, 5),
    Crashes(10, 3, 30, 5),
    Crashes(2, 20, 30, 1),
)
QUICK = (Crashes(1, 3, 4, 2), Crashes(2, 3, 4, 2))


def main() -> int:
    """Measure and tell; 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--instances", type=int, default=3)
    options = parser.parse_args()
    with peers() as (endpoints, url):
        for crashes in QUICK if options.quick else FULL:
            compare_crashes(crashes, options.instances, endpoints, url)
        for candidates in (3,) if options.quick else (3, 20):
            compare_hand_overs(candidates, 4 if options.quick else 100, options.instances, endpoints, url)
    return exit_code()


@contextmanager
def peers() -> Iterator[tuple[str, str]]:
    """The endpoints of three etcd nodes, empty where etcd is absent, and the URL of a server for locks."""
    with (
        tempfile.TemporaryDirectory(prefix="lb-") as directory,
        EmbeddedQuorum(Path(directory) / "q", 1, "tcp") as server,
    ):
        if not etcd.is_here():
            yield "", server.urls[0]
            return
        with etcd.etcd_of(Path(directory)) as nodes:
            yield nodes.endpoints, server.urls[0]


# Crashes.


def compare_crashes(crashes: Crashes, instances: int, endpoints: str, url: str) -> None:
    """One case: the agents, etcd, and the lock."""
    case = f"crash of the leader, lease {crashes.lease_s} s, {crashes.candidates} candidates"
    times = side_by_side(crashes, partial(own_crashes, crashes, instances))
    goal = crashes.lease_s * 1000 + TOLERATED_MS
    tell(case, OWN, spread(times, p99=goal), f"kill -9 of `leader agent`, {instances} instances")
    if endpoints:
        times = side_by_side(crashes, partial(lock_crashes, crashes, endpoints))
        tell(case, etcd.version(), spread(times), f"kill -9 of `etcdctl lock --ttl={crashes.lease_s} NAME`")
    else:
        tell(case, "etcd", (), etcd.ABSENT)
    times = side_by_side(crashes, partial(set_nx_crashes, crashes, url))
    lock = f"redis.lock.Lock(client, NAME, timeout={crashes.lease_s}, sleep=0.1)"
    tell(case, SET_NX, spread(times), f"kill -9 of a loop that extends `{lock}` each third, one server")


def side_by_side(crashes: Crashes, measure: Callable[[int], list[float]]) -> list[float]:
    """What all clusters of a case measured."""
    with ProcessPoolExecutor(crashes.clusters) as pool:
        return [time for times in pool.map(measure, range(crashes.clusters)) for time in times]


def own_crashes(crashes: Crashes, instances: int, _number: int) -> list[float]:
    """The share of one cluster of agents."""
    with own_cluster(crashes.lease_s, crashes.candidates, instances) as cluster:
        return [replaced(cluster, signal.SIGKILL, pause) for pause in pauses(crashes)]


def lock_crashes(crashes: Crashes, endpoints: str, number: int) -> list[float]:
    """The share of one group that asks etcd for one lock."""
    command = etcdctl(endpoints, "lock", f"--ttl={crashes.lease_s}", f"lock{crashes}{number}")
    with Peers(command, crashes.candidates) as group:
        return [group.replaced(signal.SIGKILL, pause) for pause in pauses(crashes)]


def set_nx_crashes(crashes: Crashes, url: str, number: int) -> list[float]:
    """The share of one group that asks a server for one lock."""
    command = set_nx(url, f"lock{crashes}{number}", crashes.lease_s)
    with Peers(command, crashes.candidates) as group:
        return [group.replaced(signal.SIGKILL, pause) for pause in pauses(crashes)]


def pauses(crashes: Crashes) -> Iterator[float]:
    """How long each crash of one cluster is waited for, in seconds: new candidates join, and beats pass."""
    for _ in range(-(-crashes.times // crashes.clusters)):
        yield random.uniform(1, 1 + crashes.lease_s / 3)


def etcdctl(endpoints: str, *words: str) -> list[str]:
    """The command line of a client of etcd."""
    return ["etcdctl", f"--endpoints={endpoints}", *words]


def set_nx(url: str, name: str, lease_s: float) -> list[str]:
    """The command line of the loop."""
    return [sys.executable, "-m", "tests.benchmarks.set_nx", url, name, str(lease_s)]


# Hand-overs.


def compare_hand_overs(candidates: int, times: int, instances: int, endpoints: str, url: str) -> None:
    """One case: a step-down, and the ordered end of the leader's process, which is all that peers have."""
    case = f"planned hand-over, {candidates} candidates"
    goals = GOALS[candidates]
    with own_cluster(HAND_OVER_LEASE_S, candidates, instances) as cluster:
        overs = [handed_over(cluster, HAND_OVER_LEASE_S * random.uniform(1.1, 1.6)) for _ in range(times)]
        ends = [replaced(cluster, signal.SIGTERM, random.uniform(1, 2)) for _ in range(times)]
    orders = "`leader step-down --to NODE`"
    tell(case, OWN, spread([over.leaderless_ms for over in overs], **goals), f"{orders}, without a leader")
    tell(case, f"{OWN}, from the order", spread([over.ordered_ms for over in overs]), orders)
    tell(case, f"{OWN}, at its end", spread(ends), "SIGTERM to `leader agent`")
    if endpoints:
        ends = ended(etcdctl(endpoints, "elect", f"elect{candidates}", "VALUE"), candidates, times)
        tell(case, etcd.version(), spread(ends), "SIGINT to `etcdctl elect NAME VALUE`")
    else:
        tell(case, "etcd", (), etcd.ABSENT)
    ends = ended(set_nx(url, f"end{candidates}", HAND_OVER_LEASE_S), candidates, times)
    tell(case, SET_NX, spread(ends), "SIGINT to the loop, which then calls `lock.release()`")


def ended(command: list[str], candidates: int, times: int) -> list[float]:
    """The milliseconds from SIGINT to the leader of a group until another one leads."""
    with Peers(command, candidates) as group:
        return [group.replaced(signal.SIGINT, random.uniform(0.5, 1)) for _ in range(times)]


if __name__ == "__main__":
    sys.exit(main())
