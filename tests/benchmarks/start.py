"""How long until a command is there: the agent's socket answers; `status`, help and completion have shown.

    python -m tests.benchmarks.start [--quick]

Whole processes of the installed command, in turns with `python -I -c pass`, beside the same of etcd. An agent
has started when its socket answers `/livez`; a node of etcd when its health is answered.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from leader.api.unix import UnixConnection
from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks import etcd
from tests.benchmarks.rows import OWN, exit_code, spread, tell
from tests.support.agents import Cluster, Node, Settings
from tests.support.polling import until
from tests.support.ports import fetch, free_port

COMMAND = str(Path(sys.executable).with_name("leader"))
BARE = [sys.executable, "-I", "-c", "pass"]
PATIENCE_NS = 30_000_000_000
COMPLETES = (
    'source "$0"; COMP_WORDS=(leader st); COMP_CWORD=1; _leader leader st leader; echo "${COMPREPLY[@]}"'
)


def main() -> int:
    """Measure and tell; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    times = 5 if parser.parse_args().quick else 50
    with (
        tempfile.TemporaryDirectory(prefix="lb-") as directory,
        EmbeddedQuorum(Path(directory) / "q", 3, "tcp") as quorum,
        Cluster(Path(directory), Settings(quorum.urls, "10s"), "a") as cluster,
    ):
        node = cluster.nodes["a"]
        until(node.leads, "the only node leads")
        show_commands(node, completing(Path(directory)), times)
        newcomer = cluster.add("b", Settings(quorum.urls, "10s"))
        started = [agent_started_ms(newcomer) for _ in range(times)]
        tell("start of a server", OWN, spread(started), "`leader agent`, until `GET /livez` is answered")
        show_etcd(Path(directory), times)
    return exit_code()


def completing(directory: Path) -> list[str]:
    """A bash that completes one word, as it does at a press of the tab key."""
    subprocess.run([sys.executable, "-m", "leader.manual", "completions", str(directory)], check=True)
    return ["bash", "-c", COMPLETES, str(directory / "leader.bash")]


def show_commands(node: Node, completes: list[str], times: int) -> None:
    """A row for each command, and for what there is to compare it with."""
    environment = {"PATH": os.defpath, "LEADER_SOCKET": str(node.socket)}
    etcdctl = ["etcdctl"] if etcd.is_here() else []
    commands = {
        ("bare interpreter", "python"): ("`python -I -c pass`", BARE),
        ("status", OWN): ("`leader status`, one election", [COMMAND, "status"]),
        ("help", OWN): ("`leader --help`", [COMMAND, "--help"]),
        ("help", etcd.version()): ("`etcdctl --help`", [*etcdctl, "--help"] if etcdctl else []),
        ("help of a command", OWN): ("`leader status --help`", [COMMAND, "status", "--help"]),
        ("completion of a word", OWN): ("`leader st<Tab>` in bash, with the bash itself", completes),
        ("completion of a word", "bash"): ("`bash -c true`", ["bash", "-c", "true"]),
        ("version", OWN): ("`leader --version`", [COMMAND, "--version"]),
        ("version", etcd.version()): ("`etcdctl version`", [*etcdctl, "version"] if etcdctl else []),
    }
    took: dict[tuple[str, str], list[float]] = {key: [] for key in commands}
    for turn in range(times + 1):
        for key, (_, command) in commands.items():
            if command:
                elapsed = timed_ms(command, environment)
                took[key] += [elapsed] if turn else []  # the first one warms the caches
    for key, (how, command) in commands.items():
        case, who = key
        tell(case, who, spread(took[key]) if command else (), how if command else etcd.ABSENT)


def timed_ms(command: list[str], environment: dict[str, str]) -> float:
    """What a whole process takes, in milliseconds."""
    began = now_ns()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return (now_ns() - began) / 1e6


def agent_started_ms(node: Node) -> float:
    """From the start of an agent's process until its socket answers, in milliseconds; it is ended then."""
    began = now_ns()
    node.start(wait=False)
    poll(lambda: is_alive(node))
    took = (now_ns() - began) / 1e6
    node.stop()
    return took


def is_alive(node: Node) -> bool:
    """Whether the agent's socket answers that its loops turn."""
    try:
        connection = UnixConnection(str(node.socket), now_ns() + PATIENCE_NS)
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except OSError:
        return False


def poll(condition: Callable[[], bool]) -> None:
    """Ask each millisecond until it is so."""
    deadline = now_ns() + PATIENCE_NS
    while not condition():
        if now_ns() > deadline:
            raise TimeoutError("it does not start")
        time.sleep(0.001)


def show_etcd(directory: Path, times: int) -> None:
    """The row of a single node of etcd, which needs no other one to answer."""
    if not etcd.is_here():
        tell("start of a server", "etcd", (), etcd.ABSENT)
        return
    took = [etcd_started_ms(directory / f"alone{number}") for number in range(times)]
    tell(
        "start of a server", etcd.version(), spread(took), "`etcd`, one node, until `GET /health` is answered"
    )


def etcd_started_ms(directory: Path) -> float:
    """From the start of a node of etcd until it is healthy, in milliseconds; it is ended then."""
    port, peer = free_port(), free_port()
    command = [
        *("etcd", "--data-dir", str(directory), "--initial-cluster", f"default=http://127.0.0.1:{peer}"),
        *("--listen-client-urls", f"http://127.0.0.1:{port}"),
        *("--advertise-client-urls", f"http://127.0.0.1:{port}"),
        *("--listen-peer-urls", f"http://127.0.0.1:{peer}"),
        *("--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}"),
    ]
    began = now_ns()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            poll(lambda: is_healthy(port))
            return (now_ns() - began) / 1e6
        finally:
            process.kill()


def is_healthy(port: int) -> bool:
    """Whether a node of etcd says that it is well."""
    try:
        return fetch(port, "/health").status == 200
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
