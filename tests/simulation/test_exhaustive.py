"""The exhaustive search finds no broken promise in the protocol, and finds one in each bent one."""

from collections.abc import Callable

import pytest

from leader.protocol import quorum
from leader.protocol.events import NS_PER_MS, Instant
from leader.protocol.record import State
from leader.protocol.witness import Witness
from tests.simulation.exhaustive import Search
from tests.simulation.small_state import Budget
from tests.simulation.small_world import begin_led

LONGEST_S = 40.0


@pytest.mark.parametrize(
    "budget",
    [
        Budget(faults=1, restarts=0, crashes=0, hand_overs=0),
        Budget(faults=0, restarts=1, crashes=0, hand_overs=0),
    ],
    ids=["a late or lost message, or a pause", "a restart of an instance"],
)
def test_no_order_of_events_with_one_trouble_breaks_a_promise(
    budget: Budget, figures: Callable[[str], None]
) -> None:
    """Every state that can be reached is visited, until nothing new comes."""
    found = Search(begin_led(budget)).run(LONGEST_S)
    figures(str(found))
    assert found.broken is None, found.broken
    assert found.complete == 1, str(found)
    assert found.states > 1000


@pytest.mark.parametrize(
    "budget",
    [
        Budget(faults=0, restarts=0, crashes=1, hand_overs=0),
        Budget(faults=0, restarts=0, crashes=0, hand_overs=1),
        Budget(faults=2, restarts=1, crashes=1, hand_overs=1),
    ],
    ids=["a crash and its resume", "a hand-over", "everything"],
)
def test_no_order_of_events_within_some_seconds_breaks_a_promise(
    budget: Budget, figures: Callable[[str], None]
) -> None:
    """As many states as there is time for, the least trouble first; `exhaustive.py` by hand goes on."""
    found = Search(begin_led(budget)).run(5.0)
    figures(str(found))
    assert found.broken is None, found.broken
    assert found.states > 100


def watch_too_short(witness: Witness, lease_ms: int) -> Instant | None:
    """Rule R1 bent: two thirds of a lease are enough."""
    return None if witness.record is None else witness.standing_since + lease_ms * NS_PER_MS * 2 // 3


def fresh_as_released(witness: Witness, lease_ms: int) -> Instant | None:
    """Rule R1 bent: a record that its instance wrote anew is taken without a watch."""
    if witness.record is None:
        return None
    watch_ns = 0 if witness.record.state is not State.HELD else lease_ms * NS_PER_MS
    return witness.standing_since + watch_ns


def half_as_majority(instances: int) -> int:
    """Rule R2 bent: half of the instances are enough."""
    return instances // 2


MUTANTS: dict[str, tuple[object, str, object, Budget]] = {
    "watch too short": (Witness, "takeable_at", watch_too_short, Budget(2, 0, 0, 0)),
    "fresh as released": (Witness, "takeable_at", fresh_as_released, Budget(0, 2, 0, 0)),
    "half as majority": (quorum, "majority", half_as_majority, Budget(2, 0, 0, 0)),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_bent_rule_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check can fail: with the rule bent, some order of events has two leaders."""
    place, attribute, bent, budget = MUTANTS[name]
    monkeypatch.setattr(place, attribute, bent)
    found = Search(begin_led(budget)).run(LONGEST_S)
    assert found.broken is not None, str(found)
    assert found.broken[0] == "two leaders"
