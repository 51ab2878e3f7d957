"""What time is it? The only file that reads a clock, the fast path of `is-leader` aside.

Leases are judged by a clock that cannot be set and that goes on while the machine is suspended;
wall clocks serve display and the choice of terms only, never a decision that safety hangs on.
"""

import os
import time

_SUSPEND_PROOF: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's boot clock; elsewhere the monotonic one, which on macOS goes on during sleep."""

LATEST_MS = 253_402_300_799_999
"""The end of the year 9999: what is later stands in no calendar."""


def now_ns() -> int:
    """This host's suspend-proof clock, in nanoseconds; an instant that means nothing on another host.

    Source: clock_gettime(2), CLOCK_BOOTTIME.
    """
    return time.clock_gettime_ns(_SUSPEND_PROOF)


def uptime_ns() -> int:
    """The boot clock as a shell can read it, `/proc/uptime`, in steps of 10 ms.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file.
    """
    descriptor = os.open("/proc/uptime", os.O_RDONLY | os.O_CLOEXEC)
    try:
        seconds, _, hundredths = os.read(descriptor, 64).split()[0].partition(b".")
    except IndexError:
        raise ValueError("it is empty") from None
    finally:
        os.close(descriptor)
    return (int(seconds) * 100 + int(hundredths)) * 10_000_000


def monotonic_ns() -> int:
    """The clock that stops in suspend, in nanoseconds: what the other is ahead of it was slept."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def monotonic_us() -> int:
    """The clock that systemd stamps reloads by, in microseconds; it stops in suspend."""
    return monotonic_ns() // 1000


def wall_ns() -> int:
    """The host's wall clock, in nanoseconds since 1970; it may jump either way."""
    return time.time_ns()


def wall_ms() -> int:
    """The host's wall clock, in milliseconds since 1970; it may jump either way."""
    return wall_ns() // 1_000_000


def utc_iso(wall_ms: int) -> str:
    """A wall-clock instant as UTC in ISO 8601, to the second: `2026-01-31T12:00:00Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(min(wall_ms, LATEST_MS) // 1000))
