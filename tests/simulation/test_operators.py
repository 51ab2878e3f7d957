"""A world in which operators hand over, pause and restart nodes all the time: every promise holds."""

from collections.abc import Callable

import pytest

from tests.simulation.climate import OPERATORS
from tests.simulation.soak import OPERATORS as PROGRAM
from tests.simulation.storm import WAYS
from tests.simulation.trials import hold

SEEDS = 60
MUST_HAPPEN = (
    *(f"fault: {act}" for act in OPERATORS),
    *(f"planned hand-over {way}" for way in WAYS),
    *("step-down: accepted", "step-down: refused"),
    *("a leader made room", "strike: the successor is cut off"),
)


@pytest.mark.timeout(600)
def test_every_promise_holds_while_operators_hand_over_all_the_time(figures: Callable[[str], None]) -> None:
    """Nobody is leaderless for long, two never lead, and each preemption had its reason and its pause."""
    account = hold(PROGRAM, SEEDS, figures)
    assert [what for what in MUST_HAPPEN if not account.counts[what]] == []
