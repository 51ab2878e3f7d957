"""How findings are shown to people: the worst first, in groups, each with its name, its why and its remedy.

By the name, leader-doctor(1) has all that there are.
"""

from collections.abc import Iterable, Sequence

from leader.doctor.finding import Finding, Severity
from leader.tui.table import Part
from leader.tui.text import Cell
from leader.tui.words import cell

GROUPS = {
    "configuration": "Configuration",
    "instance": "Instances",
    "node": "Nodes",
    "agent": "Agent of this node",
    "host": "This machine",
}
"""What the first word of a code is about, in the order in which they are shown; others are crontabs."""
CRONTABS = "Crontabs"
ORDER = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
NUMBERED = {
    Severity.CRITICAL: ("critical", "critical"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.INFO: ("note", "notes"),
}
STYLES = {Severity.CRITICAL: "red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


def report(found: Sequence[Finding], checked: Iterable[str]) -> list[Part]:
    """All that is to be printed."""
    parts: list[Part] = []
    for group in (*GROUPS.values(), CRONTABS):
        members = [finding for finding in found if group_of(finding) == group]
        if members:
            parts += [Cell(group, "bold"), *_told(members), Cell("")]
    return [*parts, *_verdict(found, list(checked))]


def group_of(finding: Finding) -> str:
    """The heading that it stands under."""
    return GROUPS.get(finding.code.partition("-")[0], CRONTABS)


def _told(findings: Iterable[Finding]) -> Iterable[Part]:
    for finding in sorted(findings, key=lambda finding: ORDER.index(finding.severity)):
        yield cell(f"  {finding.severity.upper()} {finding.code}: {finding.what}", STYLES[finding.severity])
        yield cell(f"      why: {finding.why}")
        yield cell(f"      do:  {finding.remedy}")


def _verdict(found: Sequence[Finding], checked: list[str]) -> Iterable[Part]:
    counts = [(sum(finding.severity is severity for finding in found), severity) for severity in ORDER]
    told = ", ".join(f"{count} {NUMBERED[severity][count > 1]}" for count, severity in counts if count)
    wrong = any(severity is not Severity.INFO for count, severity in counts if count)
    head = "Found: " + told if wrong else "Nothing is wrong" + (f" ({told})" if told else "")
    yield cell(f"{head}. Checked: {'; '.join(checked)}.", "bold" if wrong else "green")
