"""The whole system under faults, seed by seed: every promise holds, and every fault did happen."""

import os
from collections.abc import Callable

import pytest

from tests.simulation.account import ENOUGH_SEEDS
from tests.simulation.seeds import run_seed
from tests.simulation.soak import run_many, say


@pytest.mark.timeout(1800)
def test_every_promise_holds_for_every_seed(seeds: int, figures: Callable[[str], None]) -> None:
    """At most one leader, terms that grow, a leader soon after the faults; and no fault that never struck."""
    account = run_many(seeds, min(2, os.cpu_count() or 1))
    figures("\n".join(account.lines()))
    for outcome in account.broken[:3]:
        say(f"\nseed {outcome.seed}: {outcome.what}")
        say("\n".join(run_seed(outcome.seed, keeps_log=True).log[-200:]))
    assert not account.broken, [outcome.seed for outcome in account.broken]
    assert seeds < ENOUGH_SEEDS or not account.never()


def test_a_seed_is_sixty_leases_and_says_the_same_each_time() -> None:
    """One seed decides all: a second run of it has the same transcript."""
    first, second = run_seed(7, keeps_log=True), run_seed(7, keeps_log=True)
    assert first.log == second.log
    assert first.counts == second.counts
    assert first.leases >= 60
