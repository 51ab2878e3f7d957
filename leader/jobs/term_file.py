"""The file of `leader fence`: the highest term that it has seen, as one decimal line, under a lock.

Whoever has the lock on the file that stands at its path is alone, reads and replaces the term, and keeps the
lock while its command runs. The file is replaced in one step by another that is locked beforehand, so neither
a crash nor a full disk loses a term; who waited for the lock on the one before looks again. Source: flock(2).
"""

import contextlib
import errno
import fcntl
import os
import signal
import stat
from collections.abc import Iterator
from typing import NoReturn

from leader.durations import format_duration
from leader.errors import Refused

LARGEST_TERM = 2**53 - 1
"""No leadership has a larger one: the instances count in doubles."""

LONGEST_TEXT = 64
MODE = 0o600
"""Nobody else may open it: a lock can be taken through a descriptor that only reads."""

NEXT_ALARM_S = 0.05
LONGEST_WAIT_S = 1e8
FAR_DESCRIPTOR = 64
"""Above the numbers that scripts give to descriptors of their own, which would close this one."""

REMEDIES = {
    errno.ENOENT: "make its directory",
    errno.ENOTDIR: "name a file in a directory",
    errno.EISDIR: "name a file in it",
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
}
ANOTHER = "run this as a user that may write it and its directory, or name another file"


def remedy(error: OSError) -> str:
    """What a person can do about an error of the system."""
    return REMEDIES.get(error.errno or 0, ANOTHER)


def parse_term(text: str) -> int:
    """The term that a text says, blanks around it aside.

    Raises:
        ValueError: it says none.
    """
    digits = text.strip()
    if not (text.isascii() and digits.isdecimal() and len(digits) < LONGEST_TEXT):
        raise ValueError(f"{text!r} is no term")
    term = int(digits)
    if term > LARGEST_TERM:
        raise ValueError(f"{text!r} is no term")
    return term


class TermFile:
    """The file at one path, locked by this process until `descriptor` and its copies are closed."""

    def __init__(self, path: str, timeout_ms: int | None = None) -> None:
        """Make the file if it is not there, and wait for its lock so long; for ever without a time.

        Raises:
            Refused: another process has the lock, or the system does not allow it.
        """
        _check_link(path)
        self.path = os.path.realpath(path)
        try:
            with _patience(timeout_ms):
                self.descriptor = self._take(wait=timeout_ms != 0)
        except (TimeoutError, BlockingIOError):
            raise Refused(
                f"another command runs under {self.path} and did not end within "
                f"{format_duration(timeout_ms or 0)}: try again later, or say a longer --timeout"
            ) from None

    def admit(self, term: int) -> None:
        """Return once this term, or none higher, is the durable term of the file.

        A term that is there already may be in memory alone, if its writer was killed: it is written out too.

        Raises:
            Refused: the file has seen a higher one, or cannot be written; then it holds what it held.
        """
        seen = self.highest()
        if term < seen:
            raise Refused(
                f"{self.path} has seen term {seen}, and term {term} is older: leave the work to the later "
                "leader; the command was not started"
            )
        try:
            self._make_durable(term if term > seen else None)
        except OSError as error:
            raise Refused(
                f"{self.path} cannot be written: {error.strerror}; {remedy(error)}; the command was not "
                "started, and no term is lost"
            ) from None

    def highest(self) -> int:
        """The highest term seen; 0 if the file is empty.

        Raises:
            Refused: it holds something else, which stays as it is.
        """
        text = os.pread(self.descriptor, LONGEST_TEXT, 0).decode("utf-8", "replace")
        if not text:
            return 0
        try:
            return parse_term(text)
        except ValueError:
            raise Refused(
                f"{self.path} holds {text[:20]!r} and no term: name another file, or, if it held one, write "
                "the highest into it that `leader status` shows; the command was not started"
            ) from None

    def hand_on(self) -> None:
        """Let the lock last over an exec."""
        try:
            far = fcntl.fcntl(self.descriptor, fcntl.F_DUPFD, FAR_DESCRIPTOR)
        except OSError:  # this process may not have so many
            os.set_inheritable(self.descriptor, True)
            return
        os.close(self.descriptor)
        self.descriptor = far

    def _take(self, *, wait: bool) -> int:
        """The descriptor of the file that stands at the path, locked."""
        while True:
            descriptor = _open(self.path)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                if self._is_at_path(descriptor):
                    return descriptor
            except (TimeoutError, BlockingIOError):
                os.close(descriptor)
                raise
            except OSError as error:
                raise Refused(
                    f"{self.path} cannot be locked: {error.strerror}; name a file on a file system with locks"
                ) from None
            os.close(descriptor)

    def _is_at_path(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self.path))
        except FileNotFoundError:
            return False

    def _make_durable(self, term: int | None) -> None:
        directory = os.open(os.path.dirname(self.path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if term is not None:
                self._replace(term)
            os.fsync(self.descriptor)
            os.fsync(directory)
        finally:
            os.close(directory)

    def _replace(self, term: int) -> None:
        """Put a file with this term in the place of this one; it is locked before others can see it."""
        directory, name = os.path.split(self.path)
        new = os.path.join(directory, f".{name}.fence-new")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new)  # of a process that was killed
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _resemble(descriptor, os.fstat(self.descriptor))
            _write(descriptor, f"{term}\n".encode())
            os.rename(new, self.path)
        except OSError:
            os.close(descriptor)
            os.unlink(new)
            raise
        os.close(self.descriptor)
        self.descriptor = descriptor


def _check_link(path: str) -> None:
    """Refuse to follow a link of somebody else: it would have this user write where that one likes.

    Raises:
        Refused: it is one.
    """
    try:
        status = os.lstat(path)
    except OSError:
        return
    if stat.S_ISLNK(status.st_mode) and status.st_uid not in (0, os.geteuid()):
        raise Refused(
            f"{path} is a link that another user has made (uid {status.st_uid}): name the file itself; "
            "the command was not started"
        )


def _open(path: str) -> int:
    try:
        descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW, MODE
        )
    except TimeoutError:
        raise
    except OSError as error:
        raise Refused(
            f"{path} cannot be opened: {error.strerror}; {remedy(error)}; the command was not started"
        ) from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise Refused(f"{path} is not an ordinary file: name one, or one that is not there yet")


def _write(descriptor: int, text: bytes) -> None:
    """Write all of it to the disk, or raise."""
    if os.write(descriptor, text) != len(text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)


def _resemble(descriptor: int, model: os.stat_result) -> None:
    """Give a file the owner, the group and the mode of another one, as far as this user may."""
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, -1, model.st_gid)
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, model.st_uid, -1)
    with contextlib.suppress(PermissionError):
        os.fchmod(descriptor, stat.S_IMODE(model.st_mode))


@contextlib.contextmanager
def _patience(timeout_ms: int | None) -> Iterator[None]:
    """Whatever blocks in here ends with a TimeoutError after so long.

    The alarm comes again and again, because one that comes just before the call that blocks does not end it.
    """
    if not timeout_ms:
        yield
        return
    before = signal.signal(signal.SIGALRM, _time_is_up)
    signal.setitimer(signal.ITIMER_REAL, min(timeout_ms / 1000, LONGEST_WAIT_S), NEXT_ALARM_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _time_is_up(*_: object) -> NoReturn:
    raise TimeoutError
