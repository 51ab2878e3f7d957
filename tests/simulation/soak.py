"""As many seeds as time allows: `python -m tests.simulation.soak --minutes 60 --jobs 2`.

With `--ticks` the seeds are those of once-only ticks, with `--operators` those of leases that are handed over
all the time, with `--changes` those of a quorum that is changed all the time, else those of the leases. With
`--mutants` it runs each mutant instead, until a seed finds a broken promise, and says how many it took.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import count

from leader import clock
from tests.simulation import changes_seeds, jobs_seeds, operators_seeds, seeds
from tests.simulation.account import CHANGES_MUST_HAPPEN, MUST_HAPPEN, OPERATORS_MUST_HAPPEN, Account
from tests.simulation.jobs_account import TICKS_MUST_HAPPEN
from tests.simulation.jobs_mutants import JOB_MUTANTS
from tests.simulation.loader import load
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.seeds import Outcome

CHUNK = 20
MINUTE_NS = 60 * 10**9


@dataclass(frozen=True, slots=True)
class Program:
    """What a seed runs, and what some hundred of them must have seen."""

    run_seed: Callable[..., Outcome]
    must_happen: tuple[str, ...]


LEASES = Program(seeds.run_seed, MUST_HAPPEN)
OPERATORS = Program(operators_seeds.run_seed, OPERATORS_MUST_HAPPEN)
CHANGES = Program(changes_seeds.run_seed, CHANGES_MUST_HAPPEN)
TICKS = Program(jobs_seeds.run_seed, TICKS_MUST_HAPPEN)


def say(text: str) -> None:
    """Print this at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run_chunk(program: Program, first: int, number: int) -> list[Outcome]:
    """The outcomes of so many seeds from this one on."""
    return [program.run_seed(seed) for seed in range(first, first + number)]


def run_many(number: int, jobs: int, program: Program = LEASES) -> Account:
    """The account of so many seeds, from 0 on."""
    with ProcessPoolExecutor(jobs) as pool:
        chunks = [
            pool.submit(run_chunk, program, first, min(CHUNK, number - first))
            for first in range(0, number, CHUNK)
        ]
        account = Account(must_happen=program.must_happen)
        for chunk in chunks:
            account.add_all(chunk.result())
        return account


def soak(minutes: float, jobs: int, first: int, program: Program) -> Account:
    """The account of all seeds that fit into this time."""
    end = clock.now_ns() + int(minutes * MINUTE_NS)
    account, firsts = Account(must_happen=program.must_happen), count(first, CHUNK)
    with ProcessPoolExecutor(jobs) as pool:
        running = {pool.submit(run_chunk, program, next(firsts), CHUNK) for _ in range(jobs)}
        while running:
            done: Future[list[Outcome]] = next(as_completed(running))
            running.remove(done)
            account.add_all(done.result())
            if clock.now_ns() < end:
                running.add(pool.submit(run_chunk, program, next(firsts), CHUNK))
    return account


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


def _soak_seeds(minutes: float, jobs: int, first: int, program: Program) -> bool:
    account = soak(minutes, jobs, first, program)
    say("\n".join(account.lines()))
    for outcome in account.broken:
        say(f"\nseed {outcome.seed}: {outcome.what}")
        say("\n".join(program.run_seed(outcome.seed, keeps_log=True).log[-200:]))
    return not account.broken and not account.never()


def main() -> int:
    """Run what the command line asks for; 1 if a promise broke or a mutant survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="how long to run seeds (default 60)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="run this one seed and print its transcript")
    parser.add_argument("--mutants", action="store_true", help="kill the mutants instead")
    parser.add_argument("--only", default="", help="with --mutants: those whose name has this in it")
    parser.add_argument("--limit", type=int, default=2000, help="seeds per mutant at most")
    for name, other in (("ticks", TICKS), ("operators", OPERATORS), ("changes", CHANGES)):
        words = f"the seeds of {name}, not of the leases"
        parser.add_argument(
            f"--{name}", action="store_const", const=other, dest="program", default=LEASES, help=words
        )
    options = parser.parse_args()
    program: Program = options.program
    if options.seed is not None:
        outcome = program.run_seed(options.seed, keeps_log=True)
        say("\n".join((*outcome.log, outcome.what or "every promise held")))
        return int(bool(outcome.broken))
    if options.mutants:
        return int(not _soak_mutants(options.limit, options.jobs, options.only))
    return int(not _soak_seeds(options.minutes, options.jobs, options.first, program))


if __name__ == "__main__":
    sys.exit(main())
