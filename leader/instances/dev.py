"""Where is the quorum that all `leader agent --dev` of this user share?

The first agent starts the process that owns the servers (`supervisor.py`), every agent holds a connection
to it for its lifetime, and it ends with the last of them. A lock on the directory keeps two agents that
start at once, or one that starts while the last one ends, from missing each other.
"""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from leader.errors import InstanceError
from leader.files import check_place, open_own
from leader.instances.program import find_server

DEFAULT_COUNT = 3

_LOCK_NAME = "lock"
_SOCKET_NAME = "s"
_LOG_NAME = "supervisor.log"
_ANSWER_WITHIN_S = 20.0

# The path is appended, so that what is installed wins; `leader` may also run from a checkout.
_SUPERVISE = (
    f"import sys; sys.path.append({str(Path(__file__).parents[2])!r}); "
    "from leader.instances.supervisor import main; main()"
)


class DevQuorum:
    """The shared quorum's URLs; it runs as long as this, or another agent's, is open."""

    def __init__(self, urls: list[str], connection: socket.socket) -> None:
        self.urls = urls
        self._connection = connection

    def fileno(self) -> int:
        """The descriptor that keeps the quorum up; made inheritable, it does so over an exec."""
        return self._connection.fileno()

    def close(self) -> None:
        """Leave: if nobody else has it open, the servers end."""
        self._connection.close()


def join_dev_quorum(directory: Path, count: int = DEFAULT_COUNT) -> DevQuorum:
    """The quorum of embedded servers in that directory, started if nobody has it open yet.

    Waits until it answers; `count` counts only for the first. Nothing outlives the last agent.

    Raises:
        InstanceError: there is no server program, or it does not start.
    """
    directory = directory.absolute()
    with locked(directory):
        connection = _connect(directory) or _start(directory, count)
        try:
            return DevQuorum(_read_urls(connection, directory), connection)
        except BaseException:
            connection.close()
            raise


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Nobody else joins or ends the quorum meanwhile; the directory is there.

    Raises:
        InstanceError: the directory cannot be made or used.
    """
    try:
        descriptor = _lock(directory)
    except OSError as error:
        message = f"the directory {directory} of the --dev quorum cannot be used ({error.strerror})"
        raise InstanceError(f"{message}; remove it, or set LEADER_RUNTIME_DIR to another") from error
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(directory: Path) -> int:
    """A descriptor that holds the lock; one of a directory that was removed meanwhile does not count."""
    while True:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_place(directory)
            descriptor = open_own(lock_file(directory), os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        except FileExistsError:  # mkdir says so too when the directory is removed while it looks
            if directory.exists() and not directory.is_dir():
                raise
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(lock_file(directory).stat(), os.fstat(descriptor)):
                return descriptor
        os.close(descriptor)


def try_lock(directory: Path) -> int | None:
    """A descriptor that holds the lock, or None if somebody else does."""
    descriptor = os.open(lock_file(directory), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def lock_file(directory: Path) -> Path:
    """The file that the lock is on; when the directory is removed and made again, it is another."""
    return directory / _LOCK_NAME


def _connect(directory: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_ANSWER_WITHIN_S)
    try:
        connection.connect(str(directory / _SOCKET_NAME))
    except OSError:
        connection.close()
        return None
    return connection


def _start(directory: Path, count: int) -> socket.socket:
    """Start the supervisor, and connect; its socket listens already, so nobody has to wait for that."""
    program = find_server()
    _clean(directory)
    with contextlib.closing(_listen(directory)) as listener, (directory / _LOG_NAME).open("wb") as log:
        arguments = [str(directory), str(count), str(program), str(listener.fileno())]
        # by way of a shell that ends at once, so that the supervisor is nobody's child but the system's
        subprocess.run(  # noqa: S603  our own interpreter and code
            ["/bin/sh", "-c", '"$0" "$@" &', sys.executable, "-c", _SUPERVISE, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            pass_fds=[listener.fileno()],
            check=True,
        )
    connection = _connect(directory)
    if connection is None:
        raise InstanceError(f"the --dev quorum in {directory} does not start; see {directory / _LOG_NAME}")
    return connection


def _clean(directory: Path) -> None:
    """Remove what a supervisor left that was killed; its servers have ended with it."""
    for left in directory.iterdir():
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        elif left.name != _LOCK_NAME:
            left.unlink()


def _listen(directory: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(directory / _SOCKET_NAME))
        listener.listen(128)
    except OSError as error:
        listener.close()
        message = f"no socket can be made in {directory} ({error.strerror or error}); choose a shorter path"
        raise InstanceError(message) from error
    return listener


def _read_urls(connection: socket.socket, directory: Path) -> list[str]:
    received = b""
    try:
        while not received.endswith(b"\n"):
            more = connection.recv(4096)
            if not more:
                raise ConnectionResetError
            received += more
    except ConnectionError as error:
        raise InstanceError(_last_words(directory)) from error
    except OSError as error:
        raise InstanceError(
            f"the --dev quorum in {directory} does not answer; end it and try again"
        ) from error
    urls: list[str] = json.loads(received)
    return urls


def _last_words(directory: Path) -> str:
    log = directory / _LOG_NAME
    try:
        words = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        words = []
    return f"the --dev quorum in {directory} did not start: {words[-1] if words else 'it left no word'}"
