"""Which leases last while the machine, its disk or the network is in trouble?

    python -m tests.benchmarks.load [--quick] [--minutes 15]

Clusters of three agents and three instances side by side, one for each lease, under one burden after the
other, for so many minutes each: all cores busy, the disk busy, an instance slowed to 200 ms, one packet in a
hundred lost. Counted are leaderships that ended, and how long nobody led then. Goal: none at 5 s and more.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from leader.instances.embedded import EmbeddedQuorum
from leader.tui.read import read_history
from tests.benchmarks.burdens import burdened, lose_packets, slowed
from tests.benchmarks.nodes import Cluster
from tests.benchmarks.rows import OWN, Figure, exit_code, tell

LEASES_S = (1, 2, 5, 10)
STEADY_FROM_S = 5
NODES, INSTANCES = 3, 3
CORES = len(os.sched_getaffinity(0))
LOSS = "1 % of packets lost"


def main() -> int:
    """Measure and tell; 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--loss", action="store_true", help="only the loss, in the namespace of this process")
    options = parser.parse_args()
    minutes = options.minutes or (0.5 if options.quick else 15)
    if options.loss:
        return only_loss(minutes)
    lowest = max(
        observe("cores busy", minutes, lambda: burdened(*[("spin",)] * 2 * CORES)),
        observe("disk busy", minutes, lambda: burdened(*[("write", tempfile.gettempdir())] * 2)),
        observe("an instance slowed to 200 ms", minutes, nullcontext, slow=True),
    )
    tell("the lowest lease that lost no leadership under any of these", OWN, [Figure("lease", lowest, "s")])
    code = lose(minutes)
    return code or exit_code()


def observe(
    burden: str, minutes: float, begins: Callable[[], AbstractContextManager[object]], *, slow: bool = False
) -> float:
    """A row for each lease; the lowest lease that lasted with all that are longer."""
    with ExitStack() as stack:
        clusters = {lease_s: stack.enter_context(cluster_of(lease_s, slow=slow)) for lease_s in LEASES_S}
        with begins():
            time.sleep(minutes * 60)
        return tell_all(burden, minutes, clusters)


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


def tell_all(burden: str, minutes: float, clusters: dict[int, Cluster]) -> float:
    """The rows of one burden; what is returned is infinite if no lease lasted."""
    lowest, lasts = float("inf"), True
    for lease_s, cluster in sorted(clusters.items(), reverse=True):
        lost, leaderless_ms = endings(cluster)
        lasts = lasts and not lost
        lowest = lease_s if lasts else lowest
        tell(
            f"{burden}: lease {lease_s} s",
            OWN,
            [
                Figure("lost", lost, "leaderships", most=0 if lease_s >= STEADY_FROM_S else None),
                Figure("without a leader", leaderless_ms, "ms"),
                Figure("in", minutes, "minutes"),
            ],
        )
    return lowest


def endings(cluster: Cluster) -> tuple[int, int]:
    """How many leaderships have ended, as the nodes remember, and for how many milliseconds nobody led."""
    gaps = {
        view.term: view.gap_ms or 0
        for node in cluster.nodes.values()
        for view in read_history(node.client.history()).leaderships
        if view.ended
    }
    return len(gaps), sum(gaps.values())


# Loss of packets.


def lose(minutes: float) -> int:
    """The rows under loss, from a process in a network namespace of its own."""
    command = ["unshare", "--net", sys.executable, "-m", "tests.benchmarks.load", "--loss"]
    if os.geteuid() == 0:
        return subprocess.run([*command, "--minutes", str(minutes)], check=False).returncode
    tell(LOSS, OWN, (), "absent: a network namespace needs root")
    return 0


def only_loss(minutes: float) -> int:
    """The rows under loss."""
    if lose_packets():
        observe(LOSS, minutes, nullcontext)
    else:
        tell(LOSS, OWN, (), "absent: apt install nftables, and a kernel that has it")
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
