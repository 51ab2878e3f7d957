"""Whose majorities must agree, and which steps of a change may share a quorum."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leader.protocol.calls import Configuration
from leader.protocol.quorum import Grant, Voters

LEASE_MS = 1000
LIST = st.lists(st.sampled_from("stuvwxyz"), min_size=1, max_size=5, unique=True).map(tuple)


def subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Every choice of them."""
    return [chosen for size in range(len(names) + 1) for chosen in combinations(names, size)]


def agreeing(voters: Voters) -> list[set[str]]:
    """Every set of instances that is a quorum, each its own process."""
    choices = subsets(voters.instances)
    return [set(names) for names in choices if voters.agree({name: f"of {name}" for name in names})]


@given(LIST, LIST)
def test_the_quorums_of_two_neighbouring_steps_share_an_instance(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """Whatever the two lists have in common: which is all that a change stands on."""
    joint = agreeing(Voters((after, before)))
    for alone in (before, after):
        assert all(one & other for one in joint for other in agreeing(Voters((alone,))))
    assert all(one & other for one, other in combinations(joint, 2))


@given(LIST, LIST, st.data())
def test_a_joint_deadline_is_the_earlier_one_and_a_joint_opening_the_later(
    before: tuple[str, ...], after: tuple[str, ...], data: st.DataObject
) -> None:
    """None where one list has too few."""
    voters = Voters((after, before))
    moments = data.draw(st.dictionaries(st.sampled_from(voters.instances), st.integers(0, 10**9)))
    grants = {name: Grant(f"of {name}", at) for name, at in moments.items()}
    openings = {name: (f"of {name}", at) for name, at in moments.items()}
    alone = [Voters((names,)) for names in voters.lists]
    ends = [one.deadline(grants, LEASE_MS) for one in alone]
    begins = [one.opening(openings) for one in alone]
    joint_end, joint_begin = voters.deadline(grants, LEASE_MS), voters.opening(openings)
    assert joint_end == (None if None in ends else min(end for end in ends if end is not None))
    assert joint_begin == (None if None in begins else max(at for at in begins if at is not None))


@given(LIST, LIST, st.data())
def test_what_can_be_spared_is_the_largest_number_that_may_fail_whichever_they_are(
    before: tuple[str, ...], after: tuple[str, ...], data: st.DataObject
) -> None:
    """One more, chosen badly, leaves no majority."""
    voters = Voters((after, before))
    names = set(data.draw(st.lists(st.sampled_from(voters.instances), unique=True)))
    spare = voters.spare(names)

    def survives(failed: tuple[str, ...]) -> bool:
        return voters.agree({name: f"of {name}" for name in names - set(failed)})

    assert (spare >= 0) == survives(())
    if spare >= 0:
        losses = subsets(tuple(names))
        assert all(survives(failed) for failed in losses if len(failed) <= spare)
        assert not all(survives(failed) for failed in losses if len(failed) == spare + 1)


SETTLED = Configuration(1, "old", 10_000)
BEGUN = Configuration(2, "new", 5_000, "old", 10_000)
ENDED = Configuration(3, "new", 5_000)


@pytest.mark.parametrize(
    ("one", "other", "beside"),
    [
        (SETTLED, BEGUN, True),
        (BEGUN, ENDED, True),
        (SETTLED, ENDED, False),
        (SETTLED, SETTLED, False),
        (Configuration(1, "other", 10_000), BEGUN, False),
        (Configuration(1, "old", 9_000), BEGUN, False),
        (Configuration(3, "other", 5_000), BEGUN, False),
        (Configuration(3, "new", 10_000), BEGUN, False),
        (Configuration(3, "old", 10_000), BEGUN, False),
        (Configuration(2, "new", 5_000), SETTLED, False),
        (Configuration(3, "newer", 5_000, "new", 5_000), BEGUN, False),
    ],
)
def test_only_neighbouring_steps_of_one_change_may_share_a_quorum(
    one: Configuration,
    other: Configuration,
    beside: bool,  # noqa: FBT001  # as pytest passes it
) -> None:
    """In either order: generation, list and lease must follow each other."""
    assert (one.is_beside(other), other.is_beside(one)) == (beside, beside)


def test_while_the_lease_changes_the_shorter_one_is_held_and_the_longer_one_watched() -> None:
    """Whether it grows or shrinks."""
    assert (BEGUN.held_lease_ms, BEGUN.watched_lease_ms) == (5_000, 10_000)
    grows = Configuration(2, "new", 20_000, "old", 10_000)
    assert (grows.held_lease_ms, grows.watched_lease_ms) == (10_000, 20_000)
    assert (ENDED.held_lease_ms, ENDED.watched_lease_ms) == (5_000, 5_000)
