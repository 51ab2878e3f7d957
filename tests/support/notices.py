"""Hears what one instance publishes, with the moment of its arrival: renewals, hand-overs, takes."""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from leader.clock import now_ns
from tests.support.agents import CLUSTER


@dataclass(frozen=True, slots=True)
class Heard:
    """One record as it was published."""

    at: int
    election: str
    state: str
    holder: str
    successor: str

    @property
    def node(self) -> str:
        """The node that holds, or held, the record."""
        return self.holder.partition(":")[0]


class Ear:
    """Listens at one instance, from its beginning to its end."""

    def __init__(self, url: str) -> None:
        self.heard: list[Heard] = []
        self._socket = _connect(url)
        self._socket.sendall(f"SUBSCRIBE leader:{CLUSTER}:0\r\n".encode())
        self._reader = self._socket.makefile("rb")
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def all(self, wanted: Callable[[Heard], bool]) -> list[Heard]:
        """All that were heard and are wanted, in order."""
        return [heard for heard in tuple(self.heard) if wanted(heard)]

    def _listen(self) -> None:
        while line := self._reader.readline():
            if not line.startswith(b"["):
                continue
            at = now_ns()
            election, _format, _process, _sequence, _nonce, state, _term, holder, _lease, successor = (
                json.loads(line)
            )
            self.heard.append(Heard(at, election, state, holder, successor))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._reader.close()
        self._socket.close()


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(Path(parts.path)))
        return connection
    assert parts.hostname
    assert parts.port
    return socket.create_connection((parts.hostname, parts.port))
