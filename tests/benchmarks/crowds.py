"""A crowd of candidates, spread over some processes: start it, hear what it tells, end its leader.

Knows nothing of what is measured; `crowd` is the program of each process.
"""

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
from leader.protocol.ranking import rank_key
from tests.benchmarks.crowd import Crowded

PROCESSES, FIRST = 3, 8
"""How many processes share the others, and how many candidates come first."""
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

    def wait(self, for_s: float) -> None:
        """Let them go on for so long, and take in what they tell."""
        for _ in self.listen(for_s):
            pass

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
        began = now_ns()
        self._order(how, leader)
        claims: list[Told] = []
        ending = None
        for told in self.listen(within_s):
            if told.what == "claims" and told.node != leader:
                claims.append(told)
            if told.what == "gained":
                ending = _ending(began, told, [claim for claim in claims if claim.at <= told.at])
                break
        self._order("start", leader)
        return ending

    def _order(self, what: str, node: str) -> None:
        order = self._home[node].stdin
        assert order is not None
        order.write(f"{what} {node}\n".encode())
        order.flush()


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
    """So many candidates, which start within that time; their processes are killed at the end.

    Those that come first are in a process of their own, and the others' processes make room for it: each
    would have a machine of its own, where what a thousand others do with a notice delays nobody.
    """
    names = sorted((f"n{number}" for number in range(nodes)), key=lambda name: rank_key("e0", name, 100))
    parts = [names[:FIRST], *(names[FIRST + number :: PROCESSES] for number in range(PROCESSES))]
    with tempfile.TemporaryDirectory(prefix="lb-") as directory:
        processes = []
        try:
            for number, part in enumerate(filter(None, parts)):
                crowded = Crowded(part, elections, urls, lease, directory, spread_s)
                processes.append(_start(crowded, Path(directory) / f"log{number}", gives_way=number > 0))
            yield Crowd(processes)
        finally:
            for process in processes:
                process.kill()
                process.communicate()


def _start(crowded: Crowded, log: Path, *, gives_way: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.benchmarks.crowd", crowded.words()]
    with log.open("wb") as complaints:
        return subprocess.Popen(
            ["nice", "-n", "19", *command] if gives_way else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
