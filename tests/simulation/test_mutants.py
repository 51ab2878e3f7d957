"""A green simulation says nothing until its mutants die: each by its story, which the true code survives."""

from pathlib import Path

import pytest

from tests.scenarios.story import play
from tests.simulation.jobs_mutants import JOB_MUTANTS
from tests.simulation.loader import ROOT, load
from tests.simulation.mutants import MUTANTS, Mutant

STORIES = ROOT / "tests" / "scenarios" / "stories"


@pytest.mark.parametrize("mutant", [*MUTANTS, *JOB_MUTANTS], ids=lambda mutant: mutant.name)
def test_a_bent_line_breaks_a_promise_in_its_story(mutant: Mutant) -> None:
    """A checker says which; a crash would be no kill. The true code keeps every promise in that story."""
    text = (STORIES / f"{mutant.story}.txt").read_text()
    truth = play(text)
    assert (truth.broken, truth.diverged) == ("", "")
    bent = load(mutant, "tests.scenarios.story").play(text, checks_deadline=False)
    assert bent.broken, bent.text


def test_a_mutation_that_no_longer_fits_the_source_is_an_error() -> None:
    """So that no mutant turns into the true code when that changes."""
    stale = Mutant("stale", "R1", "watch", "leader/protocol/quorum.py", "no such text", "")
    with pytest.raises(LookupError, match="0 times"):
        load(stale, "tests.scenarios.story")


def test_a_mutation_leaves_the_true_modules_alone() -> None:
    """The mutated copies are others than those that every other test runs on."""
    from leader.protocol import quorum  # noqa: PLC0415  # after whatever the loader did

    mutant = next(mutant for mutant in MUTANTS if mutant.name == "half is a majority")
    load(mutant, "tests.simulation.seeds")
    assert quorum.majority(3) == 2
    assert Path(quorum.__file__) == ROOT / "leader" / "protocol" / "quorum.py"
