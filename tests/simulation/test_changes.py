"""A world in which the quorum is changed all the time, step by step and node by node: every promise holds."""

import os
from collections.abc import Callable

import pytest

from tests.simulation.changes_seeds import run_seed
from tests.simulation.soak import CHANGES, run_many, say

SEEDS = 60
MUST_HAPPEN = ("change: begins", "change: ends", "change: a node goes on", "change: a node goes back")


@pytest.mark.timeout(600)
def test_every_promise_holds_while_the_quorum_changes(figures: Callable[[str], None]) -> None:
    """Amid all other faults, with nodes a step behind and instances that forget or lag behind."""
    account = run_many(SEEDS, min(2, os.cpu_count() or 1), CHANGES)
    figures("\n".join(account.lines()))
    for outcome in account.broken[:3]:
        say(f"\nseed {outcome.seed}: {outcome.what}")
        say("\n".join(run_seed(outcome.seed, keeps_log=True).log[-200:]))
    assert not account.broken, [outcome.seed for outcome in account.broken]
    assert [what for what in MUST_HAPPEN if not account.counts[what]] == []
