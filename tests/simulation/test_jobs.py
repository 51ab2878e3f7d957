"""A crontab on every node, seed by seed: each tick starts once at most, and else somebody says why."""

import os
from collections.abc import Callable

import pytest

from tests.simulation.jobs_account import ENOUGH_TICK_SEEDS
from tests.simulation.jobs_seeds import run_seed
from tests.simulation.soak import TICKS, run_many, say

SHARE = 5
"""Of so many seeds of the leases, one of the ticks is run."""


@pytest.mark.timeout(1800)
def test_every_tick_starts_once_or_is_told(seeds: int, figures: Callable[[str], None]) -> None:
    """Whatever happens around a tick; and no fault, verdict or decision that never came up."""
    number = max(1, seeds // SHARE)
    account = run_many(number, min(2, os.cpu_count() or 1), TICKS)
    figures("\n".join(account.lines()))
    for outcome in account.broken[:3]:
        say(f"\nseed {outcome.seed}: {outcome.what}")
        say("\n".join(run_seed(outcome.seed, keeps_log=True).log[-200:]))
    assert not account.broken, [outcome.seed for outcome in account.broken]
    assert number < ENOUGH_TICK_SEEDS or not account.never()


def test_a_seed_of_ticks_says_the_same_each_time() -> None:
    """One seed decides all: a second run of it has the same transcript."""
    first, second = run_seed(7, keeps_log=True), run_seed(7, keeps_log=True)
    assert first.log == second.log
    assert first.counts == second.counts
