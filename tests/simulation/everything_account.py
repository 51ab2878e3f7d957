"""What a run of a thousand seeds with everything on must have seen."""

from tests.simulation.account import CHANGES_MUST_HAPPEN, OPERATORS_MUST_HAPPEN
from tests.simulation.jobs_account import TICKS_MUST_HAPPEN
from tests.simulation.jobs_climate import ALL_FAULTS

OF_TICKS_ALONE = (*(f"fault: {fault}" for fault in ALL_FAULTS), "strike: flush", "a second start")
"""The faults of the world of ticks, which has kinds of its own; and what need not be."""

EVERYTHING_MUST_HAPPEN = tuple(
    dict.fromkeys(
        (
            *OPERATORS_MUST_HAPPEN,
            *CHANGES_MUST_HAPPEN,
            *(what for what in TICKS_MUST_HAPPEN if not what.startswith(OF_TICKS_ALONE)),
            *("crontab: the quorum changes", "crontab: the quorum stays", "a tick in the calm"),
        )
    )
)

ENOUGH_OF_EVERYTHING = 1500
"""So many seeds see all of it."""
