"""Many clients that ask one node all the time, as a full crontab does."""

import threading
from typing import Self

from leader.errors import AgentUnreachable
from tests.support.node import Node
from tests.support.polling import PATIENCE_S

ASKERS = 4


class Crowd:
    """Many clients that ask one node all the time, as crontabs do, and keep what they were told."""

    def __init__(self, node: Node) -> None:
        self.answers: list[bool] = []
        self.failures: list[str] = []
        self._client = node.client(PATIENCE_S)
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(ASKERS)]

    def _ask(self) -> None:
        while not self._ended.is_set():
            try:
                self.answers.append(self._client.is_leader())
            except AgentUnreachable as error:
                self.failures.append(str(error))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
