"""HTTP over the agent's Unix socket for `http.client`, all of whose steps together end at one instant."""

import socket
from http.client import HTTPConnection
from typing import Any

from leader.reach import connect, patience_s


class DeadlineSocket(socket.socket):
    """A Unix socket all of whose steps together end at one instant."""

    def __init__(self, deadline_ns: int) -> None:
        super().__init__(socket.AF_UNIX)
        self.deadline_ns: int | None = deadline_ns

    def sendall(self, data: Any, flags: int = 0, /) -> None:  # noqa: ANN401 - as in the class above
        """Send, before the deadline."""
        self._set_patience()
        super().sendall(data, flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:  # noqa: ANN401 - likewise
        """Receive, before the deadline."""
        self._set_patience()
        return super().recv_into(buffer, nbytes, flags)

    def _set_patience(self) -> None:
        self.settimeout(None if self.deadline_ns is None else patience_s(self.deadline_ns))


class UnixConnection(HTTPConnection):
    """HTTP over the agent's socket, ended by one deadline."""

    def __init__(self, path: str, deadline_ns: int) -> None:
        super().__init__("leader")
        self._path = path
        self._deadline_ns = deadline_ns
        self.sock: DeadlineSocket

    def connect(self) -> None:
        """Connect to the agent, however full its backlog is, before the deadline."""
        self.sock = DeadlineSocket(self._deadline_ns)
        connect(self.sock, self._path, self._deadline_ns)

    def unbound(self) -> None:
        """Wait for ever from now on: a stream may be silent for long."""
        self.sock.deadline_ns = None
