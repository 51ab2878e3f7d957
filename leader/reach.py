"""How a client reaches the agent's socket before a deadline, and what to say when it cannot.

Shared by the fast path and all other clients, so it imports built-in modules only.
"""

import sys
from _socket import SO_SNDTIMEO, SOL_SOCKET
from time import sleep

from leader.clock import now_ns
from leader.paths import LONGEST_SOCKET_PATH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket

SECOND_NS = 1_000_000_000
FIRST_PAUSE_S = 0.001
LONGEST_PAUSE_S = 0.02
LONGEST_WAIT_S = 3600.0
WORD_BYTES = 8 if sys.maxsize > 2**32 else 4
"""Of each of the two numbers that make a time for the kernel: seconds and microseconds."""

UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

NO_SOCKET = (
    "no agent has a socket at {path}: start `leader agent`, or name its socket with --socket or LEADER_SOCKET"
)
SENTENCES = (
    (FileNotFoundError, NO_SOCKET),
    (NotADirectoryError, NO_SOCKET),
    (
        ConnectionRefusedError,
        "no agent listens at {path}: start `leader agent`, or name its socket with --socket or LEADER_SOCKET",
    ),
    (PermissionError, "this user may not open {path}: widen the mode of its directory, or [api] socket_mode"),
    (TimeoutError, "the agent at {path} did not answer in time: see whether it hangs, or raise --timeout"),
    (
        ConnectionError,
        "the agent at {path} closed the connection without an answer: ask again, or see its log",
    ),
)


def patience_s(deadline_ns: int) -> float:
    """How long one more step may take, as a socket's time-out.

    Raises:
        TimeoutError: no time is left.
    """
    left_ns = deadline_ns - now_ns()
    if left_ns <= 0:
        raise TimeoutError
    return min(left_ns / SECOND_NS, LONGEST_WAIT_S)


def connect(sock: "socket", path: str, deadline_ns: int) -> None:
    """Connect the socket; while the agent's backlog is full (EAGAIN), wait for a place until the deadline.

    Raises:
        OSError: nobody can be reached there; `why_not` says it in words.
    """
    pause_s = FIRST_PAUSE_S
    while True:
        sock.settimeout(patience_s(deadline_ns))
        try:
            return sock.connect(path)
        except BlockingIOError:
            if queue(sock, path, deadline_ns):
                return None
            sleep(min(pause_s, patience_s(deadline_ns)))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def queue(sock: "socket", path: str, deadline_ns: int) -> bool:
    """Wait in the kernel's own queue for a place; False if there was none, or there is no such queue here.

    Who only looks again and again is always behind those who wait there: many could shut out one.

    Raises:
        OSError: nobody can be reached there.
    """
    if sys.platform != "linux":
        return False
    left_us = int(patience_s(deadline_ns) * 1_000_000)
    time = b"".join(part.to_bytes(WORD_BYTES, sys.byteorder) for part in divmod(left_us, 1_000_000))
    sock.settimeout(None)
    sock.setsockopt(SOL_SOCKET, SO_SNDTIMEO, time)
    try:
        sock.connect(path)
    except BlockingIOError:
        return False
    finally:
        sock.settimeout(patience_s(deadline_ns))
    return True


def quote(election: str) -> str:
    """The name as one segment of a path."""
    name = election.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in name)


def why_not(path: str, error: OSError) -> str:
    """One sentence: why the agent at that path gave no answer, and what to do about it."""
    for kind, sentence in SENTENCES:
        if isinstance(error, kind):
            return sentence.format(path=path)
    if len(path.encode("utf-8", "surrogateescape")) > LONGEST_SOCKET_PATH:
        return f"the path {path} is too long for a socket: name one of at most {LONGEST_SOCKET_PATH} bytes"
    return f"the agent at {path} cannot be reached ({error.strerror or error}): check the path and the agent"
