"""Which leases last while the machine, its disk or the network is in trouble?

    python -m tests.benchmarks.load cores|disk|slow|loss [--quick] [--minutes 15]

Clusters of three agents and three instances side by side, one for each lease, under one burden for so many
minutes: all cores busy, the disk busy, an instance slowed to 200 ms, or one packet in a hundred lost. Counted
are leaderships that ended, and how long nobody led then. Goal: none at 5 s and more.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from leader.tui.read import read_history
from tests.benchmarks.burdens import burdened, lose_packets, losing, slowed
from tests.benchmarks.nodes import Cluster
from tests.benchmarks.rows import OWN, Figure, exit_code, say, tell

LEASES_S = (1, 2, 5, 10)
STEADY_FROM_S = 5
NODES, INSTANCES = 3, 3
CORES = len(os.sched_getaffinity(0))
TOLD_EACH_S = 60
INSIDE = "--inside"


@dataclass(frozen=True, slots=True)
class Burden:
    """What it is called, how it is done, and what does it for the length of a block."""

    name: str
    how: str
    begins: Callable[[], AbstractContextManager[object]] = nullcontext
    slow: bool = False


BURDENS = {
    "cores": Burden(
        "cores busy",
        f"{2 * CORES} processes that compute on {CORES} cores",
        lambda: burdened(*[("spin",)] * 2 * CORES),
    ),
    "disk": Burden(
        "disk busy",
        "2 processes that write 64 MB and fsync, over and over",
        lambda: burdened(*[("write", tempfile.gettempdir())] * 2),
    ),
    "slow": Burden(
        "an instance slowed to 200 ms", "a proxy that delays by 100 ms in each direction", slow=True
    ),
    "loss": Burden("1 % of packets lost", "nftables drops one packet in a hundred", losing),
}


def main() -> int:
    """Measure and tell; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("burden", choices=BURDENS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--minutes", type=float)
    parser.add_argument(INSIDE, action="store_true", help="in a network namespace that was made for it")
    options = parser.parse_args()
    minutes = options.minutes or (0.5 if options.quick else 15)
    if options.burden == "loss":
        return lose(minutes, inside=options.inside)
    observe(BURDENS[options.burden], minutes)
    return exit_code()


def observe(burden: Burden, minutes: float) -> None:
    """A row for each lease."""
    with ExitStack() as stack:
        clusters = {
            lease_s: stack.enter_context(cluster_of(lease_s, slow=burden.slow)) for lease_s in LEASES_S
        }
        with burden.begins():
            watch(burden, minutes, clusters)
        tell_all(burden, minutes, clusters)


def watch(burden: Burden, minutes: float, clusters: dict[int, Cluster]) -> None:
    """Let so many minutes pass, and say each minute what was lost so far."""
    ends = now_ns() + int(minutes * 60e9)
    while (left_s := (ends - now_ns()) / 1e9) > 0:
        time.sleep(min(left_s, TOLD_EACH_S))
        lost = {f"{lease_s} s": endings(cluster)[0] for lease_s, cluster in clusters.items()}
        say(f"   {burden.name}: lost so far, by lease: {lost}")


@contextmanager
def cluster_of(lease_s: float, *, slow: bool) -> Iterator[Cluster]:
    """Three agents on three instances, of which one leads."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lb-")))
        urls = stack.enter_context(EmbeddedQuorum(directory / "q", INSTANCES, "tcp")).urls
        if slow:
            urls = stack.enter_context(slowed(urls))
        cluster = Cluster(directory, urls, f"{lease_s:g}s")
        stack.callback(cluster.stop)
        cluster.start(NODES)
        cluster.wait_for_leader()
        yield cluster


def tell_all(burden: Burden, minutes: float, clusters: dict[int, Cluster]) -> None:
    """The rows of one burden."""
    for lease_s, cluster in clusters.items():
        lost, leaderless_ms = endings(cluster)
        tell(
            f"{burden.name}: lease {lease_s} s",
            OWN,
            [
                Figure("lost", lost, "leaderships", most=0 if lease_s >= STEADY_FROM_S else None),
                Figure("without a leader", leaderless_ms, "ms"),
                Figure("in", minutes, "minutes"),
            ],
            f"{burden.how}; {NODES} agents on {INSTANCES} instances, {len(clusters)} clusters side by side",
        )


def endings(cluster: Cluster) -> tuple[int, int]:
    """How many leaderships have ended, as the nodes remember, and for how many milliseconds nobody led."""
    gaps = {
        view.term: view.gap_ms or 0
        for node in cluster.nodes.values()
        for view in read_history(node.client.history()).leaderships
        if view.ended
    }
    return len(gaps), sum(gaps.values())


def lose(minutes: float, *, inside: bool) -> int:
    """The rows under loss, from a process in a network namespace of its own."""
    burden = BURDENS["loss"]
    if inside and lose_packets():
        observe(burden, minutes)
    elif inside:
        tell(burden.name, OWN, (), "absent: apt install nftables, and a kernel that has it")
    elif os.geteuid() == 0:
        again = ["unshare", "--net", sys.executable, "-m", "tests.benchmarks.load", "loss", INSIDE]
        return subprocess.run([*again, "--minutes", str(minutes)], check=False).returncode
    else:
        tell(burden.name, OWN, (), "absent: a network namespace needs root")
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
