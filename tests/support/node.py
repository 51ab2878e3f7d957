"""One node of a cluster under test: a real agent as a process, its files, and what it says.

Only processes that were started here are ever ended, by their ids.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leader.api.client import Client
from leader.api.unix import UnixConnection
from leader.clock import now_ns
from leader.errors import AgentUnreachable, UnknownElection
from leader.instances.group import OwnedGroup
from leader.protocol.snapshot import Leadership
from tests.support.polling import NS_PER_S, PATIENCE_S, until

PROJECT = Path(__file__).resolve().parents[2]
CLUSTER = "test"
LEASE_MS = 2000
LEASE_S = LEASE_MS / 1000
BEAT_S = LEASE_S / 3
SURE_S = LEASE_S * 0.9


@dataclass(frozen=True, slots=True)
class Settings:
    """What a configuration file says; `more` is TOML that is appended."""

    urls: Sequence[str]
    lease: str = f"{LEASE_MS}ms"
    elections: dict[str, int] = field(default_factory=dict)
    """Name to priority; none of them makes the one called `default`."""
    more: str = ""
    generation: int = 1
    previous: "Settings | None" = None
    """The list and the lease before the change that is under way."""

    def text(self, node: str) -> str:
        """The file, for this node."""
        lines = [
            f'cluster = "{CLUSTER}"',
            f'[node]\nname = "{node}"',
            f"[quorum]\ngeneration = {self.generation}",
            self._list_and_lease(),
        ]
        if self.previous is not None:
            lines += ["[quorum.previous]", self.previous._list_and_lease()]
        lines += [f"[elections.{name}]\npriority = {value}" for name, value in self.elections.items()]
        return "\n".join([*lines, self.more, ""])

    def _list_and_lease(self) -> str:
        return f'instances = {json.dumps(list(self.urls))}\nlease = "{self.lease}"'


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended: its exit code and what it said."""

    code: int
    output: str
    complaint: str = ""


class Node:
    """One node: its files, and its agent's process while it runs."""

    def __init__(self, name: str, directory: Path, settings: Settings, group: OwnedGroup) -> None:
        self.name = name
        self.directory = directory / name
        self.socket = self.directory / "leader.sock"
        self.state = self.directory / "state"
        self.config = self.directory / "leader.toml"
        self.log_file = self.directory / "log"
        self.environment: dict[str, str] = {}
        """Beside the places, which each process gets."""
        self.entrance: tuple[str, ...] = ()
        """The command that its processes are started through, such as one that enters a namespace."""
        self.process: subprocess.Popen[bytes] | None = None
        self._group = group
        self.directory.mkdir(parents=True)
        self.configure(settings)

    def __str__(self) -> str:
        return self.name

    # Its agent's process.

    def configure(self, settings: Settings) -> None:
        """Write the configuration, for the next start or reload."""
        self.settings = settings
        self.config.write_text(settings.text(self.name))

    def start(self, *options: str, wait: bool = True) -> None:
        """Start the agent, and wait until it answers."""
        assert not self.runs, f"{self} runs already"
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.command("agent", "--config", str(self.config), *options),
                env=self.places() | self.environment,
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=self._group.id,
            )
        if wait:
            until(self.answers, f"the agent of {self} answers; its log says:\n{self.log()}")

    def command(self, *arguments: str) -> list[str]:
        """`leader` with these arguments, as this checkout has it, started as this node's processes are."""
        return [*self.entrance, sys.executable, "-m", "leader", *arguments]

    def places(self) -> dict[str, str]:
        """The environment that says where this node's files are, and little else."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "LEADER_RUNTIME_DIR": str(self.directory),
            "LEADER_STATE_DIR": str(self.state),
        }

    @property
    def runs(self) -> bool:
        """Whether the agent's process is there."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the running agent."""
        assert self.process is not None
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send the running agent a signal."""
        assert self.runs, f"{self} does not run"
        os.kill(self.pid, number)

    def reload(self) -> None:
        """Send SIGHUP, and wait until the process has taken its own place and answers."""
        starts = self.log().count("agent starts")
        self.signal(signal.SIGHUP)
        until(lambda: self.log().count("agent starts") > starts, f"{self} starts again")
        until(self.answers, f"{self} answers")

    def wait(self, within_s: float = PATIENCE_S) -> int:
        """The exit code, once the agent has ended."""
        assert self.process is not None
        return self.process.wait(within_s)

    def stop(self) -> int:
        """End the agent as a service manager does; return its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End the agent as `kill -9` does, if it runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The running agent stands still meanwhile (SIGSTOP)."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    # What it says.

    def client(self, timeout_s: float = 1.0) -> Client:
        """Asks this node's agent."""
        return Client(self.socket, timeout_s)

    def answers(self) -> bool:
        """Whether the agent answers at all; the process must not have ended."""
        assert self.process is not None
        assert self.process.poll() is None, f"the agent of {self} has ended:\n{self.log()}"
        try:
            return bool(self.client().status())
        except AgentUnreachable:
            return False

    def leadership(self, election: str = "default", timeout_s: float = 1.0) -> Leadership | None:
        """What the agent says of an election; None if nothing can be known, or there is no such election."""
        try:
            return self.client(timeout_s).leadership(election)
        except (AgentUnreachable, UnknownElection):
            return None

    def leads(self, election: str = "default") -> bool:
        """Whether the agent says that this node leads."""
        answer = self.leadership(election)
        return answer is not None and answer.leader

    def status(self) -> dict[str, Any]:
        """All that the agent knows."""
        return dict(self.client(5.0).status())

    def votes(self, election: str = "default") -> list[dict[str, Any]]:
        """What each instance's record says, as this node last saw it."""
        return list(self._view(election)["votes"])

    def reason(self, election: str = "default") -> str:
        """Why this node does not lead."""
        return str(self._view(election)["reason"])

    def _view(self, election: str) -> dict[str, Any]:
        return next(view for view in self.status()["elections"] if view["election"] == election)

    def get(self, path: str) -> int:
        """The status of the API's answer at that path."""
        connection = UnixConnection(str(self.socket), now_ns() + int(PATIENCE_S * NS_PER_S))
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def problems(self) -> dict[str, str]:
        """By instance, what is wrong with it, in a sentence, or nothing."""
        return {instance["name"]: instance["problem"] for instance in self.status()["instances"]}

    def log(self) -> str:
        """All that the agent has logged."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    def run(self, *arguments: str, within_s: float = PATIENCE_S) -> Ended:
        """`leader` with these arguments, run to its end as a user of this node would."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.places() | self.environment,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def run_agent(self, within_s: float = PATIENCE_S) -> Ended:
        """`leader agent`, which is expected to end by itself."""
        return self.run("agent", "--config", str(self.config), within_s=within_s)
