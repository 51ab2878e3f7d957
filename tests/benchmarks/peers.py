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
        self._next_gain()
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
        self._expect_nothing(settling_s)
        leader = self.leading
        assert leader is not None
        began = now_ns()
        os.kill(leader.pid, number)
        self._selector.unregister(_output(leader))
        self._next_gain()
        took_ms = (now_ns() - began) / NS_PER_MS
        leader.communicate(timeout=PATIENCE_S)
        self._processes.remove(leader)
        self._start()
        return took_ms

    def _start(self) -> None:
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE, start_new_session=True)
        self._processes.add(process)
        self._selector.register(_output(process), selectors.EVENT_READ, process)

    def _next_gain(self) -> None:
        """Wait until one that did not lead says that it leads."""
        deadline = now_ns() + int(PATIENCE_S * 1e9)
        while now_ns() < deadline:
            for key, _ in self._selector.select(PATIENCE_S):
                said = os.read(key.fd, 65_536)
                assert said, f"{self._command} ended"
                if key.data is not self.leading:
                    self.leading = key.data
                    return
        raise TimeoutError(f"no other leads: {self._command}")

    def _expect_nothing(self, for_s: float) -> None:
        """Read on for so long; nobody else may come to lead."""
        until = now_ns() + int(for_s * 1e9)
        while (left := (until - now_ns()) / 1e9) > 0:
            for key, _ in self._selector.select(left):
                assert os.read(key.fd, 65_536), f"{self._command} ended"
                assert key.data is self.leading, f"another one leads, unasked: {self._command}"


def _output(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return process.stdout.fileno()
