"""When did this machine not let the lab's processes run in time? What is judged by time does not count that.

The kernel says of each process how long it was ready to run, and had to wait for a processor. An agent asks
an instance again after a tenth of a lease: where it, or the proxy in between, waited for half of that, or
whoever looks came late itself, a slow election says nothing about the agents.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

from leader.clock import now_ns
from tests.chaos.history import NS_PER_MS, NS_PER_S, Overload

LOOK_S = 0.1


class Load:
    """Looks all the time, in a thread, while it is entered."""

    def __init__(self, pids: Callable[[], Iterable[int]], lease_ms: int) -> None:
        """`pids` says which processes are to run in time."""
        self.overloads: list[Overload] = []
        self._pids = pids
        self._most_ns = lease_ms * NS_PER_MS // 20
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._turn)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def quiet_since(self, begin: int) -> int:
        """Since when the machine has let them, at the earliest since that moment."""
        return max(begin, self.overloads[-1].end) if self.overloads else begin

    def _turn(self) -> None:
        before, waited_before = now_ns(), dict(self._waited())
        while not self._over.wait(LOOK_S):
            now, waited = now_ns(), dict(self._waited())
            late_ns = now - before - int(LOOK_S * NS_PER_S)
            waits = (waited[pid] - waited_before[pid] for pid in waited.keys() & waited_before.keys())
            if max(late_ns, *waits, 0) > self._most_ns:
                self._note(before, now)
            before, waited_before = now, waited

    def _waited(self) -> Iterator[tuple[int, int]]:
        """Of each process the nanoseconds that it has waited for a processor so far."""
        for pid in self._pids():
            try:
                yield pid, int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue

    def _note(self, begin: int, end: int) -> None:
        """Note that between two looks; what follows at once is one overload."""
        if self.overloads and self.overloads[-1].end == begin:
            self.overloads[-1] = Overload(self.overloads[-1].begin, end)
        else:
            self.overloads.append(Overload(begin, end))
