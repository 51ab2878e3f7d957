"""How is a file written where others may write too, so that no link leads elsewhere?

A name that another user has planted, as a link to a file that matters, is never followed: files are opened as
what they are, and new ones are made under a name that is not there. Source: open(2), O_NOFOLLOW and O_EXCL.
"""

import contextlib
import errno
import os
import stat
from pathlib import Path

from leader.errors import ConfigurationError

MODE = 0o666
"""Less what the umask takes away."""


def open_own(path: Path, flags: int, mode: int = MODE) -> int:
    """A descriptor of an ordinary file that has this one name; it is made if the flags say so.

    Raises:
        OSError: it cannot be opened, or is a link, or something else.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, mode)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_nlink <= 1:
        return descriptor
    os.close(descriptor)
    raise OSError(errno.ELOOP, "it is a link, or no ordinary file", str(path))


def replace(path: Path, text: str, *, durably: bool) -> None:
    """Put a file with this text in the place of what is there; at each moment it is the old one or the new.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    new = path.with_suffix(".new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()  # of a process that was killed
    descriptor = open_own(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        if durably:
            os.fsync(file.fileno())
    new.replace(path)
    if durably:
        _sync(path.parent)


def remove_durably(path: Path) -> None:
    """Remove a file, if it is there, so that no crash brings it back.

    Raises:
        OSError: it cannot be removed.
    """
    path.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_place(directory: Path) -> None:
    """Return if this user alone, or root, decides what stands in the directory.

    Raises:
        ConfigurationError: others do, so nothing that is kept there can be believed.
    """
    link, status = directory.lstat(), directory.stat()
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in (0, os.geteuid()):
        raise ConfigurationError(
            f"{directory} is a link that another user has made (uid {link.st_uid}): name the directory itself"
        )
    if status.st_uid not in (0, os.geteuid()):
        raise ConfigurationError(
            f"the directory {directory} belongs to another user (uid {status.st_uid}), who could make this "
            f"agent lead: give it to this one with chown {os.geteuid()}, or name another directory"
        )
    if status.st_mode & stat.S_IWOTH:
        raise ConfigurationError(
            f"everybody may write to {directory}, and so could make this agent lead: chmod o-w {directory}, "
            "or name another directory"
        )
