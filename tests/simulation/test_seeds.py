"""The whole system under faults, seed by seed: every promise holds, and every fault did happen."""

from collections.abc import Callable

import pytest

from tests.simulation.account import ENOUGH_SEEDS
from tests.simulation.soak import LEASES
from tests.simulation.trials import hold, repeat


@pytest.mark.timeout(1800)
def test_every_promise_holds_for_every_seed(seeds: int, figures: Callable[[str], None]) -> None:
    """At most one leader, terms that grow, a leader soon after the faults; and no fault that never struck."""
    account = hold(LEASES, seeds, figures)
    assert seeds < ENOUGH_SEEDS or not account.never()


def test_a_seed_is_sixty_leases_and_says_the_same_each_time() -> None:
    """One seed decides all: a second run of it has the same transcript."""
    assert repeat(LEASES).leases >= 60
