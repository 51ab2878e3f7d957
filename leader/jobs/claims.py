"""What does the agent say about a tick? The claim of one call of `once`, its run's connection, and its end.

The same nonce goes with all of it, so that an answer that was lost is asked for again. Answers are read from
their headers, and bodies need no escapes, so no JSON is loaded.
"""

import _socket
import contextlib
import os

from leader import clock
from leader.clock import now_ns
from leader.errors import AgentUnreachable, Refused, UnknownElection, UsageError
from leader.fastpath import receive, understand
from leader.reach import UNRESERVED, connect, patience_s, why_not

NS_PER_MS = 1_000_000
LONGEST_ANSWER = 65_536
LONGEST_NAME = 64
Said = dict[str, object]
"""What a body says: texts, numbers, true or false."""

OK, WRONG, FORBIDDEN, NOT_THERE = 200, 400, 403, 404
RETURN_NS = 1_000 * NS_PER_MS


class Call:
    """One call of `once`; `called_ns` is when, on this host's clock, `tick_ms` the wall time then."""

    def __init__(self, path: str, job: str, election: str) -> None:
        """A call that is made at this moment.

        Raises:
            UsageError: job or election cannot be a name.
        """
        self.path = path
        self.job = checked_name(job, "job")
        self.election = checked_name(election, "election")
        self.nonce = os.urandom(16).hex()
        self.called_ns, self.tick_ms = now_ns(), clock.wall_ms()

    def request(self, what: str, said: Said, version: str = "1.1") -> bytes:
        """A POST about this job, whose body says who calls, and more."""
        call = {"nonce": self.nonce, "election": self.election, "tick_ms": self.tick_ms}
        content = {**call, "called_ms_ago": (now_ns() - self.called_ns) // NS_PER_MS, **said}
        body = "{" + ",".join(f'"{name}":{_literal(value)}' for name, value in content.items()) + "}"
        return (
            f"POST /v1/jobs/{self.job}/{what} HTTP/{version}\r\nHost: leader\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def checked_name(name: str, what: str) -> str:
    """The name, if it can be one.

    Raises:
        UsageError: it cannot.
    """
    code = name.encode("utf-8", "surrogateescape")
    if not 1 <= len(code) <= LONGEST_NAME or any(byte not in UNRESERVED or byte == ord("~") for byte in code):
        raise UsageError(
            f"{what} {name!r} cannot be a name: use 1 to {LONGEST_NAME} letters, digits, dots, dashes "
            "or underscores"
        )
    return name


def _literal(value: object) -> str:
    """The value in JSON; a text here never needs an escape."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def claim(call: Call, wishes: Said, deadline_ns: int) -> dict[str, str]:
    """The headers of the agent's answer to a claim, which comes when it is decided.

    Raises:
        AgentUnreachable: none came in time, or its connection broke: whether it is claimed is not known.
        Refused: this user may not claim.
        UsageError: the claim is wrong; UnknownElection: there is no such election.
    """
    status, headers = exchange(call, call.request("claim", wishes), deadline_ns)
    sentence = headers.get("leader-error", "")
    if "leader-claim" in headers:
        return headers
    if status == NOT_THERE and "leader-elections" in headers:
        there = headers["leader-elections"] or "none"
        raise UnknownElection(f"there is no election {call.election!r}; there is: {there}")
    if status == FORBIDDEN:
        raise Refused(sentence)
    if status == WRONG:
        raise UsageError(sentence)
    raise AgentUnreachable(f"the agent at {call.path} does not know of claims: {sentence or status}")


def report_end(call: Call, ended: Said, deadline_ns: int) -> bool:
    """Tell the agent how the run has ended; whether a majority of the instances has it.

    Raises:
        AgentUnreachable: no answer in time.
    """
    status, _ = exchange(call, call.request("end", ended), deadline_ns)
    return status == OK


def exchange(call: Call, request: bytes, deadline_ns: int) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to one request.

    Raises:
        AgentUnreachable: none came in time, or it was none.
    """
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connect(sock, call.path, deadline_ns)
        sock.settimeout(patience_s(deadline_ns))
        sock.sendall(request)
        return understand(receive(sock, deadline_ns))
    except OSError as error:
        raise AgentUnreachable(why_not(call.path, error)) from None
    except ValueError:
        raise AgentUnreachable(f"what answers at {call.path} is not a leader agent: check --socket") from None
    finally:
        sock.close()


class Presence:
    """The connection that tells the agent that this `once` lives; made anew when the agent was restarted."""

    def __init__(self, call: Call, term: int) -> None:
        self._call = call
        self._term = term
        self._socket: _socket.socket | None = None
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
    def _is_gone(sock: _socket.socket) -> bool:
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
        request = self._call.request("run", {"term": self._term}, "1.0")
        sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            connect(sock, self._call.path, now_ns() + RETURN_NS // 10)
            sock.sendall(request)  # HTTP/1.0, so that the stream comes as it is
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
