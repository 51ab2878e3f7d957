"""One agent per directory and per socket: a lock that ends with its process, however that ends.

It is taken before the socket is bound or a file of the last process is read (rule R5).
"""

import fcntl
import os
from pathlib import Path

from leader.errors import AlreadyRunning, Refused
from leader.files import open_own

LOCK_MODE = 0o600
"""Nobody else may open it: a lock can be taken through a descriptor that only reads."""


class Lock:
    """A lock on one path, held until `release`, or the end of its process.

    It lies on a file of its own: `lock` in a directory, `<path>.lock` beside anything else. Over an exec it
    lasts if `descriptor` is made inheritable and handed to `inherited`.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock, without waiting; the directory must exist.

        Raises:
            AlreadyRunning: another process has it.
            Refused: the system does not allow it.
        """
        self.path = lock_file(path)
        try:
            self.descriptor = open_own(self.path, os.O_RDWR | os.O_CREAT, LOCK_MODE)
        except OSError as error:
            raise Refused(
                f"the lock {self.path} cannot be opened: {error.strerror}; "
                "run the agent as the user that owns the directory, or name another directory"
            ) from error
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = self._owner()
            os.close(self.descriptor)
            if not isinstance(error, BlockingIOError):
                raise Refused(
                    f"{self.path} cannot be locked: {error.strerror}; use a local directory"
                ) from error
            other = "directory" if path.is_dir() else "socket"
            raise AlreadyRunning(
                f"another agent{owner} uses {path}: stop it, or give this one another {other}"
            ) from None
        self._sign()

    @classmethod
    def inherited(cls, path: Path, descriptor: int) -> "Lock":
        """The lock that the process before handed on over an exec, still held."""
        lock = cls.__new__(cls)
        lock.path = lock_file(path)
        lock.descriptor = descriptor
        os.set_inheritable(descriptor, False)
        return lock

    def release(self) -> None:
        """Let another agent have the place; the file stays, because removing it would race."""
        os.close(self.descriptor)

    def _sign(self) -> None:
        """Leave the process id for whoever is refused; a full disk is no reason not to run."""
        try:
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            return

    def _owner(self) -> str:
        """The other process, in words, as far as it is known."""
        text = os.pread(self.descriptor, 32, 0).strip()
        return f" (process {text.decode()})" if text.isdigit() else ""


def lock_file(path: Path) -> Path:
    """Where the lock on this path lies."""
    return path / "lock" if path.is_dir() else path.with_name(f"{path.name}.lock")
