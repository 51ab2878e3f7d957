"""How is a short text replaced in one write? In place, over the older of two that stand in one file.

A new file under an old name costs a journalling file system two commits, each some milliseconds; writing over
blocks that a file has already costs the device one flush, if it is to be durable, and needs no room on a full
disk. A write that was torn leaves the other text, which is whole: each has a number and a checksum. Source:
fdatasync(2).
"""

import errno
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from leader.files import open_own, replace

BLOCK = 4096
"""What file systems write at once; each slot is one or more of them."""

SLOTS = 2


@dataclass(frozen=True, slots=True)
class _Place:
    """The file as this process knows it: which one it is, how long a slot is, what the last write was."""

    device: int
    inode: int
    slot_bytes: int
    newest: int
    """The number of the text that is in force; its slot is the number's remainder."""


class Slots:
    """One file, which nobody else writes to; what is written `durably` outlives a crash of the machine."""

    def __init__(self, path: Path, *, durably: bool) -> None:
        self._path = path
        self._durably = durably
        self._place: _Place | None = None

    def read(self) -> str:
        """The text in force; all of the file, if it does not hold two of this kind.

        Raises:
            OSError: there is no file, or it cannot be read.
            UnicodeDecodeError: it is no text.
        """
        content = self._path.read_bytes()
        slot_bytes = len(content) // SLOTS
        slots = [content[at : at + slot_bytes] for at in range(0, SLOTS * slot_bytes, slot_bytes or 1)]
        texts = dict(filter(None, map(_parsed, slots)))
        if not texts or slot_bytes % BLOCK:
            return content.decode()
        newest = max(texts)
        self._place = self._found(slot_bytes, newest)
        return texts[newest]

    def write(self, text: str) -> None:
        """Return when this text is in force, for good.

        Raises:
            OSError: it cannot be written; the one before is in force.
        """
        place = self._place
        if place is None or not self._overwrites(place, text):
            self._place = None
            self._place = self._made_anew(text, place.newest + 1 if place else 0)

    def _overwrites(self, place: _Place, text: str) -> bool:
        """Whether it could be written in place: the file is still that one, and the text fits.

        One that failed half-way is written over by the next, since the number that it had is free again.
        """
        number = place.newest + 1
        slot = _slot(number, text, place.slot_bytes)
        if slot is None:
            return False
        try:
            descriptor = open_own(self._path, os.O_WRONLY)
        except FileNotFoundError:
            return False
        try:
            status = os.fstat(descriptor)
            is_it = (status.st_dev, status.st_ino) == (place.device, place.inode)
            if not is_it or status.st_size != SLOTS * place.slot_bytes:
                return False
            if os.pwrite(descriptor, slot, number % SLOTS * place.slot_bytes) < len(slot):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            if self._durably:
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        self._place = _Place(place.device, place.inode, place.slot_bytes, number)
        return True

    def _made_anew(self, text: str, number: int) -> _Place:
        """Put a new file in the place of what is there, with room for the text to grow."""
        slot_bytes = BLOCK
        while (slot := _slot(number, text, slot_bytes)) is None:
            slot_bytes += BLOCK
        blank = b" " * (slot_bytes - 1) + b"\n"
        slots = [slot, blank] if number % SLOTS == 0 else [blank, slot]
        replace(self._path, b"".join(slots).decode(), durably=self._durably)
        return self._found(slot_bytes, number)

    def _found(self, slot_bytes: int, newest: int) -> _Place:
        status = self._path.stat()
        return _Place(status.st_dev, status.st_ino, slot_bytes, newest)


def _slot(number: int, text: str, slot_bytes: int) -> bytes | None:
    """A line with number, checksum and text, filled up with blanks; None if it does not fit."""
    line = f"{number} {_checksum(number, text):08x} {text}".encode()
    return line.ljust(slot_bytes - 1) + b"\n" if len(line) < slot_bytes else None


def _parsed(slot: bytes) -> tuple[int, str] | None:
    """Number and text, if the slot was written to its end."""
    try:
        number, checksum, text = slot.decode().rstrip().split(" ", 2)
        is_whole = int(checksum, 16) == _checksum(int(number), text)
    except ValueError:
        return None
    return (int(number), text) if is_whole else None


def _checksum(number: int, text: str) -> int:
    return zlib.crc32(f"{number} {text}".encode())
