"""How a program joins the agent's guards, and hears that it must end."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leader.api.async_reach import AsyncGuard
from leader.clock import now_ns
from leader.errors import AgentUnreachable
from leader.guard import Guard, joined
from tests.support.polling import until

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
ABOUT = b'{"event": "guarding", "cluster": "prod", "node": "web-1", "lease_ms": 10000}\n'
ENDS = b'{"event": "ends", "election": "default", "term": 7}\n'
PATIENCE_NS = 10_000_000_000


@contextmanager
def saying(path: Path, *parts: bytes, stays: bool = True) -> Iterator[None]:
    """An agent that sends this to one guard, part by part, and closes unless it stays."""
    left = threading.Event()

    def serve() -> None:
        client, _ = listening.accept()
        with client:
            client.recv(65536)
            for part in parts:
                client.sendall(part)
            if stays:
                left.wait(30)

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            left.set()
            thread.join()


def test_the_first_line_may_come_in_pieces_and_with_more() -> None:
    """Bytes have no borders."""
    whole = HEAD + ABOUT
    assert all(joined(whole[:length]) is None for length in range(len(whole)))
    answer = joined(whole + ENDS)
    assert answer is not None
    about, rest = answer
    assert (about.cluster, about.node, about.lease_ms, rest) == ("prod", "web-1", 10_000, ENDS)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\r\n\r\n{}\n",
        b'HTTP/1.1 404 Not Found\r\n\r\n{"error": "there is no election \'x\'"}\n',
        HEAD + b"[]\n",
        HEAD + b"{\n",
        HEAD + b"\xff" * 70_000,
    ],
)
def test_what_is_no_guards_stream_is_an_error(tmp_path: Path, answer: bytes) -> None:
    """Of one kind, for threads and for tasks."""
    path = tmp_path / "s"
    for join in (
        lambda: Guard(str(path), "default", now_ns() + PATIENCE_NS),
        lambda: asyncio.run(AsyncGuard.join(str(path), "default", now_ns() + PATIENCE_NS)),
    ):
        with saying(path, answer, stays=False), pytest.raises(AgentUnreachable, match="lets no job join"):
            join()
        path.unlink()


def test_what_came_with_the_first_line_is_not_lost(tmp_path: Path) -> None:
    """An agent that hands over says so in the moment in which a guard joins."""
    path = tmp_path / "s"
    with saying(path, HEAD + ABOUT + ENDS):
        guard = Guard(str(path), "default", now_ns() + PATIENCE_NS)
        assert guard.must_end()
        guard.close()
    path.unlink()

    async def heard() -> None:
        guard = await AsyncGuard.join(str(path), "default", now_ns() + PATIENCE_NS)
        await guard.must_end()
        guard.close()

    with saying(path, HEAD + ABOUT + ENDS):
        asyncio.run(heard())


def test_a_line_that_comes_in_two_pieces_is_understood(tmp_path: Path) -> None:
    """And before it nothing must end."""
    path = tmp_path / "s"
    with saying(path, HEAD + ABOUT, ENDS[:14], ENDS[14:]):
        guard = Guard(str(path), "default", now_ns() + PATIENCE_NS)
        until(guard.must_end, "it is told to end")
        guard.close()


def test_the_end_of_the_agent_is_an_error(tmp_path: Path) -> None:
    """Then nobody knows of the job."""
    path = tmp_path / "s"
    with saying(path, HEAD + ABOUT, stays=False):
        guard = Guard(str(path), "default", now_ns() + PATIENCE_NS)

        def is_gone() -> bool:
            try:
                return guard.must_end()
            except AgentUnreachable:
                return True

        until(is_gone, "it is gone")
        guard.leave()
        guard.close()
