"""A crowd of candidates, spread over some processes: start it, hear what it tells, end its leader.

Knows nothing of what is measured; `crowd` is the program of each process.
"""

import itertools
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from leader.clock import now_ns
from tests.benchmarks.crowd import Crowded

PROCESSES = 4
NS_PER_S = 1_000_000_000


class Told(NamedTuple):
    """What one candidate did, and when: gained, lost, or claims; of an election, or at an instance."""

    what: str
    node: str
    at: int
    where: str


@dataclass(frozen=True, slots=True)
class Ending:
    """What followed the end of a leadership: until another one led, who claimed, and how often the winner."""

    leaderless_ms: float
    settling_ms: float
    """From the first claim that anybody sent until one led."""
    herd: int
    claims: int
    """Of the winner, at the instance that it asked most often."""


class Crowd:
    """The processes of a crowd, and who leads which election."""

    def __init__(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        self.processes = processes
        self.holders: dict[str, str] = {}
        self._home: dict[str, subprocess.Popen[bytes]] = {}
        self._selector = selectors.DefaultSelector()
        self._rests = dict.fromkeys(processes, b"")
        self.started = 0
        for process in processes:
            assert process.stdout is not None
            self._selector.register(process.stdout, selectors.EVENT_READ, process)

    def listen(self, for_s: float) -> Iterator[Told]:
        """What is told, until so long has passed."""
        until = now_ns() + int(for_s * NS_PER_S)
        while (left := until - now_ns()) > 0:
            for key, _ in self._selector.select(left / NS_PER_S):
                read = os.read(key.fd, 65_536)
                assert read, "a process of the crowd has ended"
                *lines, self._rests[key.data] = (self._rests[key.data] + read).split(b"\n")
                for line in lines:
                    yield self._take_in(key.data, line.decode())

    def _take_in(self, process: subprocess.Popen[bytes], line: str) -> Told:
        what, node, at, where = line.split()
        self._home[node] = process
        if what == "gained":
            self.holders[where] = node
        elif what == "lost" and self.holders.get(where) == node:
            del self.holders[where]
        self.started += what == "started"
        return Told(what, node, int(at), where)

    def settled(self, elections: int, within_s: float) -> bool:
        """Whether all have started, and each election is led, within that time."""
        if self.started == len(self.processes) and len(self.holders) == elections:
            return True
        for _ in self.listen(within_s):
            if self.started == len(self.processes) and len(self.holders) == elections:
                return True
        return False

    def end_leader(self, how: str, within_s: float) -> Ending | None:
        """What follows when the leader of the one election crashes or releases.

        None if nobody leads then within that time, or did not before.
        """
        if not self.settled(1, within_s):
            return None
        ((election, leader),) = self.holders.items()
        del self.holders[election]
        order = self._home[leader].stdin
        assert order is not None
        began = now_ns()
        order.write(f"{how} {leader}\n".encode())
        order.flush()
        claims: list[Told] = []
        for told in self.listen(within_s):
            if told.what == "claims" and told.node != leader:
                claims.append(told)
            if told.what == "gained":
                return _ending(began, told, [claim for claim in claims if claim.at <= told.at])
        return None


def _ending(began: int, gained: Told, claims: Sequence[Told]) -> Ending:
    own = [claim.where for claim in claims if claim.node == gained.node]
    return Ending(
        (gained.at - began) / 1e6,
        (gained.at - min(claim.at for claim in claims)) / 1e6,
        len({claim.node for claim in claims}),
        max(map(own.count, own)),
    )


@contextmanager
def crowd_of(nodes: int, elections: int, urls: Sequence[str], lease: str, spread_s: float) -> Iterator[Crowd]:
    """So many candidates, which start within that time; their processes are killed at the end."""
    count = min(PROCESSES, nodes)
    firsts = [nodes * number // count for number in range(count + 1)]
    with tempfile.TemporaryDirectory(prefix="lb-") as directory:
        processes = []
        try:
            for first, end in itertools.pairwise(firsts):
                crowded = Crowded(first, end - first, elections, urls, lease, directory, spread_s)
                processes.append(_start(crowded, Path(directory) / f"log{first}"))
            yield Crowd(processes)
        finally:
            for process in processes:
                process.kill()
                process.communicate()


def _start(crowded: Crowded, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as complaints:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.crowd", crowded.words()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
