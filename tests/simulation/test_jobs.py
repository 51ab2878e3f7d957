"""A crontab on every node, seed by seed: each tick starts once at most, and else somebody says why."""

from collections.abc import Callable

import pytest

from tests.simulation.jobs_account import ENOUGH_TICK_SEEDS
from tests.simulation.soak import TICKS
from tests.simulation.trials import hold, repeat

SHARE = 5
"""Of so many seeds of the leases, one of the ticks is run."""


@pytest.mark.timeout(1800)
def test_every_tick_starts_once_or_is_told(seeds: int, figures: Callable[[str], None]) -> None:
    """Whatever happens around a tick; and no fault, verdict or decision that never came up."""
    number = max(1, seeds // SHARE)
    account = hold(TICKS, number, figures)
    assert number < ENOUGH_TICK_SEEDS or not account.never()


def test_a_seed_of_ticks_says_the_same_each_time() -> None:
    """One seed decides all: a second run of it has the same transcript."""
    repeat(TICKS)
