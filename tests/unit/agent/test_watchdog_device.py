"""What a watchdog device is told, and what is made of its answers: by a stand-in for the kernel's calls."""

import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from leader.agent import watchdog_device
from leader.agent.watchdog_device import UnusableError, WatchdogDevice


class Kernel:
    """Answers ioctl as a driver does."""

    def __init__(self) -> None:
        self.options = 0x8180
        self.timeout_s = 60
        self.longest_s = 100
        self.cannot_stop = 0
        self.calls: list[int] = []

    def ioctl(self, _descriptor: int, request: int, buffer: bytearray) -> None:
        """One call."""
        self.calls.append(request)
        match request:
            case watchdog_device.GETSUPPORT:
                struct.pack_into("II32s", buffer, 0, self.options, 0, b"Soft Watchdog")
            case watchdog_device.SETTIMEOUT:
                self.timeout_s = min(struct.unpack("i", buffer)[0], self.longest_s)
            case watchdog_device.GETTIMEOUT:
                struct.pack_into("i", buffer, 0, self.timeout_s)
            case watchdog_device.SETOPTIONS if self.cannot_stop:
                raise OSError(self.cannot_stop, os.strerror(self.cannot_stop))


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """The calls of one test."""
    kernel = Kernel()
    monkeypatch.setattr(watchdog_device, "ioctl", kernel.ioctl)
    return kernel


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that keeps what is written."""
    file = tmp_path / "watchdog"
    file.touch()
    return file


def test_it_is_started_kept_alive_and_stopped_by_the_magic_close(kernel: Kernel, path: Path) -> None:
    """It has the time-out that was asked for, and the last that is written is a V."""
    device = WatchdogDevice(str(path))
    assert not device.complaint()
    device.open(8)
    assert (kernel.timeout_s, device.identity, device.is_open) == (8, "Soft Watchdog", True)
    device.keep_alive()
    assert path.read_bytes() == b"1"
    assert device.stop()
    assert not device.is_open
    assert path.read_bytes() == b"1V"
    assert watchdog_device.SETOPTIONS in kernel.calls


def test_one_that_cannot_be_stopped_stays_open(kernel: Kernel, path: Path) -> None:
    """nowayout: the kernel says that it is busy; no V is written, and it can be kept alive."""
    kernel.cannot_stop = errno.EBUSY
    device = WatchdogDevice(str(path))
    device.open(8)
    assert not device.stop()
    assert device.is_open
    device.keep_alive()
    assert path.read_bytes() == b"1"
    kernel.cannot_stop = errno.ENOTTY  # a driver that knows the magic close alone
    assert device.stop()
    assert path.read_bytes() == b"1V"


def too_short(kernel: Kernel) -> None:
    """It cannot wait so long."""
    kernel.longest_s = 4


def fixed(kernel: Kernel) -> None:
    """Its time-out cannot be set."""
    kernel.options = 0x8100


@pytest.mark.parametrize(("fault", "waits_s"), [(too_short, 4), (fixed, 60)])
def test_another_time_out_than_was_asked_for_is_no_guard(
    kernel: Kernel, path: Path, fault: Callable[[Kernel], None], waits_s: int
) -> None:
    """It is stopped again, and the sentence has both."""
    fault(kernel)
    device = WatchdogDevice(str(path))
    with pytest.raises(
        UnusableError, match=f"^the watchdog {path} waits {waits_s} s, and 8 s are needed: use another one"
    ):
        device.open(8)
    assert not device.is_open
    assert path.read_bytes() == b"V"


def test_one_whose_time_out_is_fixed_and_right_is_a_guard(kernel: Kernel, path: Path) -> None:
    """A board may have one time-out only."""
    fixed(kernel)
    kernel.timeout_s = 8
    device = WatchdogDevice(str(path))
    device.open(8)
    assert device.is_open
    assert device.stop()


def test_what_is_no_watchdog_is_said_to_be_none(path: Path) -> None:
    """A real file, and the kernel's real answer."""
    device = WatchdogDevice(str(path))
    with pytest.raises(UnusableError, match=f"^{path} is no watchdog: Inappropriate ioctl for device$"):
        device.open(8)
    assert not device.is_open


def test_one_that_is_not_there_is_complained_of_without_being_opened(tmp_path: Path) -> None:
    """As when its module is not loaded."""
    device = WatchdogDevice(str(tmp_path / "none"))
    assert device.complaint() == f"the watchdog {tmp_path}/none cannot be opened: it is not there"
    with pytest.raises(UnusableError, match=r"cannot be opened: No such file or directory$"):
        device.open(8)


def test_one_that_another_program_has_open_says_so(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """A service manager may have it, with RuntimeWatchdogSec=."""

    def refuse(*_: object) -> int:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnusableError, match="another program has it open"):
        WatchdogDevice(str(path)).open(8)


def test_one_that_cannot_be_written_says_so(kernel: Kernel) -> None:
    """A real device that refuses: /dev/full."""
    assert kernel.timeout_s
    device = WatchdogDevice("/dev/full")
    device.open(8)
    with pytest.raises(
        UnusableError, match=r"^the watchdog /dev/full cannot be kept alive: No space left on device$"
    ):
        device.keep_alive()
    assert device.stop()


def test_it_goes_on_running_over_an_exec(kernel: Kernel, path: Path) -> None:
    """The next program finds it open by its descriptor, and keeps it from those that it starts."""
    assert kernel.timeout_s
    before = WatchdogDevice(str(path))
    assert before.hand_on() == ""
    before.open(8)
    descriptor = int(before.hand_on())
    assert os.get_inheritable(descriptor)
    after = WatchdogDevice(str(path), descriptor)
    assert after.is_open
    assert not after.complaint()
    assert not os.get_inheritable(descriptor)
    after.keep_alive()
    assert after.stop()
    assert path.read_bytes() == b"1V"


def test_the_numbers_of_the_calls_are_the_kernels() -> None:
    """By the rule of <asm-generic/ioctl.h>: direction, size, type W, number."""

    def number(direction: int, of: int, size: int) -> int:
        return direction << 30 | size << 16 | ord("W") << 8 | of

    assert number(2, 0, struct.calcsize("II32s")) == watchdog_device.GETSUPPORT
    assert number(2, 4, 4) == watchdog_device.SETOPTIONS
    assert number(3, 6, 4) == watchdog_device.SETTIMEOUT
    assert number(2, 7, 4) == watchdog_device.GETTIMEOUT
