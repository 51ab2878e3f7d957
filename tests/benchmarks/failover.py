"""How long nobody leads: after a crash of the leader, and at a planned hand-over; beside what peers do.

    python -m tests.benchmarks.failover crashes --lease 2 [--candidates 3] [--times 100]
    python -m tests.benchmarks.failover hand-overs --candidates 3 [--times 100]

Real agents and embedded servers, `etcdctl lock` and `etcdctl elect` on three etcd nodes, and the lock of
redis-py. A crash is `kill -9` of the leader's process, at any moment of a beat; the time runs until another
candidate says that it leads. Crashes of all contenders, in some clusters of each, are waited for side by
side, since waiting is all that they do; hand-overs, which take milliseconds, come in turns, one at a time,
and who observes them goes before all that is observed. Goals: a crash costs at most the lease and 100 ms
(p99); a hand-over 4 ms with 3 candidates (p50), and 20 ms with 20 (p99).
"""

import argparse
import random
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks import etcd
from tests.benchmarks.own import HandOver, handed_over, own_cluster, replaced
from tests.benchmarks.peers import Peers
from tests.benchmarks.precedence import how_observed
from tests.benchmarks.rows import OWN, exit_code, spread, tell

HAND_OVER_LEASE_S = 2
BEFORE_OWN_S, BEFORE_PEERS_S = (0.4, 0.4 + HAND_OVER_LEASE_S / 3), (0.4, 0.6)
"""How long nothing is done before a hand-over: what was started is there, and a beat has come or not."""
SET_NX = "SET NX PX"
TOLERATED_MS = 100
INSTANCES = 3
GOALS = {3: {"p50": 4.0}, 20: {"p99": 20.0}}
"""Of a hand-over, by the number of candidates."""
PLANNED = {1: (100, 3), 2: (100, 3), 5: (30, 5), 10: (30, 5)}
"""By lease: how many crashes, in how many clusters of each contender."""
CROWD_TIMES = 30


@dataclass(frozen=True, slots=True)
class Crashes:
    """How often the leader of so many candidates crashes at this lease, in so many clusters side by side."""

    lease_s: int
    candidates: int
    times: int
    clusters: int


def main() -> int:
    """Measure and tell; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["crashes", "hand-overs"])
    parser.add_argument("--lease", type=int, default=2, choices=PLANNED)
    parser.add_argument("--candidates", type=int, default=3, choices=GOALS)
    parser.add_argument("--times", type=int)
    options = parser.parse_args()
    with peers() as (endpoints, url):
        if options.what == "crashes":
            times, clusters = PLANNED[options.lease] if options.candidates == 3 else (CROWD_TIMES, 1)
            times = options.times or times
            crashes = Crashes(options.lease, options.candidates, times, min(times, clusters))
            compare_crashes(crashes, endpoints, url)
        else:
            compare_hand_overs(options.candidates, options.times or 100, endpoints, url)
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


def compare_crashes(crashes: Crashes, endpoints: str, url: str) -> None:
    """One case: the agents, etcd, and the lock, all at once."""
    case = f"crash of the leader, lease {crashes.lease_s} s, {crashes.candidates} candidates"
    measures: list[Callable[[int], list[float]]] = [
        partial(own_crashes, crashes),
        *([partial(lock_crashes, crashes, endpoints)] if endpoints else []),
        partial(set_nx_crashes, crashes, url),
    ]
    own, *locks, loop = side_by_side(crashes, measures)
    goal = crashes.lease_s * 1000 + TOLERATED_MS
    clusters = f"{crashes.clusters} such cluster{'s' if crashes.clusters > 1 else ''} of each contender"
    tell(
        case,
        OWN,
        spread(own, p99=goal),
        f"kill -9 of `leader agent`, {INSTANCES} instances; {clusters} side by side",
    )
    lock = f"`etcdctl lock --ttl={crashes.lease_s} NAME`"
    for times in locks:
        tell(case, etcd.version(), spread(times), f"kill -9 of {lock}, {etcd.NODES} nodes")
    if not locks:
        tell(case, "etcd", (), etcd.ABSENT)
    lock = f"`redis.lock.Lock(client, NAME, timeout={crashes.lease_s}, sleep=0.1)`"
    tell(case, SET_NX, spread(loop), f"kill -9 of a loop that extends {lock} each third, one server")


def side_by_side(crashes: Crashes, measures: list[Callable[[int], list[float]]]) -> list[list[float]]:
    """What all clusters of each contender measured, all of them at the same time."""
    with ProcessPoolExecutor(crashes.clusters * len(measures)) as pool:
        pending = [
            [pool.submit(measure, number) for number in range(crashes.clusters)] for measure in measures
        ]
        return [[time for one in each for time in one.result()] for each in pending]


def own_crashes(crashes: Crashes, _number: int) -> list[float]:
    """The share of one cluster of agents."""
    with own_cluster(crashes.lease_s, crashes.candidates, INSTANCES) as cluster:
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


def compare_hand_overs(candidates: int, times: int, endpoints: str, url: str) -> None:
    """One case: a step-down, and the ordered end of the leader's process, which is all that peers have."""
    case = f"planned hand-over, {candidates} candidates"
    goals = GOALS[candidates]
    overs: list[HandOver] = []
    ends: dict[str, list[float]] = {"own": [], "etcd": [], "loop": []}
    with ExitStack() as stack:
        cluster = stack.enter_context(own_cluster(HAND_OVER_LEASE_S, candidates, INSTANCES))
        elect = etcdctl(endpoints, "elect", f"elect{candidates}", "VALUE")
        electing = stack.enter_context(Peers(elect, candidates)) if endpoints else None
        looping = stack.enter_context(Peers(set_nx(url, f"end{candidates}", HAND_OVER_LEASE_S), candidates))
        for _ in range(times):
            overs.append(handed_over(cluster, random.uniform(*BEFORE_OWN_S)))
            if electing:
                ends["etcd"].append(electing.replaced(signal.SIGINT, random.uniform(*BEFORE_PEERS_S)))
            ends["own"].append(replaced(cluster, signal.SIGTERM, random.uniform(*BEFORE_OWN_S)))
            ends["loop"].append(looping.replaced(signal.SIGINT, random.uniform(*BEFORE_PEERS_S)))
    orders = f"`leader step-down --to NODE`, {how_observed()}, in turns with the peers"
    tell(case, OWN, spread([over.leaderless_ms for over in overs], **goals), f"{orders}; without a leader")
    tell(case, f"{OWN}, from the order", spread([over.ordered_ms for over in overs]), orders)
    tell(case, f"{OWN}, at its end", spread(ends["own"]), "SIGTERM to `leader agent`")
    if electing:
        tell(case, etcd.version(), spread(ends["etcd"]), "SIGINT to `etcdctl elect NAME VALUE`")
    else:
        tell(case, "etcd", (), etcd.ABSENT)
    released = "SIGINT to the loop, which then calls `lock.release()`"
    tell(case, SET_NX, spread(ends["loop"]), released)


if __name__ == "__main__":
    sys.exit(main())
