"""A crontab with a fast tick: at each, every node starts the same line, whether its agent lives or not.

`leader is-leader && job`, as a shell runs it; the job writes node and tick to a file that all nodes share.
A tick that takes long, on a busy machine, delays the next one, so that there is always a rest between two.
"""

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from leader import clock
from leader.demo.node import Node, clean_environment
from leader.demo.tally import Count, Tally

NS_PER_S = 1_000_000_000
TICK_NS = 250_000_000
LINE = '"$@" is-leader 2>/dev/null && echo "$NODE $TICK" >>"$FILE"'
REST_NS = TICK_NS // 2
"""At least so much time is between the end of one tick and the next."""
SETTLED_NS = REST_NS // 2
"""A moment between two ticks is at least so far from the next."""


def leader_command() -> list[str]:
    """How the jobs call `leader`: the script of this environment, else its Python on the package."""
    script = Path(sys.executable).with_name("leader")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "leader"]


class Crontab:
    """Ticks from `start` to `stop`, on a thread of its own."""

    def __init__(self, nodes: Sequence[Node], file: Path) -> None:
        file.touch()
        self._nodes = nodes
        self._file = file
        self._group = 0
        self._command = leader_command()
        self._environment = clean_environment()
        self._lock = threading.Lock()
        self._started = 0
        self._finished = 0
        self._read = 0
        self._next_ns = clock.now_ns()
        self._tally = Tally()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="crontab")

    @property
    def started(self) -> int:
        """How many ticks began; the next one has this number."""
        return self._started

    @property
    def finished(self) -> int:
        """How many ticks are over, on every node."""
        return self._finished

    def tally(self) -> Tally:
        """What ran where, up to now."""
        with self._lock, self._file.open() as file:
            file.seek(self._read)
            text = file.read()
            whole = text.rpartition("\n")[0]
            self._tally.add(whole.splitlines())
            self._read += len(whole.encode()) + bool(whole)
            return self._tally

    def count(self) -> Count:
        """How the ticks went that are over."""
        finished = self._finished
        return self.tally().count(range(finished))

    def is_between_ticks(self) -> bool:
        """Whether no job runs now and the next tick is not near."""
        return self._finished == self._started and self._next_ns - clock.now_ns() > SETTLED_NS

    def start(self, group: int) -> None:
        """Begin to tick; the jobs are put in this process group."""
        self._group = group
        self._next_ns = clock.now_ns()
        self._thread.start()

    def stop(self) -> None:
        """Tick no more; return when the jobs that run have ended."""
        self._ends.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ends.wait(max(0, self._next_ns - clock.now_ns()) / NS_PER_S):
            self._started += 1
            jobs = [self._spawn(node, self._finished) for node in self._nodes]
            for job in jobs:
                job.wait()
            self._next_ns = max(self._next_ns + TICK_NS, clock.now_ns() + REST_NS)
            self._finished = self._started

    def _spawn(self, node: Node, tick: int) -> subprocess.Popen[bytes]:
        mine = {"NODE": node.name, "TICK": str(tick), "FILE": str(self._file)}
        return subprocess.Popen(
            ["/bin/sh", "-c", LINE, "sh", *self._command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**self._environment, **mine, "LEADER_SOCKET": str(node.socket)},
            process_group=self._group,
        )
