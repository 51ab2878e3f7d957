"""Requests that nobody should send, a million of them if need be: bytes out of a seed, and who takes them in.

In one process, without sockets: the same connections and routes as the agent's, on a transport made up here.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import h11

from leader.api.connection import Connection
from leader.api.limits import Limits
from leader.api.message import Request, Response
from leader.api.parties import Turns
from leader.api.peers import Peer
from leader.api.routes import respond
from leader.api.source import Leave, Listener
from tests.unit.api.handmade import HandmadeSource

MOST_BUFFERED = 200_000
"""Bytes that one connection may keep of what was sent to it, whatever that was."""

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "CONNECT", "TRACE", "FOO", "get", "", "G\x00T"]
PATHS = [
    "/leader", "/v1/elections/default/leader", "/v1/elections/default", "/v1/elections/default/guard",
    "/v1/elections/default/work", "/v1/elections/default/step-down", "/v1/status", "/v1/history",
    "/v1/events",
    "/v1/jobs", "/v1/jobs/report", "/v1/jobs/report/claim", "/v1/jobs/report/run", "/v1/jobs/report/end",
    "/v1/pause", "/v1/resume", "/v1/nodes/b/forget", "/metrics", "/livez", "/readyz", "/", "", "*", "//",
    "/..",
]  # fmt: skip
NAMES = [
    "..", ".", "a/../b", "%2e%2e%2f", "%00", "%0d%0aX: y", "\x1b[31m", "%1b%5b31m", "é", "%ff", "a" * 65, "%",
    "a b", '"', "'", "<script>", "{}", "%s", "{0}", "$(id)", "`id`", ";", "|", "\u202e", "default", "-", "_",
]  # fmt: skip
HEADERS = [
    "Host: leader", "Host:", "Connection: close", "Connection: keep-alive", "Connection: upgrade, close",
    "Content-Length: 2", "Content-Length: 0", "Content-Length: 99999999999999999999", "Content-Length: -1",
    "Content-Length: 1" + "0" * 5000, "Transfer-Encoding: chunked", "Transfer-Encoding: gzip",
    "Expect: 100-continue",
    "Upgrade: websocket", "X: " + "y" * 9000, ": empty", "No colon", " folded", "A\x00: b", "Ä: ö",
    "Host: two",
]  # fmt: skip
VALUES: list[Any] = [
    0, 1, -1, 2**53, 2**63, 10**400, 1.5, 1e308, float("nan"), True, None, "", "default", "x" * 300, [],
    {}, [[]],
    "..", "a/b", "\x1b[2J", "\x00", "\r\nX: y", "done", "failed", "skip", "allow", "\ud800", {"a": 1},
]  # fmt: skip
KEYS = [
    "to", "drain", "force", "timeout_ms", "reason", "for_ms", "gap_ms", "wait_ms", "nonce", "election",
    "tick_ms",
    "overlap", "rerun_interrupted", "called_at_ns", "state", "term", "duration_ms", "code", "other",
]  # fmt: skip


def target(random: Random) -> str:
    """A path, or nearly one."""
    path = random.choice(PATHS)
    if random.random() < 0.4:
        path = path.replace(random.choice(["default", "report", "b", "v1"]), random.choice(NAMES))
    if random.random() < 0.2:
        path += "?" + random.choice(NAMES)
    return random.choice(["", "", "", "", "http://x"]) + path


def body(random: Random) -> bytes:
    """A JSON object, or nearly one."""
    content = {random.choice(KEYS): random.choice(VALUES) for _ in range(random.randrange(5))}
    text = json.dumps(content).encode()
    dice = random.random()
    if dice < 0.1:
        return random.randbytes(random.randrange(200))
    return text[: random.randrange(len(text) + 1)] if dice < 0.2 else b"[" * 10_000 if dice < 0.21 else text


def request(random: Random) -> bytes:
    """One request, or nearly one."""
    headers = [random.choice(HEADERS) for _ in range(random.randrange(4))]
    if random.random() < 0.8:
        headers.insert(0, "Host: leader")
    content = body(random) if random.random() < 0.4 else b""
    if content and random.random() < 0.8:
        headers.append(f"Content-Length: {len(content)}")
    version = random.choice(["HTTP/1.1"] * 8 + ["HTTP/1.0", "HTTP/2.0", "HTTP/1.1 x", ""])
    lines = [f"{random.choice(METHODS)} {target(random)} {version}", *headers, "", ""]
    end = "\r\n" if random.random() < 0.95 else random.choice(["\n", "\r", "\0"])
    return end.join(lines).encode("utf-8", "surrogatepass") + content


def spoilt(random: Random, data: bytes) -> bytes:
    """The same with something of it changed, doubled or left out."""
    for _ in range(random.randrange(3)):
        where = random.randrange(len(data) + 1)
        what = random.choice(
            [random.randbytes(random.randrange(4)), b"\r\n", b"\x00", data[:where][-20:], b"\x16\x03"]
        )
        data = data[:where] + what + data[where + random.randrange(3) :]
    return data


def session(random: Random) -> list[bytes]:
    """What one client sends, in the pieces in which it arrives."""
    dice = random.random()
    if dice < 0.05:
        return [random.randbytes(random.randrange(400))]
    data = b"".join(request(random) for _ in range(random.choice([1, 1, 1, 2, 5])))
    if dice < 0.4:
        data = spoilt(random, data)
    if dice > 0.9:
        data = data[: random.randrange(len(data) + 1)]
    if random.random() < 0.7:
        return [data]
    cut = random.randrange(len(data) + 1)
    return [data[:cut], data[cut:]]


class Transport(asyncio.Transport):
    """Keeps what the server says, and whether it has ended the connection."""

    def __init__(self) -> None:
        super().__init__()
        self.said = bytearray()
        self.closed = False
        self.paused = False

    def get_extra_info(self, name: str, default: object = None) -> Any:  # noqa: ANN401, ARG002 - asyncio's
        """The socket, which is none: so nobody can tell who asks, unless the test says it."""
        return NoSocket()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is ever left to be written."""

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed, "written to a connection that is over"
        self.said += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """The server has said all it had to say."""

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class NoSocket:
    """What is asked who its peer is, and cannot tell."""

    def setsockopt(self, *_: object) -> None:
        """Nothing has a buffer."""

    def getsockopt(self, *_: object) -> bytes:
        raise OSError("no socket")


@dataclass
class Host:
    """What a connection reports to: answers as the agent's server does."""

    source: HandmadeSource
    respond_to: Callable[[HandmadeSource, Request], Response] = respond
    limits: Limits = field(default_factory=Limits)
    turns: Turns = field(default_factory=lambda: Turns(1000))
    buffer: bytearray = field(default_factory=lambda: bytearray(16_384))
    leaves: list[Leave] = field(default_factory=list)

    def opened(self, connection: Connection) -> None: ...

    def answered(self, connection: Connection) -> None: ...

    def unread(self, connection: Connection, waiting_bytes: int) -> None: ...

    def closed(self, connection: Connection) -> None:  # noqa: ARG002 - as in the connection's own
        while self.leaves:
            self.leaves.pop()()

    def respond(self, request: Request) -> Response:
        return self.respond_to(self.source, request)

    def may_defer(self, connection: Connection) -> bool:  # noqa: ARG002 - as in the connection's own
        return True

    def may_stream(self, connection: Connection) -> bool:  # noqa: ARG002 - as in the connection's own
        return True

    def streaming(self, connection: Connection, joins: Callable[[Listener], Leave]) -> None:  # noqa: ARG002
        self.leaves.append(joins(lambda _change: None))


ROOT = Peer(1, 0, 0, frozenset({0}))


async def converse(host: Host, pieces: list[bytes], peer: Peer | None) -> bytes:
    """What the server says to a client that sends this, when all that is to be said was said."""
    transport, connection = Transport(), Connection(host)
    connection.connection_made(transport)
    connection.peer = peer
    for piece in pieces:
        for start in range(0, len(piece), len(host.buffer)):
            if transport.closed:
                break
            part = piece[start : start + len(host.buffer)]
            host.buffer[: len(part)] = part
            connection.buffer_updated(len(part))
            for _ in range(100):
                if not (transport.paused or connection._later):
                    break
                await asyncio.sleep(0)
    kept = len(connection._body)
    if "_http" in connection.__dict__:
        kept += len(connection._http.trailing_data[0])
    assert kept <= MOST_BUFFERED, f"{kept} bytes are kept"
    transport.closed = True
    connection.connection_lost(None)
    return bytes(transport.said)


def check(said: bytes) -> int:
    """The number of answers in what was said: each is whole HTTP, and none says that there is a bug.

    Raises:
        AssertionError: it is something else.
    """
    answers, client = 0, None
    while said:
        client = h11.Connection(h11.CLIENT)
        client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
        client.send(h11.EndOfMessage())
        client.receive_data(said)
        event = client.next_event()
        while isinstance(event, h11.InformationalResponse):
            event = client.next_event()
        if event is h11.NEED_DATA:
            break
        assert isinstance(event, h11.Response), event
        assert event.status_code != 500, said
        for name, value in event.headers:
            assert bytes(name + value).isascii(), value
            assert bytes(value).decode().isprintable(), value
        answers += 1
        break  # how long the first is depends on its request: HEAD has no body
    return answers
