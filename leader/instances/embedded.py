"""A quorum of real servers on this machine: for `--dev`, the demo and the tests.

Each server is a process of its own in a directory of its own, and keeps nothing on disk unless asked to.
All of them are in one process group, with a watcher that waits for the end of a pipe from their owner: it
kills the group when the owner ends, however that ends, stopped servers too. Knows nothing of elections.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from leader import clock
from leader.errors import InstanceError
from leader.instances.group import OwnedGroup
from leader.instances.program import find_server

Transport = Literal["unix", "tcp"]

_LONGEST_PATH = 107 if sys.platform == "linux" else 103  # bytes; unix(7), sun_path
_START_WITHIN_NS = 10_000_000_000
_ANSWER_WITHIN_S = 5.0
_READY = "eady to accept connections"  # in the log of every version: "Ready" or "now ready"
_POLL_S = 0.002


class EmbeddedQuorum:
    """`count` independent servers; used as a context manager, or by `start` and `stop`.

    Instances are counted from 0. With `save`, `save_now` writes a snapshot, and a restart may keep it.
    """

    def __init__(
        self,
        directory: Path,
        count: int = 3,
        transport: Transport = "unix",
        *,
        save: bool = False,
        options: Sequence[str] = (),
        program: Path | None = None,
    ) -> None:
        """Starts nothing yet. `options` are given to each server, as on its command line.

        Raises:
            InstanceError: no server program is found, or `directory` is too long for Unix sockets.
        """
        self._program = program or find_server()
        self._saves = save
        self._owner = OwnedGroup()
        places = [directory / str(number) for number in range(1, count + 1)]
        self._servers: list[_Server] = (
            [_UnixServer(place, options) for place in places]
            if transport == "unix"
            else [
                _TcpServer(place, options, port)
                for place, port in zip(places, _free_ports(count), strict=True)
            ]
        )

    @property
    def urls(self) -> list[str]:
        """The instances' URLs, in order."""
        return [server.url for server in self._servers]

    def pid(self, index: int) -> int:
        """The process id of a running server."""
        process = self._servers[index].process
        assert process is not None, "the server does not run"
        return process.pid

    def start(self) -> None:
        """Start every server that does not run, and wait until they answer.

        Raises:
            InstanceError: one did not; the message says what its log says.
        """
        self._run([server for server in self._servers if not server.runs])

    def stop(self) -> None:
        """End all servers at once; what was saved stays in their directories."""
        for server in self._servers:
            server.kill()
        self._owner.close()

    def kill(self, index: int) -> None:
        """End one server as `kill -9` does."""
        self._servers[index].kill()

    def hang(self, index: int) -> None:
        """Stop one server, so that it neither answers nor ends (SIGSTOP)."""
        os.kill(self.pid(index), signal.SIGSTOP)
        os.waitpid(self.pid(index), os.WUNTRACED)  # until it has stopped indeed

    def resume(self, index: int) -> None:
        """Let a stopped server go on (SIGCONT)."""
        os.kill(self.pid(index), signal.SIGCONT)

    def restart(self, index: int, *, keep_data: bool) -> None:
        """End one server, if it still runs, and start it with the last snapshot, or with nothing.

        Raises:
            InstanceError: it did not start.
        """
        server = self._servers[index]
        server.kill()
        if not keep_data:
            server.forget()
        self._run([server])

    def save_now(self, index: int) -> None:
        """Write a snapshot of one server's data, which a later restart may go back to."""
        assert self._saves, "these servers keep nothing: EmbeddedQuorum(…, save=True)"
        self.ask(index, "SAVE")

    def flush(self, index: int) -> None:
        """Empty one server."""
        self.ask(index, "FLUSHALL")

    def ask(self, index: int, *command: str) -> bytes:
        """The beginning of a server's raw reply to one command.

        Raises:
            OSError: it does not answer.
        """
        return self._servers[index].ask(command)

    def _run(self, servers: Sequence["_Server"]) -> None:
        for server in servers:
            server.spawn(self._program, self._owner.id)
        deadline = clock.now_ns() + _START_WITHIN_NS
        try:
            for server in servers:
                server.wait_until_ready(deadline)
        except InstanceError:
            self.stop()
            raise

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ABC):
    """One server process; those that inherit say where it listens."""

    url: str

    def __init__(self, directory: Path, options: Sequence[str]) -> None:
        self.directory = directory.absolute()
        self.process: subprocess.Popen[bytes] | None = None
        self._options = options
        self._logged_before = 0

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @abstractmethod
    def listen_options(self) -> Iterable[str]: ...

    @abstractmethod
    def connect(self) -> socket.socket: ...

    def spawn(self, program: Path, group: int) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._logged_before = len(self._words())
        self.process = subprocess.Popen(
            [
                str(program),
                *("--save", "", "--appendonly", "no", "--dir", str(self.directory)),
                *("--logfile", str(self._log), "--daemonize", "no"),
                *self.listen_options(),
                *self._options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.directory,
            process_group=group,
        )

    def wait_until_ready(self, deadline_ns: int) -> None:
        assert self.process is not None
        while not self._answers():
            if self.process.poll() is not None:
                self.process = None
                raise InstanceError(f"a server did not start: {self._last_words()}")
            if clock.now_ns() > deadline_ns:
                raise InstanceError(f"a server does not answer; see its log {self._log}")
            time.sleep(_POLL_S)

    def ask(self, command: Sequence[str]) -> bytes:
        request = b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in command)
        with contextlib.closing(self.connect()) as connection:
            connection.sendall(b"*%d\r\n" % len(command) + request)
            return connection.recv(4096)

    def kill(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()

    def forget(self) -> None:
        for snapshot in self.directory.glob("*.rdb"):
            snapshot.unlink()

    @property
    def _log(self) -> Path:
        return self.directory / "log"

    def _answers(self) -> bool:
        """Whether it is up, and no other on its port: it has logged so, and answers, if only NOAUTH."""
        if _READY not in self._words()[self._logged_before :]:
            return False
        try:
            return not self.ask(["PING"]).startswith(b"-LOADING")
        except OSError:
            return False

    def _words(self) -> str:
        """All that it has logged, in its earlier runs too."""
        try:
            return self._log.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def _last_words(self) -> str:
        words = self._words()[self._logged_before :].strip().splitlines()
        return words[-1] if words else f"no word in its log {self._log}; try it by hand"


class _UnixServer(_Server):
    def __init__(self, directory: Path, options: Sequence[str]) -> None:
        super().__init__(directory, options)
        self._path = self.directory.with_suffix(".sock")
        if len(os.fsencode(self._path)) > _LONGEST_PATH:
            raise InstanceError(
                f"the path {self._path} is too long for a Unix socket ({_LONGEST_PATH} bytes at most); "
                "choose a directory with a shorter one"
            )
        self.url = f"unix://{self._path}"

    def listen_options(self) -> Iterable[str]:
        return ("--port", "0", "--unixsocket", str(self._path), "--unixsocketperm", "700")

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_ANSWER_WITHIN_S)
        try:
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        return connection


class _TcpServer(_Server):
    def __init__(self, directory: Path, options: Sequence[str], port: int) -> None:
        super().__init__(directory, options)
        self._port = port
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def listen_options(self) -> Iterable[str]:
        return ("--port", str(self._port), "--bind", "127.0.0.1")

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), timeout=_ANSWER_WITHIN_S)


def _free_ports(count: int) -> list[int]:
    """So many different ports that nobody has now."""
    with contextlib.ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]
