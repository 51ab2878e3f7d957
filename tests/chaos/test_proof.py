"""What a run proves: one in which something never happened says so."""

from dataclasses import replace

import pytest

from tests.chaos.history import CHANGED, History
from tests.chaos.proof import changes_of_leader, lacks
from tests.chaos.test_checker import good, spell, yes


def test_a_run_in_which_all_happened_lacks_nothing() -> None:
    """Each kind ran, the leadership moved, and a tick was promised."""
    assert list(lacks(good(), {"agent killed"})) == []
    assert changes_of_leader(good()) == 2


@pytest.mark.parametrize(
    ("history", "kinds", "sentence"),
    [
        (good(), {"agent killed", "jitter", "cut off"}, "never ran: cut off, jitter"),
        (
            replace(good(), spells=[spell(CHANGED, 110, 900, "agent:a")]),
            {CHANGED},
            "no change of the quorum came to its end",
        ),
        (replace(good(), ticks=[]), {"agent killed"}, "no tick was promised to start exactly once"),
        (
            replace(good(), answers=[yes("c", 3, 4100), yes("c", 4, 5100)]),
            {"agent killed"},
            "the leadership never passed from one node to another",
        ),
    ],
)
def test_what_never_happened_is_told(history: History, kinds: set[str], sentence: str) -> None:
    """A run of some length fails by it, since it proves too little."""
    assert list(lacks(history, kinds)) == [sentence]
