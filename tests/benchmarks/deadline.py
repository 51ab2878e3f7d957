"""How long before the deadline is a job gone that does all it can to stay, when its quorum is lost?

    python -m tests.benchmarks.deadline --times 50

A real agent, three embedded servers that hang all at once, a lease of 2 s, `leader run` with a job that
ignores SIGTERM and has children outside its group. The deadline is the latest that the agent ever answered
with. Goal: no process is left at the deadline.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from leader.clock import now_ns
from leader.errors import AgentUnreachable
from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks.goals import exit_code, judge
from tests.benchmarks.nodes import Cluster, Node
from tests.support.deeds import StubbornJob
from tests.support.polling import until

INSTANCES = 3
NS_PER_MS = 1_000_000


def sure_until_ns(node: Node) -> int:
    """Until when the agent says that this node leads; 0 if it does not say so."""
    asked_ns = now_ns()
    try:
        answer = node.client.leadership()
    except AgentUnreachable:
        return 0
    return asked_ns + answer.remaining_ms * NS_PER_MS if answer.leader else 0


def measure(cluster: Cluster, quorum: EmbeddedQuorum, directory: Path) -> float:
    """By how many milliseconds the whole job was gone before the deadline."""
    node = cluster.wait_for_leader()
    job = StubbornJob(directory, f"job{now_ns()}")
    environment = {"PATH": "/usr/bin:/bin", "LEADER_SOCKET": str(node.socket_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "leader", "run", "--", *job.command],
        env=environment,
        stderr=subprocess.DEVNULL,
    ) as run:
        until(job.has_begun, "the job has begun")
        for index in range(INSTANCES):
            quorum.hang(index)
        deadline_ns = 0
        while job.alive():
            deadline_ns = max(deadline_ns, sure_until_ns(node))
            time.sleep(0.001)
        gone_ns = now_ns()
        while sure := sure_until_ns(node):
            deadline_ns = max(deadline_ns, sure)
        for index in range(INSTANCES):
            quorum.resume(index)
        run.wait()
    return (deadline_ns - gone_ns) / NS_PER_MS


def main() -> int:
    """Measure and print; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    times = parser.parse_args().times
    with (
        tempfile.TemporaryDirectory(prefix="lb-") as folder,
        EmbeddedQuorum(Path(folder) / "q", INSTANCES, "tcp") as quorum,
    ):
        cluster = Cluster(Path(folder), quorum.urls, "2s")
        try:
            cluster.start(1)
            margins = [measure(cluster, quorum, Path(folder)) for _ in range(times)]
        finally:
            cluster.stop()
    late = -min(margins)
    print(
        f"job gone before the deadline: {times} times, median {statistics.median(margins):.0f} ms before, "
        f"at least {min(margins):.0f} ms, {judge('a stubborn job is gone after the deadline', late, 0, 'ms')}"
    )
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
