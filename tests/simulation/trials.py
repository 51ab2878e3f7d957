"""What the tests of each kind of world share: all promises hold, and a seed is the same each time."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.account import Account
from tests.simulation.seeds import Outcome
from tests.simulation.soak import Program, say

SHOWN_BROKEN, SHOWN_LINES = 3, 200


def hold(program: Program, seeds: int, figures: Callable[[str], None]) -> Account:
    """The account of so many seeds, from 0 on, with the ends of the transcripts of some that broke a promise.

    Raises:
        AssertionError: any seed did.
    """
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        account = Account(must_happen=program.must_happen)
        account.add_all(pool.map(program.run_seed, range(seeds)))
    figures("\n".join(account.lines()))
    for outcome in account.broken[:SHOWN_BROKEN]:
        say(f"\nseed {outcome.seed}: {outcome.what}")
        say("\n".join(program.run_seed(outcome.seed, keeps_log=True).log[-SHOWN_LINES:]))
    assert not account.broken, [outcome.seed for outcome in account.broken]
    return account


def repeat(program: Program) -> Outcome:
    """One seed, which decides all.

    Raises:
        AssertionError: a second run of it has another transcript.
    """
    first, second = (program.run_seed(7, keeps_log=True) for _ in range(2))
    assert first.log == second.log
    assert first.counts == second.counts
    return first
