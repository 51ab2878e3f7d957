"""Crontabs with a tick of any length: at each, every node's line is started as cron would start it.

The lines run through `/bin/sh -c`, with cron's short environment, at the moment at which the node's own wall
clock shows the tick: a skewed clock starts them earlier or later. Nothing here knows of `leader`, but for the
folder that the command is found in; a crontab would have that in its PATH, too.
"""

import heapq
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from leader.clock import now_ns
from leader.protocol.events import Instant

NS_PER_S = 1_000_000_000
LOOK_S = 0.05
JOB = """#!/bin/sh
echo "$1 $2 $TICK $NODE" >> {starts}
"""
"""The shell opens the file with O_APPEND and writes the line at once: no start is lost, none is torn."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick of one job's line, in one of the ways that are compared."""

    way: str
    job: str
    number: int


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of the line of one node: its exit code, and what cron would have sent by mail."""

    tick: Tick
    node: str
    code: int
    mail: str


class Agenda:
    """Deeds at their moments, one after the other, in the thread that calls `run`."""

    def __init__(self) -> None:
        self.latest_ns = 0
        """By how much the latest deed came too late."""
        self._deeds: list[tuple[Instant, int, Callable[[], None]]] = []
        self._order = count()
        self._never = threading.Event()

    def at(self, moment: Instant, deed: Callable[[], None]) -> None:
        """Do this at that moment."""
        heapq.heappush(self._deeds, (moment, next(self._order), deed))

    def after(self, seconds: float, deed: Callable[[], None]) -> None:
        """Do this in so many seconds."""
        self.at(now_ns() + int(seconds * NS_PER_S), deed)

    def run(self, tend: Callable[[], None]) -> None:
        """Do everything, and `tend` between the deeds; return when nothing is left to do."""
        while self._deeds:
            left_ns = self._deeds[0][0] - now_ns()
            if left_ns > 0:
                tend()
                self._never.wait(min(LOOK_S, left_ns / NS_PER_S))
                continue
            self.latest_ns = max(self.latest_ns, -left_ns)
            heapq.heappop(self._deeds)[2]()


class Ticker:
    """Starts lines, keeps how they ended, and counts what the jobs themselves wrote down."""

    def __init__(self, directory: Path, programs: Path, sockets: Mapping[str, Path], group: int) -> None:
        """`sockets` has each node's, by name; the lines are put in that process group."""
        self.job = directory / "job"
        """What a line starts, with the way and the job as its words."""
        self.ended: list[Ended] = []
        self._starts = directory / "starts"
        self._sockets = sockets
        self._path = f"/usr/bin:/bin:{programs}"
        self._group = group
        self._running: list[tuple[Tick, str, subprocess.Popen[str]]] = []
        self._starts.touch()
        self.job.write_text(JOB.format(starts=self._starts))
        self.job.chmod(0o755)

    def start(self, line: str, tick: Tick, node: str) -> None:
        """Start one node's line for this tick, as cron does."""
        process = subprocess.Popen(
            ["/bin/sh", "-c", line],
            env=self._environment(tick, node),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=self._group,
        )
        self._running.append((tick, node, process))

    def _environment(self, tick: Tick, node: str) -> dict[str, str]:
        """What cron gives, what the node's crontab sets, and what the job is to write down."""
        cron = {"HOME": "/", "LOGNAME": "root", "SHELL": "/bin/sh", "PATH": self._path}
        return {
            **cron,
            "LEADER_SOCKET": os.fspath(self._sockets[node]),
            "TICK": str(tick.number),
            "NODE": node,
        }

    def tend(self) -> None:
        """Take note of the lines that have ended."""
        for item in tuple(self._running):
            tick, node, process = item
            if process.poll() is not None:
                self._running.remove(item)
                mail, _ = process.communicate()
                self.ended.append(Ended(tick, node, process.returncode, mail))

    def is_idle(self) -> bool:
        """Whether every line that was started has ended."""
        self.tend()
        return not self._running

    def starts(self) -> Counter[Tick]:
        """How many times each job was started at each tick."""
        words = (line.split() for line in self._starts.read_text().splitlines())
        return Counter(Tick(way, job, int(number)) for way, job, number, _ in words)

    def nodes_of(self, tick: Tick) -> list[str]:
        """Where it was started, in the order in which the jobs wrote."""
        words = (line.split() for line in self._starts.read_text().splitlines())
        return [node for way, job, number, node in words if Tick(way, job, int(number)) == tick]

    def mails_of(self, tick: Tick) -> list[Ended]:
        """How the lines of this tick ended."""
        return [ended for ended in self.ended if ended.tick == tick]
