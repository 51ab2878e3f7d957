"""How does a program that works under a leadership join the agent's guards, and hear that it must end?

A guard is a connection: as long as it is open, a planned hand-over waits. Shared by `leader run` and the
library, so it imports little; the bytes are here for both ways to wait for them.
"""

import json
import socket

from leader.errors import AgentUnreachable
from leader.reach import connect, patience_s, quote

LONGEST_HEAD = 65_536
MUST_END = b'"ends"'
"""What is in the line that tells guards that their work must end."""


class About:
    """What the agent tells a guard at once."""

    def __init__(self, cluster: str, node: str, lease_ms: int) -> None:
        self.cluster = cluster
        self.node = node
        self.lease_ms = lease_ms


def joining(election: str) -> bytes:
    """The request that joins; HTTP/1.0, so that the stream comes as it is, without the frames of chunks."""
    return f"GET /v1/elections/{quote(election)}/guard HTTP/1.0\r\n\r\n".encode()


def joined(received: bytes) -> tuple[About, bytes] | None:
    """What the agent tells, and the lines behind it; None while that is not all there.

    Raises:
        ValueError: this is no guard's stream.
    """
    first, end, rest = received.partition(b"\r\n\r\n")[2].partition(b"\n")
    if not end:
        if len(received) > LONGEST_HEAD:
            raise ValueError("its answer has no end")
        return None
    told = json.loads(first)
    try:
        return About(str(told["cluster"]), str(told["node"]), int(told["lease_ms"])), rest
    except (KeyError, TypeError) as error:
        raise ValueError(told.get("error", error) if isinstance(told, dict) else error) from error


def not_joined(path: str, error: Exception) -> AgentUnreachable:
    """The error that says why nobody can join."""
    return AgentUnreachable(f"the agent at {path} lets no job join it ({error}): see its log")


class Guard:
    """A connection by which the agent knows that a job runs: as long as it is open, a hand-over waits.

    Every process that has it open keeps it so; it tells `cluster`, `node` and `lease_ms`.
    """

    def __init__(self, path: str, election: str, deadline_ns: int) -> None:
        """Join the agent's guards.

        Raises:
            AgentUnreachable: no agent answers in time, or it takes no more guards.
        """
        try:
            self._socket = socket.socket(socket.AF_UNIX)
        except OSError as error:
            raise not_joined(path, error) from error
        try:
            connect(self._socket, path, deadline_ns)
            self._socket.sendall(joining(election))
            about, self._heard = self._first_line(deadline_ns)
        except (OSError, ValueError) as error:
            self._socket.close()
            raise not_joined(path, error) from error
        self.cluster, self.node, self.lease_ms = about.cluster, about.node, about.lease_ms
        self._socket.setblocking(False)

    def _first_line(self, deadline_ns: int) -> tuple[About, bytes]:
        received = b""
        while not (answer := joined(received)):
            self._socket.settimeout(patience_s(deadline_ns))
            more = self._socket.recv(LONGEST_HEAD)
            if not more:
                raise ConnectionResetError("it closed the connection")
            received += more
        return answer

    def fileno(self) -> int:
        """The descriptor, to wait for; `must_end` may be so before, at the moment of joining."""
        return self._socket.fileno()

    def must_end(self) -> bool:
        """Whether the agent says that the job must end.

        Raises:
            AgentUnreachable: the connection is gone, and with it what the agent knows of the job.
        """
        try:
            received = self._socket.recv(LONGEST_HEAD)
        except BlockingIOError:
            return MUST_END in self._heard
        except OSError as error:
            raise AgentUnreachable(str(error)) from error
        if not received:
            raise AgentUnreachable("the agent closed the connection: see its log")
        self._heard += received
        return MUST_END in self._heard

    def leave(self) -> None:
        """Tell the agent that nothing of the job is left, and whoever waits at the descriptor, too."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the agent is gone

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()
