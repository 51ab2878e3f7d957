"""A crontab with a short tick on every node: at each, `leader once` for one job, and what it started.

The jobs take turns, so that a job's ticks are further apart than its gap. The job writes its tick and its
node itself.
"""

import os
import subprocess
import threading
from itertools import count
from pathlib import Path
from typing import Self

from leader.clock import now_ns
from tests.chaos.history import NS_PER_S, Start, Tick
from tests.chaos.lab import Lab

PERIOD_S = 4.0
JOBS = 7
"""So a job's turn comes each 28 s."""
GAP_S, WAIT_S = 22, 8
"""The gap leaves time for a call that is late; the wait bears two or three changes of leader."""
END_WITHIN_S = WAIT_S + 20.0
JOB = """#!/bin/sh
echo "$1 $2" >> {starts}
"""
"""The shell opens the file to append, and writes the line at once: no start is lost, none is torn."""


class Ticks:
    """Ticks, in a thread, while it is entered."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.ticks: list[Tick] = []
        self._lab = lab
        self._job = directory / "job"
        self._file = directory / "starts"
        self._file.touch()
        self._job.write_text(JOB.format(starts=self._file))
        self._job.chmod(0o755)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._turn)
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Start no more, and wait until all calls have ended."""
        self._over.set()
        self._thread.join()
        for process in self._running:
            process.wait(END_WITHIN_S)

    @property
    def starts(self) -> list[Start]:
        """What was started, as the jobs wrote it down."""
        words = (line.split() for line in self._file.read_text().splitlines())
        return [Start(int(number), node) for number, node in words]

    def _turn(self) -> None:
        for number in count():
            if self._over.wait(PERIOD_S):
                return
            tick = Tick(number, f"job{number % JOBS}", now_ns(), WAIT_S * NS_PER_S)
            self.ticks.append(tick)
            self._running = [process for process in self._running if process.poll() is None]
            for node in self._lab.nodes.values():
                self._running.append(self._call(tick, node.name))

    def _call(self, tick: Tick, name: str) -> "subprocess.Popen[bytes]":
        node = self._lab.nodes[name]
        options = ("--gap", f"{GAP_S}s", "--wait", f"{WAIT_S}s", "--", str(self._job), str(tick.number), name)
        with (self._lab.directory / "once.log").open("ab") as log:
            return subprocess.Popen(
                node.command("once", tick.job, *options),
                env=node.places() | node.environment | {"LEADER_SOCKET": os.fspath(node.socket)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=self._lab.group.id,
            )
