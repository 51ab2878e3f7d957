"""Reaching the agent's socket within a bounded time, and saying why it was not reached."""

import os
import socket
import threading
from pathlib import Path

import pytest

from leader.clock import now_ns
from leader.reach import SECOND_NS, connect, patience_s, why_not


def full(path: Path) -> tuple[socket.socket, list[socket.socket]]:
    """A socket whose backlog is full, and the clients that fill it."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(0)
    clients: list[socket.socket] = []
    while True:
        client = socket.socket(socket.AF_UNIX)
        clients.append(client)
        client.settimeout(0)
        try:
            client.connect(str(path))
        except BlockingIOError:
            return listening, clients


def close(*sockets: socket.socket) -> None:
    """Close them all."""
    for sock in sockets:
        sock.close()


def test_a_full_backlog_is_tried_until_there_is_room(tmp_path: Path) -> None:
    """EAGAIN means that the agent is busy, not that it is away."""
    listening, clients = full(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as sock:
        arrives = threading.Thread(
            target=connect, args=(sock, str(tmp_path / "s"), now_ns() + 20 * SECOND_NS)
        )
        arrives.start()
        accepted = [listening.accept()[0] for _ in clients]
        arrives.join()
        assert sock.getpeername() == str(tmp_path / "s")
    close(listening, *clients, *accepted)


def test_a_backlog_that_stays_full_ends_at_the_deadline(tmp_path: Path) -> None:
    """Not much later, and never early."""
    listening, clients = full(tmp_path / "s")
    deadline_ns = now_ns() + SECOND_NS // 5
    with socket.socket(socket.AF_UNIX) as sock, pytest.raises(TimeoutError):
        connect(sock, str(tmp_path / "s"), deadline_ns)
    assert 0 <= now_ns() - deadline_ns < SECOND_NS
    close(listening, *clients)


def test_no_time_left_is_a_timeout_and_much_time_is_bounded() -> None:
    """A socket takes neither zero nor centuries as a time-out."""
    with pytest.raises(TimeoutError):
        patience_s(now_ns())
    assert patience_s(now_ns() + 10**9 * SECOND_NS) == 3600.0


def failure(path: str) -> OSError:
    """What the system says about that path."""
    with socket.socket(socket.AF_UNIX) as sock, pytest.raises(OSError, match=r".") as caught:
        connect(sock, path, now_ns() + SECOND_NS)
    return caught.value


def test_each_failure_is_a_sentence_with_a_remedy(tmp_path: Path) -> None:
    """Missing, stale, below a file, too long: told apart."""
    (tmp_path / "file").write_text("")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "stale"))
    expected = {
        "missing": "no agent has a socket at",
        "stale": "no agent listens at",
        "file": "no agent listens at",
        "file/s": "no agent has a socket at",
        "x" * 108: "is too long for a socket: name one of at most 107 bytes",
    }
    for name, words in expected.items():
        path = str(tmp_path / name)
        sentence = why_not(path, failure(path))
        assert words in sentence
        assert path in sentence


def test_other_failures_are_sentences_too() -> None:
    """Forbidden, silent, broken off, and what nobody thought of."""
    assert "socket_mode" in why_not("/s", PermissionError(13, "Permission denied"))
    assert "in time" in why_not("/s", TimeoutError())
    assert "without an answer" in why_not("/s", ConnectionResetError())
    assert os.strerror(24) in why_not("/s", OSError(24, os.strerror(24)))
