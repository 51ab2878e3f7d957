"""How a coroutine asks the agent: a small HTTP by hand, so that nothing blocks and nothing else is needed."""

import asyncio
import contextlib
import socket
from typing import Self

from leader.api.answers import unreachable
from leader.errors import AgentUnreachable, Unanswered
from leader.guard import LONGEST_HEAD, MUST_END, About, joined, joining, not_joined
from leader.reach import FIRST_PAUSE_S, LONGEST_PAUSE_S, patience_s

LONGEST_ANSWER = 65_536


async def fetch(
    path: str,
    target: str,
    deadline_ns: int,
    *,
    body: bytes | None = None,
    longest: int | None = LONGEST_ANSWER,
) -> tuple[int, bytes]:
    """The status and the body of the agent's answer; with a body, it is asked to change something.

    Raises:
        AgentUnreachable: there was no whole answer before the deadline.
    """
    method, length = ("GET", "") if body is None else ("POST", f"Content-Length: {len(body)}\r\n")
    head = f"{method} {target} HTTP/1.0\r\nHost: leader\r\n{length}\r\n".encode()
    answer = await exchange(path, head + (body or b""), deadline_ns, longest)
    try:
        return _understood(answer)
    except (OSError, ValueError) as error:
        raise unreachable(path, error) from error


async def exchange(
    path: str, request: bytes, deadline_ns: int, longest: int | None = LONGEST_ANSWER
) -> bytes:
    """All that the agent answers until it closes the connection, which it has to be asked to do.

    Raises:
        AgentUnreachable: nobody could be asked in time; Unanswered: there was no end of an answer in time.
    """
    problem = AgentUnreachable
    try:
        async with asyncio.timeout(patience_s(deadline_ns)):
            with contextlib.closing(await _connected(path)) as sock:
                problem = Unanswered
                return await _exchange(sock, request, longest)
    except (OSError, ValueError) as error:
        raise problem(str(unreachable(path, error))) from error


async def stay(path: str, request: bytes) -> None:
    """Send a request, and return when the agent has ended its answer; what it says is of no interest.

    Raises:
        OSError: the agent cannot be reached, or its answer was cut off.
    """
    loop = asyncio.get_running_loop()
    with contextlib.closing(await _connected(path)) as sock:
        await loop.sock_sendall(sock, request)
        while await loop.sock_recv(sock, LONGEST_ANSWER):
            pass


class AsyncGuard:
    """A connection by which the agent knows that a task works: as long as it is open, a hand-over waits."""

    def __init__(self, sock: socket.socket, about: About, heard: bytes) -> None:
        self.lease_ms = about.lease_ms
        self._socket = sock
        self._heard = heard

    @classmethod
    async def join(cls, path: str, election: str, deadline_ns: int) -> Self:
        """Join the agent's guards.

        Raises:
            AgentUnreachable: no agent answers in time, or it takes no more guards.
        """
        try:
            async with asyncio.timeout(patience_s(deadline_ns)):
                sock = await _connected(path)
                try:
                    return cls(sock, *await _greeting(sock, election))
                except BaseException:
                    sock.close()
                    raise
        except (OSError, ValueError) as error:
            raise not_joined(path, error) from error

    async def must_end(self) -> None:
        """Return once the agent says that work must end.

        Raises:
            AgentUnreachable: the connection is gone, and with it what the agent knows of the work.
        """
        while MUST_END not in self._heard:
            try:
                more = await asyncio.get_running_loop().sock_recv(self._socket, LONGEST_HEAD)
            except OSError as error:
                raise AgentUnreachable(str(error)) from error
            if not more:
                raise AgentUnreachable("the agent closed the connection: see its log")
            self._heard += more

    def leave(self) -> None:
        """Tell the agent that nothing of the work is left; whoever waits may still do so."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the agent is gone

    def close(self) -> None:
        """Let go of it; nobody may wait for it any more."""
        self._socket.close()


async def _connected(path: str) -> socket.socket:
    """A socket that is connected; while the agent's backlog is full (EAGAIN), it is tried again.

    The loop's own way to connect takes a full backlog for success.
    """
    sock = socket.socket(socket.AF_UNIX)
    pause_s = FIRST_PAUSE_S
    try:
        sock.setblocking(False)
        while True:
            try:
                sock.connect(path)
            except BlockingIOError:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                return sock
    except BaseException:
        sock.close()
        raise


async def _exchange(sock: socket.socket, request: bytes, longest: int | None) -> bytes:
    """All that is answered until the other side closes."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, request)
    answer = bytearray()
    while more := await loop.sock_recv(sock, LONGEST_ANSWER):
        answer += more
        if longest is not None and len(answer) > longest:
            raise ValueError("the answer has no end")
    if not answer:
        raise ConnectionResetError
    return bytes(answer)


async def _greeting(sock: socket.socket, election: str) -> tuple[About, bytes]:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, joining(election))
    received = b""
    while not (greeting := joined(received)):
        more = await loop.sock_recv(sock, LONGEST_HEAD)
        if not more:
            raise ConnectionResetError("it closed the connection")
        received += more
    return greeting


def _understood(answer: bytes) -> tuple[int, bytes]:
    """The status and the body.

    Raises:
        ValueError: this is not HTTP.
        ConnectionResetError: it was cut off.
    """
    head, end, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status, *_ = (*first.split(" "), "")
    if not end or not version.startswith("HTTP/1."):
        raise ValueError(version)
    lengths = [line.partition(":")[2] for line in lines if line.lower().startswith("content-length:")]
    if lengths and len(body) < int(lengths[0]):
        raise ConnectionResetError
    return int(status), body
