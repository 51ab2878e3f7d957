"""A program that works under a leadership, as a thread or on asyncio, and what became of it."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leader.api.async_client import AsyncClient
from leader.api.client import Client
from leader.clock import now_ns
from tests.support.polling import NS_PER_S, PATIENCE_S, until

POLL_S = 0.005


class Worker(ABC):
    """Works until it is told to end, and then, if it is stubborn, until it is let go."""

    def __init__(self, socket: Path, *, stubborn: bool, grace: float | None) -> None:
        self.term = 0
        self.deadline_s = 0.0
        """The deadline that it knew when it was told."""
        self.told_s = 0.0
        self.left_s = 0.0
        self.error: BaseException | None = None
        self.reasons: list[str] = []
        """What `on_loss` was called with."""
        self.began, self.told = threading.Event(), threading.Event()
        self.may_end, self.may_leave = threading.Event(), threading.Event()
        self._socket = socket
        self._stubborn = stubborn
        self._grace = grace
        self._thread = threading.Thread(target=self._run)

    @property
    def works(self) -> bool:
        """Whether it is in its block."""
        return self.began.is_set() and not self.left_s

    def start(self) -> None:
        """Begin, once it leads."""
        self._thread.start()
        until(self.began.is_set, "the work has begun")

    def end(self) -> None:
        """End it, however it stands."""
        self.may_end.set()
        self.may_leave.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def lost_in_time(self) -> bool:
        """Whether it was told while its leadership was still sure."""
        until(self.told.is_set, "it is told to end")
        return self.told_s < self.deadline_s

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - it is what the test asks for
            self.error = error

    @abstractmethod
    def _work(self) -> None: ...

    def _is_told(self, deadline_s: float) -> None:
        self.told_s, self.deadline_s = seconds(), deadline_s
        self.told.set()


class ThreadWorker(Worker):
    """On `Client`."""

    def _work(self) -> None:
        client = Client(self._socket)
        with client.run_while_leader(grace=self._grace, on_loss=self.reasons.append) as lead:
            self.term = lead.term
            self.began.set()
            while not lead.lost.is_set() and not self.may_end.wait(POLL_S):
                pass
            if lead.lost.is_set():
                self._is_told(lead.deadline)
                self.may_leave.wait(PATIENCE_S if self._stubborn else 0)
            self.left_s = seconds()


class TaskWorker(Worker):
    """On `AsyncClient`."""

    def _work(self) -> None:
        asyncio.run(self._task())

    async def _task(self) -> None:
        client = AsyncClient(self._socket)
        async with client.run_while_leader(grace=self._grace) as lead:
            self.term = lead.term
            self.began.set()
            try:
                while not self.may_end.is_set():  # noqa: ASYNC110 - it is set by another thread
                    await asyncio.sleep(POLL_S)
            except asyncio.CancelledError:
                self._is_told(lead.deadline)
                while self._stubborn and not self.may_leave.is_set():  # noqa: ASYNC110 - likewise
                    await asyncio.sleep(POLL_S)
                raise
            finally:
                self.left_s = seconds()


KINDS: dict[str, type[Worker]] = {"thread": ThreadWorker, "task": TaskWorker}


@contextmanager
def working(
    kind: type[Worker], socket: Path, *, stubborn: bool = False, grace: float | None = None
) -> Iterator[Worker]:
    """A worker that has begun, and is ended whatever happens."""
    worker = kind(socket, stubborn=stubborn, grace=grace)
    try:
        worker.start()
        yield worker
    finally:
        worker.end()


def seconds() -> float:
    """The moment, on the clock of deadlines."""
    return now_ns() / NS_PER_S
