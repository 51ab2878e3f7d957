"""`leader is-leader` when nobody can tell: never a yes, never a no, never a traceback."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leader.clock import now_ns
from leader.reach import SECOND_NS
from tests.e2e.asking import Asker, one_sentence, saying, wait_until_it_waits
from tests.unit.api.handmade import process


def test_no_agent_is_3_with_the_remedy(tmp_path: Path, ask: Asker) -> None:
    """Missing, stale, below a file, too long: each its sentence."""
    (tmp_path / "file").write_text("")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "stale"))
    for name, words in {
        "missing": "start `leader agent`, or name its socket with --socket or LEADER_SOCKET",
        "stale": "start `leader agent`",
        "file": "start `leader agent`",
        "file/below": "no agent has a socket at",
        "x" * 108: "name one of at most 107 bytes",
    }.items():
        code, said, complaint = ask("--socket", str(tmp_path / name))
        assert (code, said) == (3, "")
        assert one_sentence(complaint)
        assert complaint.startswith("leader is-leader: unknown: ")
        assert words in complaint


@pytest.mark.needs("root")
def test_a_socket_that_may_not_be_opened_is_3_with_the_remedy(path: Path) -> None:
    """The command runs as `nobody`, in this environment: the clean one may be closed to that user too."""
    forbidden = (
        "import os, sys; from leader.fastpath import is_leader\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "sys.exit(is_leader(['--socket', sys.argv[1]]))"
    )
    with process(path):
        path.chmod(0o600)
        command = [sys.executable, "-c", forbidden, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert one_sentence(done.stderr)
    assert "[api] socket_mode" in done.stderr


def test_a_stopped_agent_is_3_within_the_time_out(path: Path, ask: Asker) -> None:
    """SIGSTOP: the socket is open, nobody answers; the default patience is 1 s."""
    with process(path) as agent:
        agent.send_signal(signal.SIGSTOP)
        before_ns = now_ns()
        code, said, complaint = ask("--timeout", "300ms")
        assert 0.3 <= (now_ns() - before_ns) / SECOND_NS < 1.0
        assert (code, said) == (3, "")
        assert one_sentence(complaint)
        assert "did not answer in time" in complaint
        assert ask()[0] == 3
        assert (now_ns() - before_ns) / SECOND_NS < 3.0
        agent.send_signal(signal.SIGCONT)
        assert ask()[0] == 0


def test_a_yes_that_is_older_than_its_lease_is_3(path: Path, ask: Asker) -> None:
    """The asker is stopped between question and answer: no pause carries a yes past the deadline (R6)."""
    with process(path, remaining_ms=500) as agent:
        agent.send_signal(signal.SIGSTOP)
        with ask.start("--timeout", "20s") as asker:
            wait_until_it_waits(asker.pid)
            asker.send_signal(signal.SIGSTOP)
            agent.send_signal(signal.SIGCONT)
            ends_ns = now_ns() + 6 * SECOND_NS // 10
            while now_ns() < ends_ns:
                time.sleep(0.01)  # the lease runs out meanwhile
            asker.send_signal(signal.SIGCONT)
            _, complaint = asker.communicate(timeout=30)
    assert asker.returncode == 3
    assert b"unknown: the answer is too old" in complaint


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 503 Service Unavailable\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        b"HTTP/1.1 OK\r\nLeader-Remaining-Ms: 8000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nLeader-Remaining-Ms: -8\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nLeader-Remaining-Ms: soon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nLeader-Remaining-Ms: 8000\r\n",
        b"HTTP/1.1 500 Oops\r\nLeader-Remaining-Ms: 8000\r\n\r\n",
        b"\xff" * 100_000,
        b"",
    ],
)
def test_what_is_no_answer_of_an_agent_is_3(path: Path, ask: Asker, answer: bytes) -> None:
    """Cut off, another program, another status: never a yes, never a no, never a traceback."""
    with saying(path, answer):
        code, said, complaint = ask("--timeout", "300ms")
    assert (code, said) == (3, "")
    assert one_sentence(complaint)


def test_an_agent_that_ends_under_the_question_is_3(path: Path, ask: Asker) -> None:
    """`kill -9` between question and answer."""
    with process(path) as agent:
        agent.send_signal(signal.SIGSTOP)
        with ask.start("--timeout", "20s") as asker:
            wait_until_it_waits(asker.pid)
            agent.kill()
            _, complaint = asker.communicate(timeout=30)
    assert asker.returncode == 3
    assert b"closed the connection without an answer" in complaint


def test_ctrl_c_is_130_without_a_traceback(path: Path, ask: Asker) -> None:
    """While it waits for an agent that hangs."""
    with process(path) as agent:
        agent.send_signal(signal.SIGSTOP)
        with ask.start("--timeout", "20s") as asker:
            wait_until_it_waits(asker.pid)
            asker.send_signal(signal.SIGINT)
            assert asker.communicate(timeout=30) == (b"", b"")
    assert asker.returncode == 130


@pytest.mark.parametrize(
    "ending", [">&-", "2>&-", ">&- 2>&-", ">/dev/full", ">/dev/full 2>&1", "<&- >&- 2>&-"]
)
def test_closed_and_full_streams_do_not_change_the_answer(path: Path, ask: Asker, ending: str) -> None:
    """Nowhere to write to is no reason for another exit code."""
    with process(path):
        for arguments, code in {"-v": 0, "nope": 2, "--bogus": 2, "--socket /nowhere": 3}.items():
            command = f"exec {ask.program} is-leader {arguments} {ending}"
            done = subprocess.run(command, shell=True, env=ask.environment, timeout=30, check=False)  # noqa: S602
            assert done.returncode == code
