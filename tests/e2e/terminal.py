"""A program on a terminal, as a person starts it: what it writes, and the keys that are pressed."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.support.polling import PATIENCE_S, until

SIZE = struct.pack("HHHH", 30, 100, 0, 0)
INTERRUPT = b"\x03"


class Terminal:
    """The other side of one program's terminal."""

    def __init__(self, descriptor: int, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.output = ""
        self._descriptor = descriptor

    def press(self, keys: bytes) -> None:
        """Type something."""
        os.write(self._descriptor, keys)

    def shows(self, text: str) -> None:
        """Return once this was written.

        Raises:
            AssertionError: it was not, within the patience of tests.
        """
        until(lambda: text in self.read(), f"the terminal shows {text!r}")

    def read(self) -> str:
        """All that was written up to now."""
        while select.select([self._descriptor], [], [], 0)[0]:
            try:
                more = os.read(self._descriptor, 65536)
            except OSError:  # Linux says so when nobody has the other side open
                more = b""
            if not more:
                break
            self.output += more.decode(errors="replace")
        return self.output

    def ends(self) -> int:
        """The exit code, once the program has ended."""

        def ended() -> bool:
            self.read()
            return self.process.poll() is not None

        until(ended, "the program ends", PATIENCE_S)
        self.read()
        return self.process.returncode


@contextmanager
def on_terminal(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
    """The program with a terminal of its own, in the foreground of a session of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, SIZE)
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=dict(environment),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes the terminal the controlling one, so that Ctrl-C reaches the program as a signal."""
