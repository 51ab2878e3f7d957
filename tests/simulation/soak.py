"""As many seeds as time allows: `python -m tests.simulation.soak --minutes 60 --jobs 2`.

Each is a world with everything on: faults, operators, a quorum that changes, and a crontab. Another kind may
be named: `leases` alone, handed over all the time by `operators`, a quorum that `changes` all the time, or
once-only `ticks`. With `--mutants` it runs each mutant instead, until a seed finds a broken promise, and says
how many it took. A seed that breaks a promise is told at once, with its command; exit code 1.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import count

from leader import clock
from tests.simulation import changes_seeds, everything_seeds, jobs_seeds, operators_seeds, seeds
from tests.simulation.account import (
    CHANGES_MUST_HAPPEN,
    ENOUGH_SEEDS,
    MUST_HAPPEN,
    OPERATORS_MUST_HAPPEN,
    Account,
)
from tests.simulation.everything_account import ENOUGH_OF_EVERYTHING, EVERYTHING_MUST_HAPPEN
from tests.simulation.jobs_account import ENOUGH_TICK_SEEDS, TICKS_MUST_HAPPEN
from tests.simulation.jobs_mutants import JOB_MUTANTS
from tests.simulation.loader import load
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.seeds import Outcome

MINUTE_NS = 60 * 10**9
MOST_BROKEN = 20
"""After so many broken seeds no more are run."""


@dataclass(frozen=True, slots=True)
class Program:
    """What a seed runs, and what so many of them must have seen."""

    run_seed: Callable[..., Outcome]
    must_happen: tuple[str, ...]
    enough_seeds: int = ENOUGH_SEEDS


LEASES = Program(seeds.run_seed, MUST_HAPPEN)
OPERATORS = Program(operators_seeds.run_seed, OPERATORS_MUST_HAPPEN)
CHANGES = Program(changes_seeds.run_seed, CHANGES_MUST_HAPPEN)
TICKS = Program(jobs_seeds.run_seed, TICKS_MUST_HAPPEN, ENOUGH_TICK_SEEDS)
EVERYTHING = Program(everything_seeds.run_seed, EVERYTHING_MUST_HAPPEN, ENOUGH_OF_EVERYTHING)
PROGRAMS = {
    "everything": EVERYTHING,
    "leases": LEASES,
    "operators": OPERATORS,
    "changes": CHANGES,
    "ticks": TICKS,
}


def say(text: str) -> None:
    """Print this at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def soak(minutes: float, jobs: int, first: int, name: str) -> Account:
    """The account of all seeds that fit into this time; those that break a promise are told at once."""
    end = clock.now_ns() + int(minutes * MINUTE_NS)
    program = PROGRAMS[name]
    account, numbers = Account(must_happen=program.must_happen), count(first)
    with ProcessPoolExecutor(jobs) as pool:
        running: dict[Future[Outcome], int] = {}
        goes_on = True
        while running or goes_on:
            while goes_on and len(running) < jobs:
                seed = next(numbers)
                running[pool.submit(program.run_seed, seed)] = seed
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                outcome = outcome_of(done, running.pop(done))
                account.add(outcome)
                if outcome.broken:
                    say(f"BROKEN {outcome.what}\n  {command(name, outcome.seed)}")
                goes_on = goes_on and outcome.broken != POOL and len(account.broken) < MOST_BROKEN
            goes_on = goes_on and clock.now_ns() < end
    return account


POOL = "pool"
"""What is broken if a process of the pool has died."""


def outcome_of(done: Future[Outcome], seed: int) -> Outcome:
    """What became of a seed; one that raised an error has broken a promise, too."""
    error = done.exception()
    if error is None:
        return done.result()
    return Outcome(seed, POOL if isinstance(error, BrokenProcessPool) else "crash", repr(error))


def command(name: str, seed: int) -> str:
    """What shows this seed again."""
    return f"python -m tests.simulation.soak {name} --seed {seed}"


def kill(mutant: Mutant, limit: int) -> Outcome | None:
    """The first seed that finds a broken promise with this line bent; None if none of so many does.

    Rule R3's own sum is not checked here: what it is there for must break.
    """
    bent = load(mutant, mutant.seeds)
    for seed in range(limit):
        outcome: Outcome = bent.run_seed(seed, checks_deadline=False)
        if outcome.broken:
            return Outcome(seed, outcome.broken, outcome.what)
    return None


def kill_all(limit: int, jobs: int, only: str = "") -> Iterator[tuple[Mutant, Outcome | None]]:
    """Each mutant with the seed that killed it, as they die."""
    with ProcessPoolExecutor(jobs) as pool:
        chosen = [mutant for mutant in (*MUTANTS, *JOB_MUTANTS) if only in mutant.name and mutant.by_seeds]
        deaths = {pool.submit(kill, mutant, limit): mutant for mutant in chosen}
        for death in as_completed(deaths):
            yield deaths[death], death.result()


def _soak_mutants(limit: int, jobs: int, only: str) -> bool:
    survivors = 0
    say("| mutant | rule | seeds to kill | broken promise |\n| --- | --- | --- | --- |")
    for mutant, death in kill_all(limit, jobs, only):
        survivors += death is None
        took, what = (f"{death.seed + 1}", death.what) if death else (f"> {limit}", "")
        say(f"| {mutant.name} | {mutant.rule} | {took} | {what} |")
    say(f"{survivors} of them survived {limit} seeds")
    return survivors == 0


def _soak_seeds(minutes: float, jobs: int, first: int, name: str) -> bool:
    program = PROGRAMS[name]
    account = soak(minutes, jobs, first, name)
    say("\n".join(account.lines()))
    for outcome in account.broken:
        say(f"\nseed {outcome.seed}: {outcome.what}\n  {command(name, outcome.seed)}")
    return not account.broken and (account.seeds < program.enough_seeds or not account.never())


def main() -> int:
    """Run what the command line asks for; 1 if a promise broke or a mutant survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.soak", description=__doc__)
    words = "which worlds (default everything)"
    parser.add_argument("world", nargs="?", choices=PROGRAMS, default="everything", help=words)
    parser.add_argument("--minutes", type=float, default=60, help="how long to run seeds (default 60)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="run this one seed and print its transcript")
    parser.add_argument("--mutants", action="store_true", help="kill the mutants instead")
    parser.add_argument("--only", default="", help="with --mutants: those whose name has this in it")
    parser.add_argument("--limit", type=int, default=2000, help="seeds per mutant at most")
    options = parser.parse_args()
    if options.seed is not None:
        outcome = PROGRAMS[options.world].run_seed(options.seed, keeps_log=True)
        say("\n".join((*outcome.log, outcome.what or "every promise held")))
        return int(bool(outcome.broken))
    if options.mutants:
        return int(not _soak_mutants(options.limit, options.jobs, options.only))
    return int(not _soak_seeds(options.minutes, options.jobs, options.first, options.world))


if __name__ == "__main__":
    sys.exit(main())
