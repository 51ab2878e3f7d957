"""What is wrong with this machine, as far as an agent depends on it?

Rules over facts that others gathered (`leader/cli/host_facts.py`), so that each fault can be planted.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from leader.doctor.finding import Finding, Severity
from leader.durations import format_duration

SLOW_CLOCKS = frozenset({"acpi_pm", "hpet", "jiffies", "pit"})
FEWEST_FILES = 1024
"""An agent holds two connections per instance, and one for each that asks it or waits for it."""
BRIEF_SLEEP_MS = 1_000


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What the machine says; None where it does not say."""

    clock_source: str | None = None
    synchronised: bool | None = None
    slept_ms: int = 0
    file_limit: int | None = None
    socket: str = ""
    socket_is_there: bool = False
    may_use_socket: bool = True
    missing_watchdog: str = ""
    """The device that the configuration asks for, if it is not there."""


def examine(facts: HostFacts) -> list[Finding]:
    """All that is wrong here."""
    return [*_clocks(facts), *_sleep(facts), *_socket(facts), *_files(facts), *_watchdog(facts)]


def _clocks(facts: HostFacts) -> Iterator[Finding]:
    if facts.clock_source in SLOW_CLOCKS:
        yield Finding(
            Severity.WARNING,
            "host-clock-source",
            f"the kernel takes the time from {facts.clock_source}",
            "it fell back to a slow clock, often because the better one was found to be unreliable",
            "see `dmesg | grep -i clocksource`; with a steady one in "
            "/sys/devices/system/clocksource/clocksource0/available_clocksource, boot with clocksource=tsc",
        )
    if facts.synchronised is False:
        yield Finding(
            Severity.WARNING,
            "host-unsynchronised",
            "nothing synchronises this machine's clock (adjtimex says so)",
            "leases are safe, they use no wall clock; but nodes that differ start ticks at different times",
            "install and start chrony or systemd-timesyncd; in a container, on its host",
        )


def _sleep(facts: HostFacts) -> Iterator[Finding]:
    if facts.slept_ms > BRIEF_SLEEP_MS:
        yield Finding(
            Severity.INFO,
            "host-suspended",
            f"this machine has slept for {format_duration(facts.slept_ms // 1000 * 1000)} since it booted",
            "a leader that sleeps for longer than the lease is one no more when it wakes",
            "let a node not sleep: systemctl mask sleep.target suspend.target hibernate.target",
        )


def _socket(facts: HostFacts) -> Iterator[Finding]:
    if facts.socket_is_there and not facts.may_use_socket:
        yield Finding(
            Severity.CRITICAL,
            "host-socket",
            f"this user may not use the agent's socket {facts.socket}",
            "jobs of this user cannot ask whether the node leads, and so do not run",
            "add it to the group under [api] group, or set socket_mode = 0o666 there; restart the agent",
        )


def _files(facts: HostFacts) -> Iterator[Finding]:
    if facts.file_limit is not None and facts.file_limit < FEWEST_FILES:
        yield Finding(
            Severity.WARNING,
            "host-files",
            f"the agent may open {facts.file_limit} files",
            "without a free one it neither reconnects to an instance nor answers a job",
            f"set LimitNOFILE={FEWEST_FILES} or more in its unit, and restart it",
        )


def _watchdog(facts: HostFacts) -> Iterator[Finding]:
    if facts.missing_watchdog:
        yield Finding(
            Severity.WARNING,
            "host-watchdog",
            f"the watchdog {facts.missing_watchdog} is not there",
            "nothing resets this machine if it stands still as leader; where it is required, it never leads",
            "load a driver (modprobe softdog, where the board has none), or change [watchdog]",
        )
