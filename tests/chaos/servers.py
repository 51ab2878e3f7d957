"""One server of the lab, and all that can be done to it: its data, its memory, its clock, its place.

Agents reach it by a path that is a link, so that another server can take its place. Nothing here knows of
elections.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from leader.instances.embedded import EmbeddedQuorum
from tests.chaos.clocks import WallClock
from tests.chaos.disk import fill, mount, unmount
from tests.chaos.redis import Connection
from tests.support.polling import until
from tests.support.ports import free_port

DISK_MEGABYTES = 48
COPY_WITHIN_S = 10.0
WRAPPER = """#!/bin/sh
exec env {environment} {program} "$@"
"""


class Program:
    """A server program that is started with a clock of its own, where a clock can be had."""

    def __init__(self, directory: Path, program: Path, shim: Path | None) -> None:
        self.path = directory / "program"
        self.clock = WallClock(directory / "offset", shim)
        words = " ".join(f"{name}={value}" for name, value in self.clock.environment.items())
        self.path.write_text(WRAPPER.format(environment=words, program=program))
        self.path.chmod(0o755)


class Server:
    """One instance of the quorum, wherever it runs at the moment."""

    def __init__(self, number: int, directory: Path, program: Path, shim: Path | None) -> None:
        self.number = number
        self.place = directory / f"s{number}"
        """The link that the agents' proxies connect to."""
        self._directory = directory / f"server{number}"
        self._directory.mkdir()
        mount("-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "chaos", str(self._directory))
        self.program = Program(self._directory, program, shim)
        self._started = 0
        self._process, self._port = self._make()
        self._process.start()
        self._settle_in()

    def __str__(self) -> str:
        return f"server {self.number + 1}"

    # Processes: the one that serves, and copies of it.

    def _make(self) -> tuple[EmbeddedQuorum, int]:
        """A server that is not started yet, and the port where its copies reach it."""
        self._started += 1
        port = free_port()
        options = ("--port", str(port), "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0")
        home = self._directory / str(self._started)
        return EmbeddedQuorum(home, 1, save=True, options=options, program=self.program.path), port

    def _settle_in(self) -> None:
        """Let the place lead to the process that serves now."""
        new = self.place.with_suffix(".new")
        new.symlink_to(self._process.urls[0].removeprefix("unix://"))
        new.replace(self.place)

    @property
    def pid(self) -> int:
        """Of the process that serves."""
        return self._process.pid(0)

    def close(self) -> None:
        """End it for good, and take its disk away."""
        self._process.stop()
        unmount(self._directory)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._process.kill(0)

    def restart(self, *, keep_data: bool) -> None:
        """Start it again, with what was saved last, or with nothing."""
        self._process.restart(0, keep_data=keep_data)

    def save(self) -> None:
        """Save what it has now."""
        self._process.save_now(0)

    def ask(self, *words: str) -> bytes:
        """Its reply to one command, on a connection of its own, raw."""
        return self._process.ask(0, *words)

    def fill_disk(self) -> None:
        """Leave no byte free where it saves."""
        fill(self._ballast)

    def free_disk(self) -> None:
        """Undo that."""
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        return self._directory / "ballast"

    def connect(self) -> Connection:
        """A connection for several commands."""
        return Connection(self._process.urls[0].removeprefix("unix://"))

    @contextlib.contextmanager
    def copied(self) -> Iterator["Copy"]:
        """A replica of what it has now, that is told nothing more, so that it lags ever further behind."""
        process, port = self._make()
        copy = Copy(process, port)
        try:
            process.start()
            process.ask(0, "REPLICAOF", "127.0.0.1", str(self._port))
            until(copy.is_in_step, "the replica has all data", COPY_WITHIN_S)
            process.ask(0, "REPLICAOF", "NO", "ONE")
            yield copy
        finally:
            if not copy.is_promoted:
                process.stop()

    def follow(self, copy: "Copy") -> None:
        """Become a replica of that copy, until it has all of its data, and then a master again."""
        self.ask("REPLICAOF", "127.0.0.1", str(copy.port))
        try:
            until(self._is_in_step, f"{self} has the data of its copy", COPY_WITHIN_S)
        finally:
            self.ask("REPLICAOF", "NO", "ONE")

    def _is_in_step(self) -> bool:
        return b"master_link_status:up" in self.ask("INFO", "replication")

    def give_way(self, copy: "Copy") -> None:
        """End, and let that copy serve in this place, as it would be done after a master has died."""
        self._process.stop()
        self._process, self._port, copy.is_promoted = copy.process, copy.port, True
        self._settle_in()


class Copy:
    """A server that has data of another; once it is promoted, it serves in the other's place."""

    def __init__(self, process: EmbeddedQuorum, port: int) -> None:
        self.process = process
        self.port = port
        self.is_promoted = False

    def is_in_step(self) -> bool:
        """Whether it has all that its master had."""
        return b"master_link_status:up" in self.process.ask(0, "INFO", "replication")
