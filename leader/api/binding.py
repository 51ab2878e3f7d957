"""Where the agent listens: a socket that everybody may reach, and that no second agent takes from it.

Abstract sockets have no permissions, so it is a file. The caller holds a lock on it: of two agents that
start at once, each would find nobody listening.
"""

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from leader.api.peers import group_id
from leader.errors import AlreadyRunning, ConfigurationError, Refused
from leader.paths import LONGEST_SOCKET_PATH

BACKLOG = 4096
"""With 100, of a thousand clients at once nine hundred are turned away; the kernel's own limit counts too."""

DIRECTORY_MODE = 0o755
SOCKET_MODE = 0o666


def make_place(path: Path) -> None:
    """See that the socket's directory is there, open to everybody if it is made.

    Raises:
        Refused: the system does not allow it.
    """
    try:
        make_directory(path.parent)
    except OSError as error:
        raise cannot_listen(path, error) from error


def bind_socket(path: str | os.PathLike[str], mode: int = SOCKET_MODE, group: str = "") -> socket.socket:
    """A listening Unix socket at that path, with that mode whatever the umask, and of that group.

    It is made beside its place and moved there when it listens, so that no client ever finds it half
    done; a socket that nobody listens at is replaced.

    Raises:
        ConfigurationError: the path is too long for a socket.
        AlreadyRunning: somebody listens there.
        Refused: there is something else, or the system does not allow it.
    """
    target = Path(path)
    beside = target.with_name(".new")
    check_length(target, beside)
    try:
        make_directory(target.parent)
        make_way(target)
        return listen(beside, target, mode, group)
    except OSError as error:
        raise cannot_listen(target, error) from error


def cannot_listen(target: Path, error: OSError) -> Refused:
    """What the system did not allow, and what to do."""
    return Refused(
        f"the agent cannot listen at {target}: {error.strerror or error}; "
        "give this user the directory, or name another socket with --socket or LEADER_SOCKET"
    )


def remove_socket(path: str | os.PathLike[str]) -> None:
    """Take the socket's file away at a clean end, so that clients are told that there is no agent."""
    Path(path).unlink(missing_ok=True)


def check_length(target: Path, beside: Path) -> None:
    """Refuse a path that the kernel would refuse, with the limit in the sentence."""
    longest = max(len(os.fsencode(target)), len(os.fsencode(beside)))
    if longest > LONGEST_SOCKET_PATH:
        raise ConfigurationError(
            f"the socket's path {target} is {longest} bytes long and may have {LONGEST_SOCKET_PATH}: "
            "name a shorter one with --socket or LEADER_SOCKET"
        )


def make_directory(directory: Path) -> None:
    """Make what is missing of a directory, open to everybody whatever the umask."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    directory.mkdir(exist_ok=True)
    directory.chmod(DIRECTORY_MODE)


def make_way(target: Path) -> None:
    """See that nothing of value stands where the socket goes."""
    try:
        kind = target.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise Refused(f"{target} is there and no socket: move it away, or name another socket with --socket")
    if is_listening(target):
        raise AlreadyRunning(f"another agent listens at {target}: stop it, or give this one another --socket")


def is_listening(target: Path) -> bool:
    """Whether a process still has that socket open; a full backlog is a process too."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0)
        try:
            probe.connect(str(target))
        except BlockingIOError:
            return True
        except (ConnectionRefusedError, FileNotFoundError):
            return False
    return True


@contextlib.contextmanager
def _made_with(mode: int) -> Iterator[None]:
    """What is made meanwhile has this mode at once: set later, by name, a link could lead it elsewhere."""
    before = os.umask(~mode & 0o777)
    try:
        yield
    finally:
        os.umask(before)


def set_rights(path: Path, mode: int, group: str) -> None:
    """Let the mode and the group say who may ask; the group if it is there and this user can give it away.

    Raises:
        OSError: there is no such file, or it is not ours.
    """
    give(path, group)
    path.chmod(mode)


def give(path: Path, group: str) -> None:
    """Let that group have the file, if it is there and this user can give it away."""
    number = group_id(group)
    if number is not None:
        with contextlib.suppress(PermissionError):
            os.lchown(path, -1, number)


def listen(beside: Path, target: Path, mode: int, group: str) -> socket.socket:
    """A socket that listens, moved to its place when it does."""
    beside.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    try:
        with _made_with(mode):
            listening.bind(str(beside))
        give(beside, group)
        listening.listen(BACKLOG)
        beside.rename(target)
    except OSError:
        listening.close()
        raise
    return listening
