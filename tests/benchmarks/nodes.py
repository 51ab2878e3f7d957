"""Real agents on an embedded quorum, for benchmarks: start, kill, and see who gained leadership when.

What happens is read from each agent's `/v1/events`, so nothing is polled and the agents are not disturbed.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from leader.api.client import Client
from leader.clock import now_ns
from leader.errors import AgentUnreachable

PATIENCE_NS = 60_000_000_000
POLL_S = 0.002


@dataclass(slots=True)
class Node:
    """One agent as a process; `stream` follows its changes."""

    name: str
    directory: Path
    config: Path
    process: subprocess.Popen[bytes] | None = None
    stream: socket.socket | None = None
    buffered: bytes = b""

    @property
    def socket_path(self) -> Path:
        """Where it listens."""
        return self.directory / "leader.sock"

    @property
    def client(self) -> Client:
        """Asks it."""
        return Client(self.socket_path)

    @property
    def pid(self) -> int:
        """Its process id, while it runs."""
        assert self.process is not None
        return self.process.pid


@dataclass(slots=True)
class Cluster:
    """Several nodes of one cluster, with one election."""

    directory: Path
    urls: list[str]
    lease: str
    nodes: dict[str, Node] = field(default_factory=dict)
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def start(self, count: int) -> None:
        """Start so many agents and follow them."""
        config = self.directory / "leader.toml"
        instances = json.dumps(self.urls)
        config.write_text(f'cluster = "bench"\n[quorum]\ninstances = {instances}\nlease = "{self.lease}"\n')
        for number in range(count):
            name = f"n{number}"
            self.nodes[name] = Node(name, self.directory / name, config)
            self.launch(name)
        for name in self.nodes:
            self.follow(name)

    def launch(self, name: str) -> None:
        """Start one agent's process."""
        node = self.nodes[name]
        node.directory.mkdir(exist_ok=True)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("LEADER_")}
        environment |= {
            "LEADER_RUNTIME_DIR": str(node.directory),
            "LEADER_STATE_DIR": str(node.directory / "state"),
        }
        with (node.directory / "log").open("ab") as log:
            node.process = subprocess.Popen(
                [sys.executable, "-m", "leader", "agent", "--config", str(node.config), "--node", name],
                env=environment,
                stderr=log,
                stdout=log,
                start_new_session=True,
            )

    def follow(self, name: str) -> None:
        """Open the stream of one agent's changes, once it answers."""
        node = self.nodes[name]
        deadline = now_ns() + PATIENCE_NS
        while now_ns() < deadline:
            stream = socket.socket(socket.AF_UNIX)
            try:
                stream.connect(str(node.socket_path))
            except OSError:
                stream.close()
                time.sleep(POLL_S)  # it starts, and others may be measured meanwhile
                continue
            stream.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
            node.stream, node.buffered = stream, b""
            self.selector.register(stream, selectors.EVENT_READ, node)
            return
        raise TimeoutError(f"{name} does not answer")

    def forget(self, name: str) -> None:
        """Stop following one agent, and collect its process."""
        node = self.nodes[name]
        if node.stream is not None:
            self.selector.unregister(node.stream)
            node.stream.close()
            node.stream = None
        if node.process is not None:
            node.process.wait(timeout=30)

    def leader(self) -> Node | None:
        """The node that says it leads."""
        for node in self.nodes.values():
            if node.stream is not None and self._leads(node):
                return node
        return None

    @staticmethod
    def _leads(node: Node) -> bool:
        try:
            return node.client.is_leader()
        except AgentUnreachable:
            return False

    def wait_for_leader(self) -> Node:
        """The leader, as soon as there is one."""
        deadline = now_ns() + PATIENCE_NS
        while now_ns() < deadline:
            if (node := self.leader()) is not None:
                return node
            time.sleep(POLL_S)
        raise TimeoutError("nobody leads")

    def next_gain(self, timeout_s: float) -> Node:
        """The next node that tells of having gained leadership."""
        deadline = now_ns() + int(timeout_s * 1e9)
        while (left := (deadline - now_ns()) / 1e9) > 0:
            for key, _ in self.selector.select(left):
                node: Node = key.data
                node.buffered += key.fileobj.recv(65_536)  # type: ignore[union-attr]
                *lines, node.buffered = node.buffered.split(b"\n")
                if any(b'"gained"' in line and b'"snapshot"' not in line for line in lines):
                    return node
        raise TimeoutError("nobody gained leadership")

    def next_loss(self, node: Node, timeout_s: float) -> int:
        """The instant at which this node tells that it leads no more."""
        assert node.stream is not None
        deadline = now_ns() + int(timeout_s * 1e9)
        while now_ns() < deadline:
            node.stream.settimeout((deadline - now_ns()) / 1e9)
            node.buffered += node.stream.recv(65_536)
            at = now_ns()
            *lines, node.buffered = node.buffered.split(b"\n")
            if any(b'"event": "lost"' in line for line in lines):
                return at
        raise TimeoutError(f"{node.name} has lost nothing")

    def drain(self) -> None:
        """Read and forget what the agents told so far."""
        while ready := self.selector.select(0):
            for key, _ in ready:
                if not key.fileobj.recv(65_536):  # type: ignore[union-attr]
                    self.selector.unregister(key.fileobj)
                key.data.buffered = b""

    def stop(self) -> None:
        """End every agent."""
        for node in self.nodes.values():
            if node.process is not None and node.process.poll() is None:
                node.process.send_signal(signal.SIGTERM)
        for node in self.nodes.values():
            if node.process is not None:
                node.process.wait(timeout=30)
            if node.stream is not None:
                node.stream.close()
        self.selector.close()
