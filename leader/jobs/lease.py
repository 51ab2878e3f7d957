"""Until when may a job run on this node? What the agent said last, and a line to it that says when to stop.

An answer counts from the moment before it was asked for (rule R6), so no pause of either side stretches it.
"""

import json
import socket

from leader.errors import AgentUnreachable, UnknownElection
from leader.fastpath import LEADS, Unknown, Usage, ask, judge, quote
from leader.jobs.limit import Answer
from leader.reach import connect, patience_s

NS_PER_MS = 1_000_000
LONGEST_HEAD = 65_536


class Lease:
    """One election as this process knows it: this node's term, and until when that is sure."""

    def __init__(self, path: str, election: str) -> None:
        self.path = path
        self.election = election
        self.term = 0
        self.sure_until_ns = 0
        self.why = ""
        """Why the last answer was not a yes, in words."""
        self._is_bound = False

    def bind(self) -> None:
        """From now on only this term counts: a job was started with it."""
        self._is_bound = True

    def ask(self, deadline_ns: int) -> Answer:
        """Whether this node leads, asked now.

        Raises:
            UnknownElection: there is none of that name.
        """
        try:
            status, headers, sent_ns = ask(self.path, self.election, deadline_ns)
            code, self.why = judge(self.election, status, headers, sent_ns, 0)
        except Usage as error:
            raise UnknownElection(str(error)) from None
        except Unknown as error:
            self.why = str(error)
            return Answer.UNKNOWN
        if code != LEADS:
            return Answer.LEADS_NOT
        term = int(headers["leader-term"])
        if self._is_bound and term != self.term:
            return Answer.OVER
        if term != self.term:
            self.term, self.sure_until_ns = term, 0
        until_ns = sent_ns + int(headers["leader-remaining-ms"]) * NS_PER_MS
        self.sure_until_ns = max(self.sure_until_ns, until_ns)
        return Answer.LEADS


class Guard:
    """A connection by which the agent knows that a job runs: as long as it is open, a hand-over waits.

    Every process that has it open keeps it so; it tells `cluster`, `node` and `lease_ms`.
    """

    def __init__(self, path: str, election: str, deadline_ns: int) -> None:
        """Join the agent's guards.

        Raises:
            AgentUnreachable: no agent answers in time, or it takes no more guards.
        """
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            connect(self._socket, path, deadline_ns)
            # HTTP/1.0, so that the stream comes as it is, without the frames of chunks
            self._socket.sendall(f"GET /v1/elections/{quote(election)}/guard HTTP/1.0\r\n\r\n".encode())
            about = json.loads(self._first_line(deadline_ns))
            self.cluster, self.node = str(about["cluster"]), str(about["node"])
            self.lease_ms = int(about["lease_ms"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._socket.close()
            raise AgentUnreachable(
                f"the agent at {path} lets no job join it ({error}): see its log"
            ) from error
        self._socket.setblocking(False)

    def _first_line(self, deadline_ns: int) -> bytes:
        received = b""
        while b"\n" not in received.partition(b"\r\n\r\n")[2]:
            self._socket.settimeout(patience_s(deadline_ns))
            more = self._socket.recv(LONGEST_HEAD)
            if not more or len(received) > LONGEST_HEAD:
                raise ConnectionResetError("it closed the connection")
            received += more
        return received.partition(b"\r\n\r\n")[2].partition(b"\n")[0]

    def fileno(self) -> int:
        """The descriptor, to wait for."""
        return self._socket.fileno()

    def must_end(self) -> bool:
        """Whether the agent says that the job must end.

        Raises:
            AgentUnreachable: the connection is gone, and with it what the agent knows of the job.
        """
        try:
            received = self._socket.recv(LONGEST_HEAD)
        except BlockingIOError:
            return False
        except OSError as error:
            raise AgentUnreachable(str(error)) from error
        if not received:
            raise AgentUnreachable("the agent closed the connection")
        return b'"ends"' in received

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()
