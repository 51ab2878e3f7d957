"""Rule R2, claim: Q takeable records, a term above all that were seen, and a quarter of a lease to win."""

from dataclasses import replace

import pytest

from leader.protocol.calls import Release, Take, Verdict
from leader.protocol.events import ClaimFailed, Gained
from leader.protocol.quorum import Voters
from tests.rules.driver import IDENTITY, LEASE_MS, OTHER, WALL_MS, Driver, fresh, held, released

TEN_YEARS_MS = 10 * 366 * 24 * 3600 * 1000


def test_fewer_takeable_records_than_a_majority_are_not_claimed() -> None:
    """One released record of three opens nothing."""
    node = Driver()
    node.answer("x", released())
    node.answer_all(held(), "y", "z")
    node.wait(LEASE_MS // 2)
    assert not node.calls(Take)


def test_an_instance_that_does_not_answer_is_not_counted_on() -> None:
    """A record that stood for a lease at an instance that is silent now does not open an election."""
    node = Driver()
    node.answer_all(fresh(), "x", "y")
    node.wait(LEASE_MS // 2)
    node.miss("y")
    node.wait(LEASE_MS)
    assert not node.calls(Take)


def test_half_of_the_grants_are_no_majority() -> None:
    """Two grants of four do not make a leader, three do."""
    names = ("x", "y", "z", "w")
    node = Driver(replace(IDENTITY, voters=Voters((names,))))
    node.answer_all(released(), "x", "y", "z")
    node.grant("x")
    node.grant("y")
    assert not node.leads()
    node.grant("z")
    assert node.leads()


def test_the_term_is_above_every_term_that_was_seen() -> None:
    """The highest term of any record counts, also one that no record of a claimed instance shows."""
    seen = WALL_MS + 500
    node = Driver()
    node.answer("z", held(term=seen))
    assert node.claim().term == seen + 1


def test_the_term_is_the_lower_median_of_the_instances_clocks() -> None:
    """Of four clocks the second lowest is taken: half of them running fast do not carry the term away."""
    names = ("x", "y", "z", "w")
    node = Driver(replace(IDENTITY, voters=Voters((names,))))
    for name, wall_ms in zip(names, (WALL_MS + 9000, WALL_MS, WALL_MS + 5000, WALL_MS + 1000), strict=True):
        node.answer(name, fresh(), wall_ms=wall_ms)
    node.wait(LEASE_MS)
    assert node.operations(Take)[0].holder.term == WALL_MS + 1000


def test_it_leads_as_soon_as_a_majority_granted() -> None:
    """The first Q grants of one claim make the leader; the others are not waited for."""
    node = Driver()
    node.answer_all(fresh())
    node.wait(LEASE_MS)
    node.grant("z")
    assert not node.leads()
    node.grant("x")
    assert node.leads()
    assert len(node.did(Gained)) == 1


def test_grants_of_two_claims_do_not_add_up() -> None:
    """A late grant of an earlier claim is no vote for the present one: the term is another."""
    node = Driver()
    node.claim()
    early = node.calls(Take, "x")[0]
    node.miss("x")
    node.answer_all(released(9), "x", "y")
    node.wait(LEASE_MS)
    assert len(node.calls(Take, "y")) > 1, "it claimed again"
    node.grant("y")
    node.grant(early)
    assert not node.leads()


def test_a_claim_that_does_not_win_in_time_is_released_everywhere() -> None:
    """After a quarter of a lease every instance that was asked gets a release, known or not."""
    node = Driver()
    node.answer_all(fresh())
    node.wait(LEASE_MS)
    node.grant("x")
    node.wait(LEASE_MS // 4)
    assert [asked.instance for asked in node.calls(Release)] == ["x", "y", "z"]
    assert node.did(ClaimFailed)[0].granted == 1


def test_a_majority_that_comes_too_late_does_not_win() -> None:
    """A claim is over after a quarter of a lease, even if the missing grant arrives just then."""
    node = Driver()
    node.claim()
    node.grant("x")
    node.pause(LEASE_MS // 4)
    node.grant("y")
    assert not node.leads()
    assert node.calls(Release, "y")


def test_a_claim_that_can_no_longer_win_is_given_up_at_once() -> None:
    """Refusals of so many that a majority is out of reach end the claim, so that another may win."""
    node = Driver()
    node.claim()
    node.answer(node.calls(Take, "x")[0], held(9), Verdict.CHANGED)
    assert node.did(ClaimFailed)
    assert [asked.instance for asked in node.calls(Release)] == ["x", "y"]


def test_an_instance_that_releases_while_a_claim_is_on_its_way_is_asked_too() -> None:
    """A majority was enough to begin; who comes a moment later may vote in the place of one that is slow."""
    node = Driver()
    node.answer_all(held(1))
    for name in ("x", "y", "z"):
        node.notice(name, released(2, successor="a"))
    takes = node.calls(Take)
    assert [asked.instance for asked in takes] == ["x", "y", "z"]
    assert len({take.holder for take in node.operations(Take)}) == 1
    node.notice("z", released(3, successor="a"))
    assert len(node.calls(Take)) == 3
    node.grant(takes[0])
    node.grant(takes[2])
    assert node.leads()


def test_an_instance_that_releases_a_higher_term_is_not_asked_for_a_vote() -> None:
    """It would refuse; what it shows counts for the next claim."""
    node = Driver()
    node.answer_all(held(1))
    node.notice("x", released(2, successor="a"))
    node.notice("y", released(2, successor="a"))
    (term,) = {take.holder.term for take in node.operations(Take)}
    node.notice("z", released(2, replace(OTHER, term=term), successor="a"))
    assert not node.calls(Take, "z")


def test_an_instance_that_is_silent_is_not_asked_for_a_vote_when_it_is_heard_to_release() -> None:
    """It published that, and does not answer."""
    node = Driver()
    node.answer_all(held(1))
    node.wait(LEASE_MS // 3)
    node.miss("z")
    for name in ("x", "y", "z"):
        node.notice(name, released(2, successor="a"))
    assert [asked.instance for asked in node.calls(Take)] == ["x", "y"]


def test_it_backs_off_before_it_claims_again() -> None:
    """After a failed claim the next one comes after a random pause, not in the same moment."""
    node = Driver()
    node.claim()
    for name in ("x", "y"):
        node.answer(node.calls(Take, name)[0], released(9), Verdict.CHANGED)
    assert len(node.calls(Take)) == 2
    node.wait(LEASE_MS // 2)
    assert len(node.calls(Take)) > 2


@pytest.mark.parametrize("first", [True, False], ids=["answers first", "answers last"])
def test_a_term_more_than_ten_years_ahead_is_not_believed(*, first: bool) -> None:
    """One liar, whatever clock it shows and whenever it answers, cannot raise the term out of reach."""
    far = WALL_MS + 2 * TEN_YEARS_MS
    node = Driver()
    honest = ("x", "y")
    if not first:
        node.answer_all(fresh(), *honest)
    node.answer("z", held(term=far), wall_ms=far)
    if first:
        node.answer_all(fresh(), *honest)
    node.wait(LEASE_MS)
    takes = node.calls(Take)
    assert {asked.instance for asked in takes} == {"x", "y"}, "the liar does not vote"
    assert all(take.holder.term < WALL_MS + TEN_YEARS_MS for take in node.operations(Take))
    assert all(asked.call.known_term < far for asked in node.asked)
