"""The arithmetic of majorities: how many votes are needed, and until when a set of grants lasts.

Rules R3 (deadline), R7 (one server, one vote) and the median of R2.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from leader.protocol.events import NS_PER_MS, Instant


def majority(instances: int) -> int:
    """How many of so many instances are a majority."""
    return instances // 2 + 1


def sure_ns(lease_ms: int) -> int:
    """How long a grant may be relied on: 0.9 of the lease, nanoseconds.

    The rest pays for clocks whose rates differ, by less than 10 %. Source: rule R3.
    """
    return lease_ms * NS_PER_MS * 9 // 10


@dataclass(frozen=True, slots=True)
class Grant:
    """One instance's vote: the process that gave it, and when the request for it was *sent*."""

    process: str
    sent_at: Instant


def votes(grants: Mapping[str, Grant]) -> list[Instant]:
    """The send times of all grants that count, newest first: one per name and one per process."""
    newest: dict[str, Instant] = {}
    for grant in grants.values():
        newest[grant.process] = max(grant.sent_at, newest.get(grant.process, grant.sent_at))
    return sorted(newest.values(), reverse=True)


def deadline(grants: Mapping[str, Grant], needed: int, lease_ms: int) -> Instant | None:
    """Until when these grants make a leader: the needed-th newest send time + 0.9 lease.

    None when there are fewer than needed. Source: rule R3.
    """
    sent = votes(grants)
    if len(sent) < needed:
        return None
    return sent[needed - 1] + sure_ns(lease_ms)


def nth_earliest(moments: Iterable[tuple[str, Instant]], needed: int) -> Instant | None:
    """When the needed-th process is ready, given (process, moment) pairs; None if there are too few.

    Of several moments of one process the latest counts. Source: rule R7.
    """
    latest: dict[str, Instant] = {}
    for process, moment in moments:
        latest[process] = max(moment, latest.get(process, moment))
    ready = sorted(latest.values())
    return ready[needed - 1] if len(ready) >= needed else None


def lower_median(values: Sequence[int]) -> int:
    """The middle value, the lower of the two when their number is even; 0 of none."""
    return sorted(values)[(len(values) - 1) // 2] if values else 0
