"""An agent with one line of the protocol bent, to show that the lab would find a broken promise.

The lines are the simulation's mutants. The change is in this process' memory only.

    python -m tests.chaos.bent MUTANT agent …
"""

import sys

from tests.simulation.loader import Finder
from tests.simulation.mutants import MUTANTS


def main() -> None:
    """Be `leader` with these words, but for that line."""
    name = sys.argv.pop(1)
    sys.meta_path.insert(0, Finder(next(mutant for mutant in MUTANTS if mutant.name == name)))
    from leader.__main__ import main as leader  # noqa: PLC0415 - after the line is bent

    leader()


if __name__ == "__main__":
    main()
