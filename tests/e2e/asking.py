"""How the tests call `leader is-leader`, and what they let answer it."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leader.clock import now_ns
from leader.reach import SECOND_NS


class Asker:
    """Calls `leader is-leader` with the little that cron gives it."""

    def __init__(self, programs: Path, path: Path) -> None:
        self.program = str(programs / "leader")
        self.environment = {"PATH": "/usr/bin:/bin", "LEADER_SOCKET": str(path)}

    def __call__(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """The exit code, and what was said on standard output and standard error."""
        done = subprocess.run(
            [self.program, "is-leader", *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """The running command."""
        command = [self.program, "is-leader", *arguments]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@contextmanager
def saying(path: Path, answer: bytes) -> Iterator[None]:
    """Something at that path that says the same to one client, and stays connected until the end."""
    done = threading.Event()

    def serve() -> None:
        client, _ = listening.accept()
        with client:
            client.recv(65536)
            client.sendall(answer)
            done.wait(30)

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        done.set()
        thread.join()


def one_sentence(text: str) -> bool:
    """Whether that is one line for a person."""
    return text.startswith("leader is-leader: ") and text.count("\n") == 1 and text.endswith("\n")


def wait_until_it_waits(pid: int) -> None:
    """Return once that process has sent its question and waits in poll(2) for the answer."""
    deadline_ns = now_ns() + 20 * SECOND_NS
    while now_ns() < deadline_ns:
        if Path(f"/proc/{pid}/syscall").read_text().split(" ")[0] in ("7", "73", "271"):
            return
    raise AssertionError("it never waited")
