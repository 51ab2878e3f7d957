"""What a load balancer's probe costs: requests per second of `/leader`, a connection each, on one core.

    python -m tests.benchmarks.probes --requests 20000

`ab` asks over TCP, on another core if there is one. Since the machine may be shared, what counts is the
agent's own time: requests per second of its CPU. Asked are a leader and a standby. Goal: 8,000.
"""

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks.goals import exit_code, judge_least
from tests.support.agents import Cluster, Node, Settings

GOAL = 8000
METHODS = {"GET": (), "HEAD": ("-i",), "OPTIONS": ("-m", "OPTIONS")}


def free_port() -> int:
    """A port of this machine that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def measure(node: Node, port: int, requests: int, options: tuple[str, ...]) -> tuple[float, float]:
    """Requests per second of the agent's CPU, and per second of the wall clock."""
    agent = psutil.Process(node.pid)
    before = sum(agent.cpu_times()[:2])
    command = ["ab", "-q", "-n", str(requests), "-c", "16", *options, f"http://127.0.0.1:{port}/leader"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    spent = sum(agent.cpu_times()[:2]) - before
    found = re.search(r"Requests per second: +([\d.]+)", done.stdout)
    assert found, done.stdout
    return requests / spent, float(found[1])


def main() -> int:
    """Measure and print; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    requests = parser.parse_args().requests
    ports = {name: free_port() for name in "ab"}
    with (
        tempfile.TemporaryDirectory(prefix="lb-") as directory,
        EmbeddedQuorum(Path(directory) / "q", 3, "tcp") as quorum,
    ):
        cluster = Cluster(Path(directory), Settings(quorum.urls, "10s"), "")
        for name, port in ports.items():
            cluster.add(name, Settings(quorum.urls, "10s", more=f'[api]\nlisten = "127.0.0.1:{port}"'))
        with cluster:
            if len(cores := sorted(os.sched_getaffinity(0))) > 1:
                with suppress(OSError):
                    os.sched_setaffinity(0, cores[1:])
                    for node in cluster.nodes.values():
                        os.sched_setaffinity(node.pid, cores[:1])
            leader = cluster.settle(instances=0)
            for name, node in cluster.nodes.items():
                role = "leader " if node is leader else "standby"
                for method, options in METHODS.items():
                    measure(node, ports[name], requests // 10, options)
                    per_cpu, per_s = measure(node, ports[name], requests, options)
                    told = judge_least(f"{role} {method}", per_cpu, GOAL, "requests per CPU second")
                    print(
                        f"{role} {method:7}: {per_cpu:,.0f} requests per CPU second, {told}; {per_s:,.0f}/s"
                    )
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
