"""A world with everything on: faults, operators, ticks, a quorum that changes; every promise holds."""

import os
from collections.abc import Callable

import pytest

from tests.simulation.everything_seeds import run_seed
from tests.simulation.soak import EVERYTHING, run_many, say

SEEDS = 12
MUST_HAPPEN = (
    *("crontab: the quorum changes", "change: begins", "change: ends", "change: a node goes back"),
    *("tick: started", "tick: done", "tick: missed, and a call said so", "a tick in the calm"),
    *("a hand-over waits for a claim", "step-down: accepted", "strike: crash before a decision"),
)


@pytest.mark.timeout(600)
def test_every_promise_holds_with_everything_on(figures: Callable[[str], None]) -> None:
    """Ticks are claimed over joint quorums, by agents of neighbouring steps: each starts once at most."""
    account = run_many(SEEDS, min(2, os.cpu_count() or 1), EVERYTHING)
    figures("\n".join(account.lines()))
    for outcome in account.broken[:3]:
        say(f"\nseed {outcome.seed}: {outcome.what}")
        say("\n".join(run_seed(outcome.seed, keeps_log=True).log[-200:]))
    assert not account.broken, [outcome.seed for outcome in account.broken]
    assert [what for what in MUST_HAPPEN if not account.counts[what]] == []


@pytest.mark.timeout(600)
def test_a_seed_of_everything_says_the_same_each_time() -> None:
    """One seed decides all: a second run of it has the same transcript."""
    first, second = run_seed(7, keeps_log=True), run_seed(7, keeps_log=True)
    assert first.log == second.log
    assert first.counts == second.counts
