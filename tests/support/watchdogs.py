"""A stand-in for a watchdog device: a FIFO for what is written, and a program that answers the ioctl calls.

It behaves as the kernel's does: opened, it counts down; each byte begins anew; a file that is closed after
a `V` stops it; else, at the end of its time, it resets the machine.
"""

import contextlib
import os
import select
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from leader.clock import now_ns
from tests.support.polling import NS_PER_S

STAND_IN = """
import struct, sys, errno
from leader.agent import watchdog_device
path = sys.argv.pop(1)
kept = 60
def ioctl(descriptor, request, buffer):
    global kept
    with open(path + ".calls") as file:
        says = file.read().split()
    if request == watchdog_device.GETSUPPORT:
        struct.pack_into("II32s", buffer, 0, 0x8180, 0, b"Stand-in")
    elif request == watchdog_device.SETTIMEOUT:
        kept = struct.unpack("i", buffer)[0]
        with open(path + ".timeout", "w") as file:
            file.write(str(kept))
    elif request == watchdog_device.GETTIMEOUT:
        struct.pack_into("i", buffer, 0, kept)
    elif "nowayout" in says:
        raise OSError(errno.EBUSY, "busy")
watchdog_device.ioctl = ioctl
from leader.__main__ import main
main()
"""
"""Runs `leader` with a watchdog that answers as Linux' softdog does."""


class StandIn:
    """One device and its clock; `reset` is called, once, when nobody kept it alive in time."""

    def __init__(self, directory: Path, reset: Callable[[], None]) -> None:
        self.path = directory / "watchdog"
        self.program = directory / "guarded.py"
        self.program.write_text(STAND_IN)
        self.written = b""
        self.gaps_ns: list[int] = []
        """Between one sign of life and the next, while it ran."""
        self.reset_at: int | None = None
        self._reset = reset
        self._ends = threading.Event()
        os.mkfifo(self.path)
        self.say("")

    def say(self, words: str) -> None:
        """What is special about it: nowayout."""
        self.path.with_suffix(".calls").write_text(words)

    @property
    def timeout_s(self) -> int:
        """What it was set to."""
        return int(self.path.with_suffix(".timeout").read_text())

    @property
    def is_stopped(self) -> bool:
        """Whether the last that was written is the magic close."""
        return self.written.endswith(b"V")

    def watch(self) -> None:
        """Count down while it runs, until the end."""
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        poll = select.poll()
        poll.register(reader, select.POLLIN)
        fed_at: int | None = None
        while not self._ends.is_set():
            poll.poll(5)
            with contextlib.suppress(BlockingIOError):
                told = os.read(reader, 4096)
                if told:
                    now = now_ns()
                    self.written += told
                    if fed_at is not None and not told.startswith(b"V"):
                        self.gaps_ns.append(now - fed_at)
                    fed_at = None if told.endswith(b"V") else now
            if fed_at is not None and now_ns() - fed_at > self.timeout_s * NS_PER_S:
                self.reset_at = now_ns()
                self._reset()
                break
            self._ends.wait(0.005)
        os.close(reader)

    def close(self) -> None:
        """Watch no more."""
        self._ends.set()


@contextlib.contextmanager
def stand_in(directory: Path, reset: Callable[[], None]) -> Iterator[StandIn]:
    """A device that counts down meanwhile."""
    device = StandIn(directory, reset)
    thread = threading.Thread(target=device.watch, daemon=True)
    thread.start()
    try:
        yield device
    finally:
        device.close()
        thread.join()
