"""Candidates of other systems: processes that print a line once they lead, and are then ended.

That is all that is asked of a peer, so `etcdctl lock`, `etcdctl elect` and a loop over `SET NX PX` are one
thing here.
"""

import os
import selectors
import signal
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from leader.clock import now_ns
from tests.benchmarks.precedence import precedence

PATIENCE_S = 60.0
NS_PER_MS = 1_000_000


class Peers:
    """So many processes of one command line, of which one leads."""

    def __init__(self, command: Sequence[str], count: int) -> None:
        self._command = list(command)
        self._selector = selectors.DefaultSelector()
        self._count = count
        self._processes: set[subprocess.Popen[bytes]] = set()
        self.leading: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        for _ in range(self._count):
            self._start()
        self._leader()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()
        self._selector.close()

    @property
    def pids(self) -> list[int]:
        """All of them, the leader first."""
        assert self.leading is not None
        return [self.leading.pid, *(each.pid for each in self._processes if each is not self.leading)]

    def replaced(self, number: signal.Signals, settling_s: float) -> float:
        """The milliseconds from a signal to the leader until another one says that it leads.

        Before it they are left alone for so long; after it, one is started for the one that ended.
        """
        self._let_pass(settling_s)
        leader = self._leader()
        with precedence():
            began = now_ns()
            os.kill(leader.pid, number)
            self._forget(leader)
            self._leader()
            took_ms = (now_ns() - began) / NS_PER_MS
        leader.communicate(timeout=PATIENCE_S)
        self._start()
        return took_ms

    def _start(self) -> None:
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE, start_new_session=True)
        self._processes.add(process)
        self._selector.register(_output(process), selectors.EVENT_READ, process)

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        self._selector.unregister(_output(process))
        self._processes.remove(process)
        if process is self.leading:
            self.leading = None

    def _leader(self) -> subprocess.Popen[bytes]:
        """The one that leads, as soon as there is one."""
        deadline = now_ns() + int(PATIENCE_S * 1e9)
        while self.leading is None:
            if now_ns() > deadline:
                raise TimeoutError(f"nobody leads: {self._command}")
            self._hear(PATIENCE_S)
        return self.leading

    def _let_pass(self, seconds: float) -> None:
        """Read on for so long."""
        until = now_ns() + int(seconds * 1e9)
        while (left := (until - now_ns()) / 1e9) > 0:
            self._hear(left)

    def _hear(self, within_s: float) -> None:
        """Take in who says that it leads; one that ends unasked, having lost its lease, is replaced."""
        for key, _ in self._selector.select(within_s):
            if os.read(key.fd, 65_536):
                self.leading = key.data
            else:
                self._forget(key.data)
                key.data.communicate(timeout=PATIENCE_S)
                self._start()


def _output(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return process.stdout.fileno()
