"""Rule R10, one configuration: whom an instance refuses does not claim, unless a majority keeps its own."""

from dataclasses import replace

import pytest

from leader.protocol.calls import Configuration, Renew, Take, Verdict
from leader.protocol.events import ClaimFailed
from tests.rules.driver import CONFIGURATION, LEASE_MS, Driver, fresh, released

OTHERS = [
    replace(CONFIGURATION, generation=2),
    replace(CONFIGURATION, fingerprint="another list"),
    replace(CONFIGURATION, lease_ms=LEASE_MS // 2),
    replace(CONFIGURATION, previous="the list before"),
]
OTHER_LIST = OTHERS[1]


def show(node: Driver, *configurations: Configuration | None) -> None:
    """Let x, y and z, in this order, show a released record and what configuration they keep."""
    for name, configuration in zip(("x", "y", "z"), configurations, strict=True):
        node.answer(name, released(), configuration=configuration)


@pytest.mark.parametrize("other", OTHERS, ids=["generation", "list", "lease", "previous"])
def test_an_agent_that_one_instance_refuses_does_not_claim(other: Configuration) -> None:
    """Generation, list, lease and the list before must all be the same."""
    node = Driver()
    show(node, other, None, None)
    node.wait(2 * LEASE_MS)
    assert not node.calls(Take)


def test_instances_that_keep_no_configuration_refuse_nobody() -> None:
    """A new quorum has had no leader yet."""
    node = Driver()
    show(node, None, None, None)
    assert node.calls(Take)


def test_a_majority_of_its_own_configuration_outweighs_a_refusal() -> None:
    """A misconfigured node cannot block the others through one instance that forgot."""
    node = Driver()
    show(node, OTHER_LIST, CONFIGURATION, CONFIGURATION)
    assert node.calls(Take)


def test_less_than_a_majority_of_its_own_does_not() -> None:
    """One for, one against, one without: not enough."""
    node = Driver()
    show(node, OTHER_LIST, CONFIGURATION, None)
    node.wait(2 * LEASE_MS)
    assert not node.calls(Take)


def test_an_instance_that_refuses_is_remembered_while_it_is_silent() -> None:
    """That the guard cannot be reached any more does not open the way."""
    node = Driver()
    show(node, OTHER_LIST, None, None)
    node.miss("x")
    node.wait(2 * LEASE_MS)
    assert not node.calls(Take)


def test_a_late_answer_does_not_undo_a_refusal() -> None:
    """Of two answers of one instance the one to the later call says what it keeps now."""
    node = Driver()
    early = node.newest("x")
    node.wait(LEASE_MS // 3)
    show(node, OTHER_LIST, None, None)
    node.answer(early, released(), configuration=None)
    node.wait(2 * LEASE_MS)
    assert not node.calls(Take)


def test_a_refused_take_is_no_vote_and_ends_a_hopeless_claim() -> None:
    """An instance that learnt of another configuration in between refuses by name."""
    node = Driver()
    node.claim()
    node.answer(node.calls(Take, "x")[0], released(), Verdict.OTHER_CONFIGURATION, configuration=OTHER_LIST)
    assert node.did(ClaimFailed)[0].refused == 1
    node.answer(node.calls(Take, "y")[0], released(), Verdict.CHANGED, configuration=None)
    node.wait(2 * LEASE_MS)
    assert len(node.calls(Take)) == 2


def test_a_sitting_leader_overwrites_another_configuration_at_a_fresh_record() -> None:
    """Its take says that it is sitting, which is what lets the instance change its mind."""
    node = Driver()
    node.lead()
    node.prompt = {"x", "y"}
    node.answer("z", fresh(), configuration=OTHER_LIST)
    node.wait(LEASE_MS)
    [take] = node.operations(Take, "z")
    assert take.sitting
    assert node.leads()


def test_a_sitting_leader_goes_on_where_it_is_refused() -> None:
    """One refused renewal costs one vote, not the leadership, and is not repeated in a loop."""
    node = Driver()
    node.lead()
    node.prompt = {"y"}
    began = node.now_ms
    while node.now_ms < began + LEASE_MS // 2:
        node.wait(LEASE_MS // 30)
        if isinstance(node.newest("x").call.operation, Renew):
            node.answer("x", released(9), Verdict.OTHER_CONFIGURATION, configuration=OTHER_LIST)
    assert node.leads()
    assert len(node.calls(Renew, "x")) <= 6
