"""The process that owns the embedded quorum of `--dev`: it lives while any agent is connected.

Started by `dev.py`, detached, with a listening socket; tells the URLs to whoever connects. It ends when
the last connection does, which is also how it learns that an agent was killed.
"""

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

from leader.errors import InstanceError
from leader.instances.dev import lock_file, try_lock
from leader.instances.embedded import EmbeddedQuorum

_TRY_AGAIN_S = 0.05


def main() -> None:
    """Serve until nobody is connected, then leave nothing behind."""
    directory, count, program, descriptor = sys.argv[1:]
    signal.signal(signal.SIGTERM, _end)
    listener = socket.socket(fileno=int(descriptor))
    supervisor = _Supervisor(Path(directory), listener)
    try:
        with EmbeddedQuorum(Path(directory), int(count), program=Path(program)) as quorum:
            supervisor.serve(quorum.urls)
    except InstanceError as error:
        sys.exit(str(error))
    supervisor.remove_directory()


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit()


class _Supervisor:
    """Whoever starts it holds the directory's lock meanwhile, until it has been told the URLs."""

    def __init__(self, directory: Path, listener: socket.socket) -> None:
        self._directory = directory
        self._listener = listener
        self._lock_file = lock_file(directory).stat()
        self._lock: int | None = None
        self._agents: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()

    def serve(self, urls: list[str]) -> None:
        greeting = json.dumps(urls).encode() + b"\n"
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        while self._agents or not self._is_over(greeting):
            self._take_turns(None if self._agents else _TRY_AGAIN_S, greeting)

    def remove_directory(self) -> None:
        """The lock that `serve` took lasts to the end of the process."""
        if self._lock is not None and os.path.samestat(os.fstat(self._lock), self._lock_file):
            shutil.rmtree(self._directory, ignore_errors=True)

    def _is_over(self, greeting: bytes) -> bool:
        """Whether nobody is connected, and nobody is about to be: then nobody can be until we have ended."""
        try:
            self._lock = try_lock(self._directory)
        except FileNotFoundError:
            return True  # somebody has removed the directory: nobody can find us any more
        if self._lock is None:
            return False  # somebody joins just now: the next turn brings them
        self._take_turns(0, greeting)
        if self._agents:
            os.close(self._lock)
        return not self._agents

    def _take_turns(self, timeout_s: float | None, greeting: bytes) -> None:
        for key, _ in self._selector.select(timeout_s):
            if key.fileobj is self._listener:
                self._welcome(greeting)
            elif isinstance(key.fileobj, socket.socket):
                self._hear(key.fileobj)

    def _welcome(self, greeting: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            agent, _ = self._listener.accept()
            self._agents.add(agent)
            self._selector.register(agent, selectors.EVENT_READ)
            with contextlib.suppress(OSError):  # it has left again, which `_hear` notices
                agent.send(greeting)

    def _hear(self, agent: socket.socket) -> None:
        """Agents say nothing, so what can be read is the end."""
        try:
            if agent.recv(4096):
                return
        except OSError:
            pass
        self._selector.unregister(agent)
        self._agents.remove(agent)
        agent.close()
