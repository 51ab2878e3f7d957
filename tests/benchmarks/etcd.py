"""A three-node etcd on this machine, as a peer to measure against; absent where it is not installed.

On Debian: `apt install etcd-server etcd-client`. The nodes listen on loopback ports and write to the disk as
etcd does by itself.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from leader.clock import now_ns
from tests.support.ports import free_port

NODES = 3
PATIENCE_NS = 30_000_000_000
ABSENT = "absent: apt install etcd-server etcd-client"


@dataclass(frozen=True, slots=True)
class Etcd:
    """The running nodes."""

    endpoints: str
    processes: tuple[subprocess.Popen[bytes], ...]

    def command(self, *words: str) -> list[str]:
        """`etcdctl` with these words."""
        return ["etcdctl", f"--endpoints={self.endpoints}", *words]

    def is_healthy(self) -> bool:
        """Whether every node takes part."""
        done = subprocess.run(self.command("endpoint", "health"), capture_output=True, check=False)
        return done.returncode == 0


def is_here() -> bool:
    """Whether server and client are installed."""
    return all(shutil.which(program) for program in ("etcd", "etcdctl"))


def version() -> str:
    """Such as `etcd 3.4.23`."""
    if not is_here():
        return "etcd"
    said = subprocess.run(["etcd", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Version: (\S+)", said)
    return f"etcd {found[1]}" if found else "etcd"


@contextmanager
def etcd_of(directory: Path) -> Iterator[Etcd]:
    """Three nodes that have agreed on a leader; they are killed at the end."""
    ports = [free_port() for _ in range(2 * NODES)]
    clients = [f"http://127.0.0.1:{port}" for port in ports[:NODES]]
    peers = [f"http://127.0.0.1:{port}" for port in ports[NODES:]]
    everyone = ",".join(f"e{number}={url}" for number, url in enumerate(peers))
    with ExitStack() as stack:
        processes = []
        for number, (client, peer) in enumerate(zip(clients, peers, strict=True)):
            log = stack.enter_context((directory / f"etcd{number}.log").open("wb"))
            command = [
                *("etcd", "--name", f"e{number}", "--data-dir", str(directory / f"etcd{number}")),
                *("--listen-client-urls", client, "--advertise-client-urls", client),
                *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                *("--initial-cluster", everyone, "--initial-cluster-state", "new"),
            ]
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            processes.append(stack.enter_context(process))
            stack.callback(process.kill)
        cluster = Etcd(",".join(clients), tuple(processes))
        deadline = now_ns() + PATIENCE_NS
        while not cluster.is_healthy():
            if now_ns() > deadline:
                raise TimeoutError(f"etcd does not become healthy; see {directory}/etcd0.log")
            time.sleep(0.1)
        yield cluster
