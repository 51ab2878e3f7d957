"""The section [watchdog]: a device that resets this machine if its agent stands still while it leads.

A device counts whole seconds, and the machine must be gone before another node may lead. So a leader that
uses one stops sooner than the lease alone would let it; a lease that leaves no room for that is refused here.
"""

from leader.config import rules
from leader.config.model import WatchdogConfig, WatchdogMode
from leader.config.table import Findings, Table
from leader.durations import format_duration

MS_PER_S = 1000
LEAST_MARGIN_MS = 100
LONGEST_MARGIN_MS = 600_000
ROOMY_LEASE = "4s"
"""From here on every lease has room for whole seconds."""


def read_watchdog(table: Table, findings: Findings, lease_ms: int) -> WatchdogConfig:
    """The device and its times; off where the lease leaves no room for them."""
    mode = table.take("mode", _mode, WatchdogMode.OFF)
    device = table.take("device", rules.absolute_path, WatchdogConfig().device)
    margin_ms = table.take(
        "safety_margin",
        rules.duration(LEAST_MARGIN_MS, LONGEST_MARGIN_MS),
        max(LEAST_MARGIN_MS, lease_ms // 10),
    )
    table.refuse_the_rest()
    timeout_s = lease_ms * 8 // 10 // MS_PER_S
    most_ms = timeout_s * MS_PER_S - lease_ms // 2
    if mode is WatchdogMode.OFF:
        return WatchdogConfig(device=device, margin_ms=margin_ms)
    if most_ms < lease_ms // 10:
        _complain_of_lease(mode, findings, lease_ms)
        return WatchdogConfig(device=device, margin_ms=margin_ms)
    if margin_ms > most_ms:
        rule = f"must be at most {format_duration(most_ms)} with a lease of {format_duration(lease_ms)}"
        findings.refuse_value("watchdog.safety_margin", format_duration(margin_ms), rule)
    return WatchdogConfig(mode, device, margin_ms, timeout_s)


def _complain_of_lease(mode: WatchdogMode, findings: Findings, lease_ms: int) -> None:
    why = f"a device counts whole seconds, and a lease of {format_duration(lease_ms)} leaves no room for that"
    if mode is WatchdogMode.REQUIRED:
        findings.refuse_value(
            "watchdog.mode",
            str(mode),
            f"must be off or automatic here: {why}; give quorum.lease {ROOMY_LEASE} or more",
        )
    else:
        findings.note("watchdog.mode", f"has no effect: {why}; give quorum.lease {ROOMY_LEASE} or more")


def _mode(value: object) -> WatchdogMode:
    if not isinstance(value, str) or value not in list(WatchdogMode):
        raise ValueError('must be "off", "automatic" or "required"')
    return WatchdogMode(value)
