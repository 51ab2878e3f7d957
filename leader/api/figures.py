"""What an agent has counted since it started, for `/metrics`; what is so now is in the read model."""

from collections.abc import Mapping
from dataclasses import dataclass, field

INCIDENTS = ("frozen", "suspended", "clock-jumped")
"""What may befall the process or the machine."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many durations were at most so many seconds, for each bound, and how many there were."""

    at_most: tuple[tuple[float, int], ...]
    count: int
    total_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Counters: they only grow, and begin anew with the process."""

    gained: Mapping[str, int] = field(default_factory=dict)
    """Leaderships that this node has won, by election."""
    resumed: Mapping[str, int] = field(default_factory=dict)
    """Leaderships that went on after a restart, by election."""
    lost: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By election and cause."""
    failed_claims: Mapping[str, int] = field(default_factory=dict)
    incidents: Mapping[str, int] = field(default_factory=dict)
    """What befell the process or the machine, by kind."""
    round_trips: Mapping[str, Histogram] = field(default_factory=dict)
    """By instance."""
    runs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """What became of ticks on any node, by job and result, as far as this node heard of it."""
