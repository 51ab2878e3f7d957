"""A watchdog device of Linux: opened, it resets the machine unless it is kept alive within its time-out.

Knows the kernel's calls, and nothing of leaderships. Source: Documentation/watchdog/watchdog-api.rst.
"""

import errno
import os
import struct
from fcntl import ioctl

GETSUPPORT = 0x80285700
SETOPTIONS = 0x80045704
SETTIMEOUT = 0xC0045706
GETTIMEOUT = 0x80045707
"""As <linux/watchdog.h> has them, but on MIPS, PowerPC and SPARC, which count directions otherwise."""
CAN_SET_TIMEOUT = 0x0080
DISABLE_CARD = 0x0001
MAGIC_CLOSE = b"V"
"""Written last before the file is closed, it stops the device; without it, the device runs on."""
SIGN_OF_LIFE = b"1"

_SUPPORT = struct.Struct("II32s")
"""struct watchdog_info: options, firmware version, identity."""
_INT = struct.Struct("i")


class UnusableError(Exception):
    """The device cannot guard this machine; the sentence says why."""


class WatchdogDevice:
    """One device, open or not; whoever opens it must keep it alive."""

    def __init__(self, path: str, inherited: int | None = None) -> None:
        """`inherited` is the descriptor that the process before this one has left open, and running."""
        self.path = path
        self.identity = ""
        self._descriptor = inherited
        if inherited is not None:
            os.set_inheritable(inherited, False)

    @property
    def is_open(self) -> bool:
        """Whether it runs, as far as this process is concerned."""
        return self._descriptor is not None

    def complaint(self) -> str:
        """What keeps this user from opening it, without opening it; empty if nothing does."""
        if self.is_open or os.access(self.path, os.W_OK):
            return ""
        what = "this user may not write to it" if os.path.exists(self.path) else "it is not there"  # noqa: PTH110
        return f"the watchdog {self.path} cannot be opened: {what}"

    def open(self, timeout_s: int) -> None:
        """Start it, with exactly this time-out; if that fails, it is stopped again.

        Raises:
            UnusableError: it cannot be opened, or does not take the time-out.
        """
        if self._descriptor is None:
            try:
                self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
            except OSError as error:
                raise UnusableError(f"the watchdog {self.path} cannot be opened: {_why(error)}") from error
        try:
            self._set_up(timeout_s)
        except OSError as error:
            self.stop()
            raise UnusableError(f"{self.path} is no watchdog: {_why(error)}") from error
        except UnusableError:
            self.stop()
            raise

    def _set_up(self, timeout_s: int) -> None:
        support = bytearray(_SUPPORT.size)
        ioctl(self._open, GETSUPPORT, support)
        options, _, identity = _SUPPORT.unpack(support)
        self.identity = identity.split(b"\0")[0].decode(errors="replace")
        if options & CAN_SET_TIMEOUT:
            ioctl(self._open, SETTIMEOUT, bytearray(_INT.pack(timeout_s)))
        kept = bytearray(_INT.size)
        ioctl(self._open, GETTIMEOUT, kept)
        (kept_s,) = _INT.unpack(kept)
        if kept_s != timeout_s:
            raise UnusableError(
                f"the watchdog {self.path} waits {kept_s} s, and {timeout_s} s are needed: use another "
                "one, or another quorum.lease"
            )

    def keep_alive(self) -> None:
        """Let it wait for its whole time-out again.

        Raises:
            UnusableError: it cannot be told.
        """
        try:
            os.write(self._open, SIGN_OF_LIFE)
        except OSError as error:
            raise UnusableError(f"the watchdog {self.path} cannot be kept alive: {_why(error)}") from error

    def stop(self) -> bool:
        """Stop and close it; False if it cannot be stopped (nowayout): then it stays open, and runs on."""
        try:
            ioctl(self._open, SETOPTIONS, bytearray(_INT.pack(DISABLE_CARD)))
        except OSError as error:
            if error.errno == errno.EBUSY:
                return False  # of the others, many drivers know the magic close alone
        try:
            os.write(self._open, MAGIC_CLOSE)
        except OSError:
            pass  # closing it is all that is left to do
        finally:
            os.close(self._open)
            self._descriptor = None
        return True

    def hand_on(self) -> str:
        """Let the program that this process executes find it open; its descriptor, or nothing."""
        if self._descriptor is None:
            return ""
        os.set_inheritable(self._descriptor, True)
        return str(self._descriptor)

    @property
    def _open(self) -> int:
        assert self._descriptor is not None, "it is not open"
        return self._descriptor


def _why(error: OSError) -> str:
    if error.errno == errno.EBUSY:
        return "another program has it open"
    return error.strerror or str(error)
