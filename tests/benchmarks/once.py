"""What does `leader once` cost: on the leader, on the other nodes, and when a whole crontab ticks at once?

    python -m tests.benchmarks.once --starts 100 --leaves 50 --jobs 200

Real agents, three nodes, five embedded servers, a lease of 10 s, the command as it is installed. Goals: a job
starts at most 40 ms later than without (median); another node leaves within 10 ms of the claim (median);
of 200 jobs in one second each starts once, and a client of the leading agent has a p99 under 100 ms
meanwhile. Agents and that client have sessions of their own, as a service has.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks.goals import exit_code, judge
from tests.benchmarks.nodes import Cluster, Node

INSTANCES, NODES, LEASE = 5, 3, "10s"
NS_PER_MS = 1_000_000
STARTS, LEAVES = "a job starts later than alone (median)", "another node leaves after the claim (median)"
COMMAND = str(Path(sys.executable).with_name("leader"))
TELL_TIME = [
    sys.executable,
    "-I",
    "-S",
    "-c",
    "import time; print(time.clock_gettime_ns(time.CLOCK_BOOTTIME))",
]


def environment(node: Node) -> dict[str, str]:
    """What a process of that node is told."""
    return {"PATH": os.environ.get("PATH", ""), "LEADER_SOCKET": str(node.socket_path)}


def once(node: Node, job: str, *command: str) -> "subprocess.Popen[str]":
    """`leader once` on that node."""
    return subprocess.Popen(
        [COMMAND, "once", job, "--gap", "10m", "--wait", "1m", "--", *command],
        env=environment(node),
        stdout=subprocess.PIPE,
        text=True,
    )


def started_after_ms(command: list[str], node: Node) -> float:
    """How long until the job that tells the time has begun to, in milliseconds."""
    began_ns = now_ns()
    done = subprocess.run(command, env=environment(node), capture_output=True, text=True, check=True)
    return (int(done.stdout) - began_ns) / NS_PER_MS


def measure_starts(leader: Node, count: int) -> None:
    """A job under `once`, beside the same job alone, in turns."""
    alone, guarded = [], []
    for number in range(count):
        alone.append(started_after_ms(TELL_TIME, leader))
        guarded.append(started_after_ms([COMMAND, "once", f"start{number}", "--", *TELL_TIME], leader))
    added = statistics.median(guarded) - statistics.median(alone)
    print(
        f"start on the leader: {count} times, alone {statistics.median(alone):.1f} ms, under once "
        f"{statistics.median(guarded):.1f} ms (medians), added {added:.1f} ms, "
        f"{judge(STARTS, added, 40, 'ms')}",
        flush=True,
    )


class Claims:
    """When the leading agent told of which claim."""

    def __init__(self, node: Node) -> None:
        self._stream = socket.socket(socket.AF_UNIX)
        self._stream.connect(str(node.socket_path))
        self._stream.sendall(b"GET /v1/events HTTP/1.0\r\n\r\n")
        self._buffered = b""

    def moment_ns(self, job: str) -> int:
        """When the claim of that job was told, on this host's clock."""
        while True:
            self._buffered += self._stream.recv(65_536)
            received_ns = now_ns()
            *lines, self._buffered = self._buffered.split(b"\n")
            if any(b'"tick-claimed"' in line and f'"{job}"'.encode() in line for line in lines):
                return received_ns


def measure_leaves(leader: Node, other: Node, count: int) -> None:
    """A `once` that waits on another node, from the claim to its end."""
    claims, late = Claims(leader), []
    for number in range(count):
        job = f"leave{number}"
        waiter = once(other, job, "false")
        settle(waiter)
        claimer = once(leader, job, "true")
        claimed_ns = claims.moment_ns(job)
        assert waiter.wait() == 0
        late.append((now_ns() - claimed_ns) / NS_PER_MS)
        claimer.communicate()
    print(
        f"another node leaves: {count} times, {statistics.median(late):.1f} ms after the claim (median), "
        f"worst {max(late):.1f} ms, {judge(LEAVES, statistics.median(late), 10, 'ms')}",
        flush=True,
    )


def settle(waiter: "subprocess.Popen[str]") -> None:
    """Give a process time to have asked its agent; it must not end by itself."""
    try:
        waiter.wait(0.3)
    except subprocess.TimeoutExpired:
        return
    raise AssertionError("it did not wait")


ASK = """
import sys, time
from leader.api.unix import UnixConnection
from leader.clock import now_ns
connection = UnixConnection(sys.argv[1], now_ns() + 3600 * 10**9)
print("asks", flush=True)
while True:
    began_ns = now_ns()
    connection.request("GET", "/leader")
    connection.getresponse().read()
    print((now_ns() - began_ns) / 1e6, flush=True)
    time.sleep(0.01)
"""


class Asker:
    """A client that asks the agent all the time on one connection: a process and a session of its own."""

    def __init__(self, node: Node) -> None:
        command = [sys.executable, "-c", ASK, str(node.socket_path)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "asks\n"

    def end(self) -> list[float]:
        """Stop asking; how long each answer took, in milliseconds, the shortest first."""
        self._process.terminate()
        said, _ = self._process.communicate()
        return sorted(float(line) for line in said.splitlines() if line.endswith(tuple("0123456789")))


def measure_crowd(cluster: Cluster, leader: Node, count: int) -> None:
    """So many jobs at once on every node."""
    asker, began_ns = Asker(leader), now_ns()
    calls = [
        once(node, f"crowd{number}", "echo", f"crowd{number}")
        for number in range(count)
        for node in cluster.nodes.values()
    ]
    said = [call.communicate()[0] for call in calls]
    took_s = (now_ns() - began_ns) / 1e9
    times = asker.end()
    starts = Counter(line.strip() for line in said if line)
    right = sum(starts[f"crowd{number}"] == 1 for number in range(count))
    failed = sum(call.returncode != 0 for call in calls)
    p99 = times[int(len(times) * 0.99)]
    meanwhile, wrong = f"a client meanwhile, {count} jobs", f"of {count} jobs, not started once"
    print(
        f"{count} jobs on {len(cluster.nodes)} nodes at once: {right} started once, {failed} calls failed, "
        f"all done after {took_s:.1f} s; a client meanwhile, {len(times)} questions: median "
        f"{statistics.median(times):.1f} ms, p99 {p99:.1f} ms, {judge(meanwhile, p99, 100, 'ms')}; "
        f"wrong: {judge(wrong, count - right + failed, 0, '')}",
        flush=True,
    )
    shown = json.dumps(leader.client.status()["jobs"])
    print(f"the ledger of all of them: {len(shown) / 1000:.0f} kB of JSON", flush=True)


def main() -> int:
    """Measure and print; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=100)
    parser.add_argument("--leaves", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=200)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="lb-") as directory,
        EmbeddedQuorum(Path(directory) / "q", INSTANCES, "tcp") as quorum,
    ):
        cluster = Cluster(Path(directory), quorum.urls, LEASE)
        try:
            cluster.start(NODES)
            leader = cluster.wait_for_leader()
            other = next(node for node in cluster.nodes.values() if node is not leader)
            measure_starts(leader, options.starts)
            measure_leaves(leader, other, options.leaves)
            measure_crowd(cluster, leader, options.jobs)
        finally:
            cluster.stop()
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
