"""One node of the demo: its agent as a process, its directories, and the answers of its socket."""

import os
import subprocess
import sys
from pathlib import Path

from leader.api.client import Client
from leader.durations import format_duration
from leader.errors import AgentUnreachable
from leader.protocol.snapshot import Leadership

CLUSTER = "demo"
ELECTION = "default"
FOREIGN = ("RUNTIME_DIRECTORY", "STATE_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""What a service manager may have told the demo, and is not meant for its agents."""


def clean_environment() -> dict[str, str]:
    """This process's environment without what would steer an agent or a client elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LEADER_") and name not in FOREIGN
    }


def configuration(name: str, instances: dict[str, str], lease_ms: int) -> str:
    """The configuration file of one node."""
    listed = ", ".join(f'{instance} = "{url}"' for instance, url in instances.items())
    return (
        f'cluster = "{CLUSTER}"\n\n[node]\nname = "{name}"\n\n'
        f'[quorum]\ninstances = {{ {listed} }}\nlease = "{format_duration(lease_ms)}"\n'
    )


class Node:
    """One node; `start` its agent as often as it was ended. `group` is the process group to put it in."""

    def __init__(self, name: str, directory: Path, settings: str) -> None:
        self.name = name
        self.directory = directory
        self.process: subprocess.Popen[bytes] | None = None
        directory.mkdir(mode=0o700)
        self._config = directory / "leader.toml"
        self._config.write_text(settings)
        self.socket = directory / "leader.sock"
        self.client = Client(self.socket)

    def start(self, group: int) -> None:
        """Start the agent; it answers some tenths of a second later."""
        environment = clean_environment()
        environment["LEADER_RUNTIME_DIR"] = str(self.directory)
        environment["LEADER_STATE_DIR"] = str(self.directory / "state")
        command = [sys.executable, "-m", "leader", "agent", "--config", str(self._config)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=environment,
                process_group=group,
            )

    def kill(self) -> None:
        """End the agent as `kill -9` does, if it runs."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()

    def terminate(self) -> None:
        """Ask the agent to hand over and end (SIGTERM)."""
        assert self.process is not None, "the agent does not run"
        self.process.terminate()

    def ended(self) -> bool:
        """Whether the agent, told to end, has ended."""
        if self.process is None or self.process.poll() is None:
            return self.process is None
        self.process = None
        return True

    def leadership(self) -> Leadership | None:
        """What the agent answers to `is-leader`; None when nobody answers."""
        try:
            return self.client.leadership(ELECTION)
        except AgentUnreachable:
            return None

    def status(self) -> dict[str, object] | None:
        """All that the agent knows; None when nobody answers."""
        try:
            return self.client.status()
        except AgentUnreachable:
            return None

    def last_words(self) -> str:
        """The last line of the agent's log."""
        try:
            lines = self._log.read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "nothing"

    @property
    def _log(self) -> Path:
        return self.directory / "log"
