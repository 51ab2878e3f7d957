"""What is one finding, and how bad are several together?

A finding is told so that its text alone is enough to mend it. It knows nothing of where it was found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: nothing is wrong, something may go wrong, something is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know: `what` was seen and where, `why` it matters, and the `remedy`.

    `code` names the rule, such as `instance-replica`, and stays the same over versions.
    """

    severity: Severity
    code: str
    what: str
    why: str
    remedy: str


def needs_somebody(findings: Iterable[Finding]) -> bool:
    """Whether any of these is more than information."""
    return any(finding.severity is not Severity.INFO for finding in findings)
