"""A world in which the quorum is changed all the time, step by step and node by node: every promise holds."""

from collections.abc import Callable

import pytest

from tests.simulation.soak import CHANGES
from tests.simulation.trials import hold

SEEDS = 60
MUST_HAPPEN = ("change: begins", "change: ends", "change: a node goes on", "change: a node goes back")


@pytest.mark.timeout(600)
def test_every_promise_holds_while_the_quorum_changes(figures: Callable[[str], None]) -> None:
    """Amid all other faults, with nodes a step behind and instances that forget or lag behind."""
    account = hold(CHANGES, SEEDS, figures)
    assert [what for what in MUST_HAPPEN if not account.counts[what]] == []
