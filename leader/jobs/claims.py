"""What does the agent say about a tick? The claim of one call of `once`, its run's connection, and its end.

The same nonce goes with all of it, so that an answer that was lost is asked for again.
"""

import contextlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from leader import clock
from leader.clock import now_ns
from leader.errors import AgentUnreachable, Refused, UnknownElection, UsageError
from leader.fastpath import quote
from leader.reach import connect, patience_s, why_not

NS_PER_MS = 1_000_000
LONGEST_ANSWER = 65_536
OK, ACCEPTED, WRONG, FORBIDDEN, NOT_THERE, NOT_NOW = 200, 202, 400, 403, 404, 503
RETURN_NS = 1_000 * NS_PER_MS


@dataclass(frozen=True, slots=True)
class Call:
    """One call of `once`; `called_ns` is when, on this host's clock, `tick_ms` the wall time then."""

    path: str
    job: str
    election: str
    nonce: str
    called_ns: int
    tick_ms: int

    @staticmethod
    def now(path: str, job: str, election: str) -> "Call":
        """A call that is made at this moment."""
        return Call(path, job, election, os.urandom(16).hex(), now_ns(), clock.wall_ms())

    def body(self, **more: object) -> bytes:
        """What every request says, and more."""
        said = {"nonce": self.nonce, "election": self.election, "tick_ms": self.tick_ms, **more}
        return json.dumps(said).encode()

    def request(self, what: str, body: bytes, version: str) -> bytes:
        """A POST about this job."""
        head = (
            f"POST /v1/jobs/{quote(self.job)}/{what} HTTP/{version}\r\nHost: leader\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def claim(call: Call, wishes: Mapping[str, object], deadline_ns: int) -> dict[str, object]:
    """The agent's answer to a claim, which comes when it is decided.

    Raises:
        AgentUnreachable: none came in time, or its connection broke: whether it is claimed is not known.
        Refused: this user may not claim.
        UsageError: the claim is wrong; UnknownElection: there is no such election.
    """
    status, answer = exchange(call, "claim", call.body(**wishes), deadline_ns)
    sentence = str(answer.get("error", ""))
    if status == NOT_THERE:
        raise UnknownElection(sentence)
    if status == FORBIDDEN:
        raise Refused(sentence)
    if status == WRONG:
        raise UsageError(sentence)
    if "claim" not in answer:
        raise AgentUnreachable(f"the agent at {call.path} does not know of claims: {sentence or status}")
    return answer


def report_end(call: Call, ended: Mapping[str, object], deadline_ns: int) -> bool:
    """Tell the agent how the run has ended; whether a majority of the instances has it.

    Raises:
        AgentUnreachable: no answer in time.
    """
    status, _ = exchange(call, "end", call.body(**ended), deadline_ns)
    return status == OK


def exchange(call: Call, what: str, body: bytes, deadline_ns: int) -> tuple[int, dict[str, object]]:
    """Status and document of the answer to one request.

    Raises:
        AgentUnreachable: none came in time, or it was none.
    """
    sock = socket.socket(socket.AF_UNIX)
    try:
        connect(sock, call.path, deadline_ns)
        sock.settimeout(patience_s(deadline_ns))
        sock.sendall(call.request(what, body, "1.1"))
        head, _, content = _all_of(sock, deadline_ns).partition(b"\r\n\r\n")
        answer = json.loads(content)
        return int(head.split(b" ", 2)[1]), dict(answer)
    except OSError as error:
        raise AgentUnreachable(why_not(call.path, error)) from None
    except (ValueError, IndexError, TypeError):
        raise AgentUnreachable(f"what answers at {call.path} is not a leader agent: check --socket") from None
    finally:
        sock.close()


def _all_of(sock: socket.socket, deadline_ns: int) -> bytes:
    """All that is sent until the other side closes, as it was asked to."""
    received = b""
    while len(received) < LONGEST_ANSWER:
        sock.settimeout(patience_s(deadline_ns))
        more = sock.recv(LONGEST_ANSWER)
        if not more:
            break
        received += more
    if not received:
        raise ConnectionResetError
    return received


class Presence:
    """The connection that tells the agent that this `once` lives; made anew when the agent was restarted."""

    def __init__(self, call: Call, term: int) -> None:
        self._call = call
        self._term = term
        self._started_ns = now_ns()
        self._socket: socket.socket | None = None
        self._try_at_ns = 0

    @property
    def patience_ms(self) -> int:
        """When the next look is due: only while there is no connection."""
        return 3_600_000 if self._socket is not None else RETURN_NS // NS_PER_MS

    def tend(self) -> int:
        """Connect if there is no connection, and note if it is gone; its descriptor, -1 without one."""
        if self._socket is not None and self._is_gone(self._socket):
            self._socket.close()
            self._socket = None
            self._try_at_ns = now_ns()
        if self._socket is None and now_ns() >= self._try_at_ns:
            self._try_at_ns = now_ns() + RETURN_NS
            self._connect()
        return -1 if self._socket is None else self._socket.fileno()

    @staticmethod
    def _is_gone(sock: socket.socket) -> bool:
        """Whether the agent has ended the stream; what it says meanwhile is of no interest."""
        try:
            while sock.recv(LONGEST_ANSWER):
                pass
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _connect(self) -> None:
        age_ms = (now_ns() - self._started_ns) // NS_PER_MS
        body = self._call.body(term=self._term, started_ms_ago=age_ms)
        sock = socket.socket(socket.AF_UNIX)
        try:
            connect(sock, self._call.path, now_ns() + RETURN_NS // 10)
            # HTTP/1.0, so that the stream comes as it is
            sock.sendall(self._call.request("run", body, "1.0"))
            sock.setblocking(False)
        except OSError:
            sock.close()
            return
        self._socket = sock

    def close(self) -> None:
        """Let go of it."""
        with contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.close()
