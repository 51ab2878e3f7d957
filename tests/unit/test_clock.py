"""The one file that reads clocks."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leader import clock

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no boot clock")
def test_the_clock_is_the_one_that_goes_on_during_suspend() -> None:
    """An instant lies between two readings of the boot clock."""
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)  # noqa: TID251 - what is compared with
    now = clock.now_ns()
    assert before <= now <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)  # noqa: TID251


@pytest.mark.needs("root", "unshare")
def test_a_machine_that_slept_shows_on_the_clock() -> None:
    """Where the boot clock is 5,000 s ahead, as after a suspend of that length, so is ours."""
    script = "import time; from leader import clock; print(clock.now_ns() // 10**9 - int(time.monotonic()))"
    command = ["unshare", "--time", "--boottime", "5000", "--fork", sys.executable, "-c", script]
    slept = [int(subprocess.check_output(part, cwd=PROJECT)) for part in (command, command[5:])]
    assert 4990 < slept[0] - slept[1] < 5010


def test_the_clock_never_goes_back() -> None:
    """Ten thousand readings are in order."""
    readings = [clock.now_ns() for _ in range(10_000)]
    assert readings == sorted(readings)


def test_the_stamp_for_systemd_is_of_the_monotonic_clock() -> None:
    """It lies between two readings of that clock, in microseconds."""
    before = time.monotonic_ns() // 1000  # noqa: TID251 - what is compared with
    assert before <= clock.monotonic_us() <= time.monotonic_ns() // 1000  # noqa: TID251


def test_wall_time_is_milliseconds_since_1970() -> None:
    """It agrees with the system's clock to the second or so."""
    assert abs(clock.wall_ms() - time.time_ns() // 1_000_000) < 5_000  # noqa: TID251


def test_wall_time_is_shown_as_utc_to_the_second() -> None:
    """ISO 8601 with a Z, milliseconds cut off."""
    assert clock.utc_iso(1_769_860_800_999) == "2026-01-31T12:00:00Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", clock.utc_iso(clock.wall_ms()))
