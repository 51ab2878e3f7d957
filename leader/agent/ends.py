"""What nodes tell each other of how their leaderships ended: how that is read, and how much of it is told.

It travels in the registration of a node, which others read up to a certain length.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from leader.foreign import printable
from leader.names import is_name

LONGEST_REASON, LONGEST_CAUSE = 500, 40
"""Characters of what another node says."""
MOST_TOLD, BESIDE_REASON = 16_384, 200
"""Characters of all that is told, half of a registration; and of one end at most, beside its reason."""
LARGEST_NUMBER = 2**53


@dataclass(frozen=True, slots=True)
class EndTold:
    """How a leadership ended, as its own node registers it."""

    election: str
    term: int
    cause: str
    reason: str


def as_many_as_are_read(ends: Sequence[EndTold]) -> tuple[EndTold, ...]:
    """The newest, which stand last, that have room: a registration that is too long is read by nobody."""
    lengths = accumulate(len(json.dumps(end.reason)) + BESIDE_REASON for end in reversed(ends))
    return tuple(ends[len(ends) - sum(length < MOST_TOLD for length in lengths) :])


def read_ends(values: Iterable[Mapping[str, object]]) -> tuple[EndTold, ...]:
    """What a node registered about its leaderships.

    Raises:
        KeyError: something is missing; ValueError, TypeError: something is not what it should be.
    """
    return tuple(map(_read_end, values))


def _read_end(value: Mapping[str, object]) -> EndTold:
    election, term = str(value["election"]), int(str(value["term"]))
    if not is_name(election) or not 0 <= term <= LARGEST_NUMBER:
        raise ValueError("no leadership")
    cause, reason = (
        printable(str(value["cause"]), LONGEST_CAUSE),
        printable(str(value["reason"]), LONGEST_REASON),
    )
    return EndTold(election, term, cause, reason)
