"""A world with everything on: faults, operators, ticks, a quorum that changes; every promise holds."""

from collections.abc import Callable

import pytest

from tests.simulation.soak import EVERYTHING
from tests.simulation.trials import hold, repeat

SEEDS = 12
MUST_HAPPEN = (
    *("crontab: the quorum changes", "change: begins", "change: ends", "change: a node goes back"),
    *("tick: started", "tick: done", "tick: missed, and a call said so", "a tick in the calm"),
    *("a hand-over waits for a claim", "step-down: accepted", "strike: crash before a decision"),
)


@pytest.mark.timeout(600)
def test_every_promise_holds_with_everything_on(figures: Callable[[str], None]) -> None:
    """Ticks are claimed over joint quorums, by agents of neighbouring steps: each starts once at most."""
    account = hold(EVERYTHING, SEEDS, figures)
    assert [what for what in MUST_HAPPEN if not account.counts[what]] == []


@pytest.mark.timeout(600)
def test_a_seed_of_everything_says_the_same_each_time() -> None:
    """One seed decides all: a second run of it has the same transcript."""
    repeat(EVERYTHING)
