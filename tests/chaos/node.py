"""One node of the lab: an agent in namespaces of its own, and the wire that keeps them.

What the wire does to the node's network, and what fills the node's disk, is ordered here; when, is not
known here.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from leader.errors import AgentUnreachable
from leader.instances.group import OwnedGroup
from tests.chaos.clocks import WallClock
from tests.chaos.disk import fill
from tests.chaos.history import NS_PER_S, Release, lines_of
from tests.chaos.trial import LEADER
from tests.chaos.wire import urls
from tests.faults.proxy import Fault
from tests.support.node import PROJECT, Node, Settings
from tests.support.polling import until

DISK_MEGABYTES = 2
SAMPLES = 20


class LabNode(Node):
    """A node whose processes run where its wire is, so they reach every server through proxies of its own."""

    def __init__(
        self,
        name: str,
        directory: Path,
        servers: Sequence[Path],
        lease_ms: int,
        boot_s: int,
        group: OwnedGroup,
    ) -> None:
        """`boot_s`: how far its boot clock is ahead of the host's."""
        super().__init__(name, directory, Settings(urls(len(servers)), f"{lease_ms}ms"), group)
        self.boot_s = boot_s
        self.program = LEADER.program
        self.environment["PYTHONPATH"] = str(PROJECT)
        self.clock = WallClock(self.directory / "clock", None)
        self._starts = 0
        self._lock = threading.Lock()
        self._wire = self._start_wire(servers, group)
        self._wire_pid = self._first_word(self._wire)
        self.entrance = ("nsenter", "-t", str(self._wire_pid), "-n", "-m", "-T", "--")

    def _start_wire(self, servers: Sequence[Path], group: OwnedGroup) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tests.chaos.wire", str(self.state), str(DISK_MEGABYTES)]
        return subprocess.Popen(
            ["unshare", "-n", "-m", "-T", "--boottime", str(self.boot_s), "--fork", "--kill-child", *command]
            + [str(path) for path in servers],
            cwd=PROJECT,
            env={"PATH": os.environ.get("PATH", "")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=group.id,
        )

    def _first_word(self, wire: "subprocess.Popen[str]") -> int:
        """The id of the process in the namespaces, once it is ready."""
        assert wire.stdout is not None
        assert wire.stdout.readline() == "ready\n", f"the wire of {self} did not start"
        children = Path(f"/proc/{wire.pid}/task/{wire.pid}/children").read_text().split()
        return int(children[0])

    # Its network.

    def order(self, **what: object) -> None:
        """Let the wire do this; it is in force when this returns."""
        assert self._wire.stdin is not None
        assert self._wire.stdout is not None
        with self._lock:
            self._wire.stdin.write(json.dumps(what) + "\n")
            self._wire.stdin.flush()
            assert self._wire.stdout.readline() == "done\n", f"the wire of {self} is gone"

    def misbehave(self, fault: Fault, servers: Sequence[int]) -> None:
        """Let the connections to these servers do that from now on."""
        self.order(fault=fault.name, at=list(servers))

    @property
    def wire_pid(self) -> int:
        """The process through which all goes that the agent and the servers send each other."""
        return self._wire_pid

    # Its disk.

    def fill_disk(self) -> None:
        """Leave no byte free where the agent keeps its state."""
        fill(self._ballast)

    def free_disk(self) -> None:
        """Undo that."""
        self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        """Seen from outside of the node's namespaces."""
        return Path(f"/proc/{self._wire_pid}/root{self.state}/ballast")

    # Its clock, and its agent's process.

    def give_clock(self, shim: Path | None) -> None:
        """Have its processes started with a wall clock of its own from now on, where that can be had."""
        self.clock = WallClock(self.directory / "clock", shim)
        self.environment.update(self.clock.environment)

    def start(self, *options: str, wait: bool = True) -> None:
        """Start the agent, and wait until it answers, if that is wanted."""
        self._expect_start()
        super().start(*options, wait=wait)

    def signal(self, number: signal.Signals) -> None:
        """Send the running agent a signal."""
        if number is signal.SIGHUP:
            self._expect_start()
        super().signal(number)

    def _expect_start(self) -> None:
        self._starts = self._starts_told + 1

    @property
    def _starts_told(self) -> int:
        return self.log().count("agent starts")

    def is_settled(self) -> bool:
        """Whether it has told of its last start, be it a reload, and answers."""
        return self._starts_told >= self._starts and self.answers()

    def command(self, *arguments: str) -> list[str]:
        """`leader` with these arguments, in the node's namespaces; the agent is what is on trial."""
        if arguments[0] != "agent":
            return super().command(*arguments)
        return [*self.entrance, sys.executable, "-m", *self.program, *arguments]

    def misses_nothing(self) -> bool:
        """Whether it says that nothing is wrong with any server, nor with its way there."""
        try:
            return not any(self.problems().values())
        except AgentUnreachable:
            return False

    @property
    def jumps_told(self) -> int:
        """How often it said so far that its wall clock jumped."""
        return sum(" warning the wall clock jumped " in line for line in self.log().splitlines())

    @property
    def descriptors(self) -> int:
        """How many the agent has open."""
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())

    @property
    def resident(self) -> int:
        """Bytes of memory that the agent occupies."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * resource.getpagesize()

    def releases(self) -> list[Release]:
        """What the agent itself wrote down of its releases, by its boot clock; `leader`'s has no need to."""
        own = lines_of(self.directory / "releases")
        return [Release(line["term"], line["at"] - self.boot_s * NS_PER_S) for line in own]

    def close(self) -> None:
        """End what runs in the namespaces, and so the namespaces."""
        self.kill()
        assert self._wire.stdin is not None
        self._wire.stdin.close()
        self._wire.wait()
        assert self._wire.stdout is not None
        self._wire.stdout.close()

    def wait_until_it_answers(self) -> None:
        """Return once the agent answers."""
        until(self.answers, f"the agent of {self} answers; its log says:\n{self.log()}")
