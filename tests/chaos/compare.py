"""`make peers MINUTES=n SEEDS=a,b`: this project and a Redlock in one lab, under the same faults.

With each seed, `leader` is on trial for so many minutes, and then Redlock, with as many servers, for the same
acts of faults. It needs root, as `make chaos` does. What is compared is in `overlaps.py`, and how Redlock is
used in `peer_lock.py`.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.chaos.disk import go_inside
from tests.chaos.kinds import KINDS, Harm
from tests.chaos.overlaps import Account, overlaps_in, table
from tests.chaos.run import Outcome, Plan, for_minutes, run
from tests.chaos.trial import LEADER, REDLOCK, Trial

CAPTION = """
Two led at once (overlaps) beside each sort of fault: one that ran when the overlap began, or had ended within
a lease before. An overlap counts in each such row; as alone, where no fault of another row ran so. In all:
"""


def main() -> int:
    """Run what the words say, and print the table."""
    parser = argparse.ArgumentParser(prog="compare", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for each seed and each on trial")
    parser.add_argument("--seeds", default="1", help="with commas between them")
    parser.add_argument("--kinds", action="store_true", help="a row for each kind of fault, too")
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="keep the files of all runs there")
    options = parser.parse_args()
    go_inside()
    accounts = {trial: Account(trial.name) for trial in (REDLOCK, LEADER)}
    with tempfile.TemporaryDirectory(prefix="chaos-") as directory:
        for seed in options.seeds.split(","):
            for trial, outcome in both(seed, options.minutes, options.keep or Path(directory)):
                accounts[trial].add(outcome.history)
                tell(seed, trial, outcome)
    lines = table(list(accounts.values()), KINDS.values(), each_kind=options.kinds)
    print(*lines, CAPTION, *accounts.values(), sep="\n")  # noqa: T201 - a report is what this is for
    return 1 if accounts[LEADER].overlaps else 0


def both(seed: str, minutes: float, directory: Path) -> Iterator[tuple[Trial, Outcome]]:
    """One run of each: the second one plays the acts that the first one had time for."""
    acts: Iterable[Harm] = for_minutes(minutes)
    for trial in (LEADER, REDLOCK):
        own = directory / f"{seed}-{trial.name}"
        own.mkdir(parents=True)
        outcome = run(Plan(seed, acts), own, trial, compares=True)
        acts = outcome.acts
        yield trial, outcome


def tell(seed: str, trial: Trial, outcome: Outcome) -> None:
    """Say what came of one run, as soon as it is over."""
    history = outcome.history
    found = [calm for calm in history.calms if calm.agreed is not None]
    words = [
        f"seed {seed}, {trial.name}: {history.servers} servers, {len(outcome.acts)} acts",
        f"{len(history.spells)} faults, {sum(answer.is_yes for answer in history.answers)} times yes",
        f"{len(list(overlaps_in(history)))} overlaps",
        f"a leader in {len(found)} of {len(history.calms)} calms",
        *(f"trouble: {trouble}" for trouble in outcome.troubles),
    ]
    print("; ".join(words), flush=True)  # noqa: T201 - likewise


if __name__ == "__main__":
    sys.exit(main())
