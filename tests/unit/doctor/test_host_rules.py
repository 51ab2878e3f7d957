"""Each fault of a machine, planted in what it says; and how findings are shown."""

from pathlib import Path

import pytest

from leader.cli.findings import report
from leader.cli.host_facts import gather
from leader.cli.output import plain
from leader.doctor.finding import Finding, Severity, needs_somebody
from leader.doctor.host import HostFacts, examine


def test_nothing_is_found_on_a_sound_machine() -> None:
    """What a machine does not say is not held against it."""
    assert examine(HostFacts()) == []
    assert examine(HostFacts("tsc", synchronised=True, file_limit=1024, socket_is_there=True)) == []


@pytest.mark.parametrize(
    ("facts", "code", "remedy"),
    [
        (HostFacts(clock_source="hpet"), "host-clock-source", "clocksource=tsc"),
        (HostFacts(synchronised=False), "host-unsynchronised", "start chrony or systemd-timesyncd"),
        (HostFacts(slept_ms=61_000), "host-suspended", "systemctl mask sleep.target"),
        (HostFacts(missing_watchdog="/dev/watchdog"), "host-watchdog", "modprobe softdog"),
        (HostFacts(file_limit=256), "host-files", "LimitNOFILE=1024"),
        (HostFacts(socket="/s", socket_is_there=True, may_use_socket=False), "host-socket", "[api] group"),
    ],
)
def test_each_fault_of_a_machine_is_told_with_its_remedy(facts: HostFacts, code: str, remedy: str) -> None:
    """One finding, of that code, that says what to do."""
    (finding,) = examine(facts)
    assert finding.code == code
    assert remedy in finding.remedy


def test_this_machine_says_what_there_is_to_judge(tmp_path: Path) -> None:
    """Its kernel answers; a socket that is not there is none that is forbidden."""
    facts = gather(str(tmp_path / "leader.sock"), 0)
    assert facts.file_limit
    assert facts.slept_ms >= 0
    assert not facts.socket_is_there
    assert not [finding for finding in examine(facts) if finding.code == "host-socket"]


def test_findings_stand_in_groups_and_the_worst_first() -> None:
    """Each with its why and what to do; at the end how many, and what was checked."""
    info, warning, critical = (
        Finding(severity, code, f"what-{severity}", "why", "remedy")
        for severity, code in zip(Severity, ("instance-a", "instance-b", "crontab-c"), strict=True)
    )
    assert plain(*report([info, critical, warning], ["3 instances"])).splitlines() == [
        "Instances",
        "  WARNING instance-b: what-warning",
        "      why: why",
        "      do:  remedy",
        "  INFO instance-a: what-info",
        "      why: why",
        "      do:  remedy",
        "",
        "Crontabs",
        "  CRITICAL crontab-c: what-critical",
        "      why: why",
        "      do:  remedy",
        "",
        "Found: 1 critical, 1 warning, 1 note. Checked: 3 instances.",
    ]
    assert needs_somebody([info, warning])


def test_a_note_alone_is_nothing_wrong() -> None:
    """One line reassures; the exit code is that of success."""
    note = Finding(Severity.INFO, "instance-a", "what", "why", "remedy")
    assert plain(*report([], ["3 instances"])) == "Nothing is wrong. Checked: 3 instances.\n"
    assert plain(*report([note], ["x"])).splitlines()[-1] == "Nothing is wrong (1 note). Checked: x."
    assert not needs_somebody([note])
