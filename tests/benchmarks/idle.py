"""What an idle agent costs: resident memory, and the share of a core.

    python -m tests.benchmarks.idle --seconds 60

One leader and one standby, five embedded servers over TCP, a lease of 10 s. Goals: 50 MB, 0.3 % of a core.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import psutil

from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks.goals import exit_code, judge
from tests.benchmarks.nodes import Cluster
from tests.benchmarks.own import settle

INSTANCES = 5


def main() -> int:
    """Measure and print; 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    seconds = parser.parse_args().seconds
    with (
        tempfile.TemporaryDirectory(prefix="lb-") as directory,
        EmbeddedQuorum(Path(directory) / "q", INSTANCES, "tcp") as quorum,
    ):
        cluster = Cluster(Path(directory), quorum.urls, "10s")
        try:
            cluster.start(2)
            leader = cluster.wait_for_leader()
            settle(cluster, 10)
            processes = {name: psutil.Process(node.pid) for name, node in cluster.nodes.items()}
            before = {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}
            settle(cluster, seconds)
            for name, process in processes.items():
                role = "leader " if name == leader.name else "standby"
                share = (sum(process.cpu_times()[:2]) - before[name]) / seconds
                megabytes = process.memory_info().rss / 1e6
                print(
                    f"{role}: {megabytes:.1f} MB resident, {judge(role, megabytes, 50, 'MB')}; "
                    f"{share:.2%} of a core over {seconds:g} s, {judge(role, share * 100, 0.3, '%')}"
                )
        finally:
            cluster.stop()
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
