"""How does a call of `once` claim its tick at the agent, stand for the run, and tell how it ended?

The same nonce goes with all of it, so that an answer that was lost is asked for again. Shared by
`leader once` and the library, so it imports little: answers are read from their headers, and bodies need no
escapes, so that no JSON is loaded.
"""

import _socket
import contextlib
import os
from time import sleep

from leader import clock
from leader.clock import now_ns
from leader.errors import AgentUnreachable, Refused, Unanswered, Undecided, UnknownElection, UsageError
from leader.fastpath import receive, understand
from leader.names import NAME_RULE, is_name
from leader.protocol.gap import default_wait_ms
from leader.reach import connect, patience_s, why_not

NS_PER_MS = 1_000_000
LONGEST_ANSWER = 65_536
Said = dict[str, object]
"""What a body says: texts, numbers, true or false."""
Headers = dict[str, str]
"""With names in lower case."""

OK, WRONG, FORBIDDEN, NOT_THERE = 200, 400, 403, 404
LONGEST_WAIT_UNASKED_MS = 20_000
"""How long an agent that is not there is waited for, if nobody says how long: two leases of usual length."""

LONGEST_LEASE_MS = 3_600_000
PAUSE_S = 0.1
"""Between two questions."""
ANSWER_NS = 2_000 * NS_PER_MS
LOST_ANSWER_NS = 5_000 * NS_PER_MS
END_NS = 10_000 * NS_PER_MS
"""How long the end of a run is told again: longer than a service manager takes to bring an agent back."""
RETURN_NS = 1_000 * NS_PER_MS
"""Between two tries to come back to an agent that is away."""


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
        content = {**call, "called_at_ns": self.called_ns, **said}
        body = "{" + ",".join(f'"{name}":{_literal(value)}' for name, value in content.items()) + "}"
        return (
            f"POST /v1/jobs/{self.job}/{what} HTTP/{version}\r\nHost: leader\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def judge(self, head: bytes) -> Headers:
        """The headers of an answer to a claim.

        Raises:
            AgentUnreachable: it is none: whether it is claimed is not known.
            Refused: this user may not claim.
            UsageError: the claim is wrong; UnknownElection: there is no such election.
        """
        status, headers = read_head(self.path, head)
        sentence = headers.get("leader-error", "")
        if "leader-claim" in headers:
            return headers
        if status == NOT_THERE and "leader-elections" in headers:
            there = headers["leader-elections"] or "none"
            raise UnknownElection(f"there is no election {self.election!r}; there is: {there}")
        if status == FORBIDDEN:
            raise Refused(sentence)
        if status == WRONG:
            raise UsageError(sentence)
        raise AgentUnreachable(f"the agent at {self.path} decided nothing: {sentence or f'status {status}'}")


def checked_name(name: object, what: str) -> str:
    """The name, if it can be one.

    Raises:
        UsageError: it cannot.
    """
    if not isinstance(name, str) or not is_name(name):
        raise UsageError(f"{what} {name!r} cannot be a name: use {NAME_RULE}")
    return name


def _literal(value: object) -> str:
    """The value in JSON; a text here never needs an escape."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def read_head(path: str, head: bytes) -> tuple[int, Headers]:
    """Status and headers of what the agent there has answered.

    Raises:
        AgentUnreachable: this is not HTTP.
    """
    try:
        return understand(head)
    except ValueError:
        raise AgentUnreachable(f"what answers at {path} is not a leader agent: check --socket") from None


# The claim.


class Asking:
    """How one call asks for its tick: with which wishes, until when, and when it gives up."""

    def __init__(self, call: Call, wishes: Said, gap_ms: int, wait_ms: int | None) -> None:
        """`wait_ms` is None for the agent's default."""
        self.call = call
        self._wishes: Said = {"gap_ms": gap_ms, **wishes}
        self._wait_ms = wait_ms
        most_ms = default_wait_ms(gap_ms, LONGEST_LEASE_MS)
        unasked_ms = min(LONGEST_WAIT_UNASKED_MS, most_ms)
        self._until_ns = call.called_ns + (unasked_ms if wait_ms is None else wait_ms) * NS_PER_MS
        self._answer_by_ns = call.called_ns + (most_ms if wait_ms is None else wait_ms) * NS_PER_MS
        self._is_asked = False
        self._may_be_claimed = False

    def request(self) -> bytes:
        """The next question, which leaves the agent no more than what is left of the patience."""
        left_ms = max(0, (self._until_ns - now_ns()) // NS_PER_MS)
        wait: Said = {} if self._wait_ms is None and not self._is_asked else {"wait_ms": left_ms}
        self._is_asked = True
        return self.call.request("claim", self._wishes | wait)

    @property
    def deadline_ns(self) -> int:
        """When the answer to a question that is asked now is overdue.

        How long two leases are, the default, only the agent knows: it is waited for as long as may be.
        """
        return max(self._answer_by_ns, now_ns()) + ANSWER_NS

    def takes(self, answer: Headers) -> bool:
        """Whether this is the answer; an agent that ends undecided is asked again, while time is left."""
        return answer["leader-claim"] != "undecided" or now_ns() >= self._until_ns

    def gives_up(self, error: AgentUnreachable) -> bool:
        """Whether it ends with this error; an answer that was lost is asked for beyond the patience."""
        self._may_be_claimed = self._may_be_claimed or isinstance(error, Unanswered)
        return now_ns() >= max(self._until_ns, self.call.called_ns + LOST_ANSWER_NS * self._may_be_claimed)


def decide(asking: Asking) -> Headers:
    """The headers of the agent's answer; asked again, with the same nonce, until one has come or time is up.

    Raises:
        LeaderError: none came in time, or it was a refusal.
    """
    while True:
        try:
            answer = asking.call.judge(exchange(asking.call.path, asking.request(), asking.deadline_ns))
            if asking.takes(answer):
                return answer
        except AgentUnreachable as error:
            if asking.gives_up(error):
                raise
        sleep(PAUSE_S)


def is_ours(answer: Headers) -> bool:
    """Whether the tick is this call's; False if it is rightly not.

    Raises:
        Undecided: nobody can tell, or nobody claimed it in time.
    """
    match answer["leader-claim"]:
        case "yours":
            return True
        case "taken" | "overlaps":
            return False
        case _:
            raise Undecided(answer.get("leader-error", "nothing could be decided: see the log of the agent"))


def exchange(path: str, request: bytes, deadline_ns: int) -> bytes:
    """The head of the answer to one request.

    Raises:
        AgentUnreachable: nobody could be asked in time; Unanswered: none came in time.
    """
    problem = AgentUnreachable
    try:
        with contextlib.closing(_socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)) as sock:
            connect(sock, path, deadline_ns)
            sock.settimeout(patience_s(deadline_ns))
            problem = Unanswered
            sock.sendall(request)
            return receive(sock, deadline_ns)
    except TimeoutError:
        raise problem(f"the agent at {path} did not answer in time: see whether it hangs") from None
    except OSError as error:
        raise problem(why_not(path, error)) from None


# The run.


class Run:
    """The run of a tick that was claimed, and what is said of it."""

    def __init__(self, call: Call, term: int) -> None:
        """A run that starts at this moment."""
        self.path = call.path
        self._call = call
        self._term = term
        self._started_ns = now_ns()

    @property
    def duration_ms(self) -> int:
        """How long it has taken."""
        return (now_ns() - self._started_ns) // NS_PER_MS

    def running(self) -> bytes:
        """The request for the stream that stands for it; HTTP/1.0, so that it comes as it is."""
        return self._call.request("run", {"term": self._term}, "1.0")

    def ended(self, state: str, code: int, duration_ms: int) -> bytes:
        """The request that tells how it ended, and how long it took."""
        said: Said = {"state": state, "code": code, "duration_ms": duration_ms, "term": self._term}
        return self._call.request("end", said)


def tell_end(run: Run, state: str, code: int) -> None:
    """Have it written down by a majority; an agent that restarts is waited for, but not for long."""
    deadline_ns, duration_ms = now_ns() + END_NS, run.duration_ms
    while True:
        with contextlib.suppress(AgentUnreachable):
            if is_recorded(run.path, exchange(run.path, run.ended(state, code, duration_ms), deadline_ns)):
                return
        if now_ns() >= deadline_ns:
            return
        sleep(PAUSE_S)


def is_recorded(path: str, head: bytes) -> bool:
    """Whether a majority of the instances has the end that was told; else it is told again.

    Raises:
        AgentUnreachable: this is no answer.
    """
    return read_head(path, head)[0] == OK


class Presence:
    """The connection that tells the agent that a run goes on; made anew when the agent was restarted."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._socket: _socket.socket | None = None
        self._try_at_ns = 0

    @property
    def patience_ms(self) -> int:
        """When the next look is due: only while there is no connection."""
        return 3_600_000 if self._socket is not None else RETURN_NS // NS_PER_MS

    def tend(self) -> int:
        """Connect if there is no connection, and note if it is gone; its descriptor, -1 without one.

        One that is ended soon after it was made is made again a while later.
        """
        if self._socket is not None and self._is_gone(self._socket):
            self._socket.close()
            self._socket = None
        if self._socket is None and now_ns() >= self._try_at_ns:
            self._try_at_ns = now_ns() + RETURN_NS
            with contextlib.suppress(OSError):
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
        sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            connect(sock, self._run.path, now_ns() + RETURN_NS // 10)
            sock.sendall(self._run.running())
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
        self._socket = sock

    def close(self) -> None:
        """Let go of it."""
        with contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.close()
