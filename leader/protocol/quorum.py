"""The arithmetic of majorities: who must agree, how many votes are needed, until when a set of grants lasts.

Rules R3 (deadline), R7 (one server, one vote), the median of R2, and the joint quorum of a change.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from leader.protocol.events import NS_PER_MS, Instant

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Voters:
    """Whose majorities must agree: that of the list of instances and, while it changes, of the one before.

    Two neighbouring steps of a change so share a list, and two majorities of one list share an instance.
    """

    lists: tuple[tuple[str, ...], ...]

    @property
    def instances(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys(name for names in self.lists for name in names))

    def _by_list(self, votes: Mapping[str, T]) -> Iterator[tuple[dict[str, T], int]]:
        """For each list those that belong to it, by name, and how many of it are a majority."""
        for names in self.lists:
            yield {name: vote for name, vote in votes.items() if name in names}, majority(len(names))

    def agree(self, processes: Mapping[str, str]) -> bool:
        """Whether these instances, given with their processes, are a majority of every list (rule R7)."""
        return all(len(set(ours.values())) >= needed for ours, needed in self._by_list(processes))

    def deadline(self, grants: Mapping[str, Grant], lease_ms: int) -> Instant | None:
        """Until when these grants make a leader, by the list that fails first; None if one has too few."""
        ends = [deadline(ours, needed, lease_ms) for ours, needed in self._by_list(grants)]
        return None if None in ends else min(end for end in ends if end is not None)

    def opening(self, moments: Mapping[str, tuple[str, Instant]]) -> Instant | None:
        """When a majority of every list is ready, given process and moment by name; None if one never is."""
        ready = [nth_earliest(ours.values(), needed) for ours, needed in self._by_list(moments)]
        return None if None in ready else max(moment for moment in ready if moment is not None)

    def spare(self, names: Iterable[str]) -> int:
        """How many of these may be taken away, any of them, until they are no majority; negative if none."""
        return min(len(ours) - needed for ours, needed in self._by_list(dict.fromkeys(names)))

    def may_agree(self, names: Iterable[str]) -> bool:
        """Whether these are a majority of one list: perhaps enough for a neighbouring step of the change."""
        return any(len(ours) >= needed for ours, needed in self._by_list(dict.fromkeys(names)))


def lower_median(values: Sequence[int]) -> int:
    """The middle value, the lower of the two when their number is even; 0 of none."""
    return sorted(values)[(len(values) - 1) // 2] if values else 0
