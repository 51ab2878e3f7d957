"""Rule R4, stop first: lost in its own eyes, struck from the file, grants forgotten; only then released."""

from leader.protocol.calls import Release, Renew, Take, Verdict
from leader.protocol.events import (
    NS_PER_MS,
    Candidate,
    ContentionChanged,
    EndJobs,
    Gained,
    JobsEnded,
    Lost,
    RegistrySeen,
    SaveHolder,
    Send,
    StepDownAsked,
)
from tests.rules.driver import LEASE_MS, Disk, Driver, fresh, held, released

SURE_MS = LEASE_MS * 9 // 10


def order_of_the_end(node: Driver) -> list[str]:
    """The effects from `Lost` on, by name; calls are named after their operation."""
    names = [
        type(effect.call.operation).__name__ if isinstance(effect, Send) else type(effect).__name__
        for effect in node.effects
    ]
    return names[names.index("Lost") :]


def test_a_hand_over_stops_ends_the_jobs_strikes_and_then_releases() -> None:
    """The order of effects is the rule: nothing is released before all else is done."""
    node = Driver()
    node.lead()
    node.handle(StepDownAsked("asked"))
    assert order_of_the_end(node)[:5] == ["Lost", "EndJobs", "SaveHolder", "Release", "Release"]
    assert node.did(SaveHolder)[-1].holders == ()


def test_a_hand_over_names_the_best_ranked_candidate_or_the_one_asked_for() -> None:
    """The successor stands in the release, so that it alone claims at once."""
    for asked_for, expected in ((None, "strong"), ("weak", "weak")):
        node = Driver()
        node.lead()
        seen_at = round(node.now_ms * 1_000_000)
        rivals = [Candidate(name, p, True, True, seen_at) for name, p in (("weak", 50), ("strong", 100))]
        node.handle(RegistrySeen(tuple(rivals)))
        node.handle(StepDownAsked("asked", asked_for))
        assert {release.successor for release in node.operations(Release)} == {expected}


def test_an_expired_leadership_stops_strikes_and_then_releases() -> None:
    """At the deadline the file is rewritten before the first release, too."""
    node = Driver()
    node.lead()
    node.wait(SURE_MS)
    assert order_of_the_end(node)[:4] == ["Lost", "SaveHolder", "Release", "Release"]


def test_a_failed_claim_is_released_whatever_the_file_does() -> None:
    """Its holder never led, so it never stood in the file, and nothing has to be struck."""
    node = Driver()
    node.holder_disk = Disk.FAILS
    holder = node.claim()
    node.wait(LEASE_MS // 4)
    assert not node.did(SaveHolder)
    assert {release.holder for release in node.operations(Release)} == {holder}


def test_a_holder_that_the_file_never_took_is_released_all_the_same() -> None:
    """The file could not be written when it won: nothing there could resume it."""
    node = Driver()
    node.holder_disk = Disk.FAILS
    holder = node.lead()
    node.handle(StepDownAsked("asked"))
    assert {release.holder for release in node.operations(Release)} == {holder}


def told_until_ms(node: Driver) -> float | None:
    """Until when, from now on, whoever cannot ask again may be told that this node leads."""
    tenure, now = node.elector.tenure, round(node.now_ms * NS_PER_MS)
    until = tenure.told_until(now) if tenure is not None else None
    return None if until is None else (until - now) / NS_PER_MS


def test_what_is_told_for_good_is_the_deadline_while_it_leads_and_nothing_else() -> None:
    """A lease file can be read later: so it is told of a holder that is struck before it is released."""
    node = Driver()
    node.jobs_end_at_once = False
    assert told_until_ms(node) is None
    node.lead()
    assert told_until_ms(node) == node.remaining_ms == SURE_MS
    node.pause(SURE_MS)
    assert told_until_ms(node) is None
    for end in (StepDownAsked("asked"), ContentionChanged(allowed=False, reason="paused")):
        node = Driver()
        node.jobs_end_at_once = False
        node.lead()
        node.handle(end)
        assert told_until_ms(node) is None


def test_a_holder_that_the_file_never_took_is_told_to_nobody_who_cannot_ask_again() -> None:
    """It is released without striking it first, so what was told could not be taken back."""
    node = Driver()
    node.holder_disk = Disk.FAILS
    node.lead()
    assert node.leads()
    assert told_until_ms(node) is None


def test_nothing_is_released_before_the_file_is_rewritten() -> None:
    """While the disk is busy, the records stay as they are."""
    node = Driver()
    node.lead()
    node.holder_disk = Disk.HANGS
    node.handle(StepDownAsked("asked"))
    node.wait(3 * LEASE_MS)
    assert not node.leads()
    assert not node.calls(Release)


def test_nothing_is_released_if_the_file_cannot_be_rewritten() -> None:
    """A file that may still name the holder could resume it, so its lease must run out at the instances."""
    node = Driver()
    holder = node.lead()
    node.holder_disk = Disk.FAILS
    node.handle(StepDownAsked("asked"))
    node.wait(LEASE_MS // 3 + 1)
    node.answer_all(held(2, holder))
    assert not node.calls(Release)


def test_a_holder_that_could_not_be_struck_stays_unreleased_while_others_come_and_go() -> None:
    """A claim that fails meanwhile, and is released, does not make it forgotten."""
    node = Driver()
    first = node.lead()
    node.holder_disk = Disk.FAILS
    node.handle(StepDownAsked("asked"))
    node.answer("z", held(3, first))
    node.wait(2 * LEASE_MS)
    assert {take.holder for take in node.operations(Take)} != {first}, "it claimed again"
    node.wait(LEASE_MS // 2)
    node.wait(LEASE_MS // 3)
    node.answer("z", held(3, first))
    assert first not in [release.holder for release in node.operations(Release)]
    assert node.calls(Release), "the failed claim was released"


def test_what_could_not_be_struck_is_released_once_it_is() -> None:
    """When the file was rewritten after all, a record that still names the old holder is given back."""
    node = Driver()
    first = node.lead()
    node.holder_disk = Disk.FAILS
    node.handle(StepDownAsked("asked"))
    node.holder_disk = Disk.WORKS
    node.answer_all(released(9), "x", "y")
    node.wait(LEASE_MS)
    node.answer_all(released(10), "x", "y")
    for name in ("x", "y"):
        node.grant(name)
    assert node.leads()
    node.answer("z", held(3, first))
    assert first in [release.holder for release in node.operations(Release, "z")]


def test_it_stops_being_leader_in_the_moment_it_hands_over() -> None:
    """No answer is yes while the jobs are being ended, although the lease would still be sure."""
    node = Driver()
    node.jobs_end_at_once = False
    node.lead()
    node.handle(StepDownAsked("asked"))
    assert not node.leads()
    assert node.remaining_ms == 0
    assert len(node.did(Lost)) == 1


def test_nothing_is_released_before_the_jobs_have_ended() -> None:
    """The release waits for the jobs' process groups, and nothing is renewed meanwhile."""
    node = Driver()
    node.jobs_end_at_once = False
    holder = node.lead()
    node.handle(StepDownAsked("asked"))
    node.wait(LEASE_MS // 2)
    assert not node.calls(Release)
    assert not node.calls(Renew)
    node.handle(JobsEnded(holder.term))
    assert {release.holder for release in node.operations(Release)} == {holder}


def test_jobs_that_do_not_end_are_waited_for_until_the_deadline() -> None:
    """At the deadline the jobs are gone in any case, so the release goes out then."""
    node = Driver()
    node.jobs_end_at_once = False
    node.lead()
    node.handle(StepDownAsked("asked"))
    node.wait(SURE_MS - 1)
    assert not node.calls(Release)
    node.wait(1)
    assert len(node.calls(Release)) == 2


def test_the_end_of_another_terms_jobs_releases_nothing() -> None:
    """A late confirmation for an earlier leadership is not one for this."""
    node = Driver()
    node.jobs_end_at_once = False
    holder = node.lead()
    node.handle(StepDownAsked("asked"))
    node.handle(JobsEnded(holder.term - 1))
    assert not node.calls(Release)


def test_a_late_grant_does_not_revive_a_released_holder() -> None:
    """A renewal's answer that arrives after the release is an observation only."""
    node = Driver()
    node.lead()
    node.wait(LEASE_MS // 3 + 1)
    late = [node.calls(Renew, name)[0] for name in ("x", "y")]
    node.handle(StepDownAsked("asked"))
    for asked in late:
        node.grant(asked)
    assert not node.leads()
    assert len(node.did(Gained)) == 1


def test_a_late_grant_does_not_revive_a_holder_whose_deadline_passed() -> None:
    """Answers that arrive together after a pause, the newest sendings among them, come too late."""
    node = Driver()
    node.lead()
    node.wait(SURE_MS - 1)
    late = [node.calls(Renew, name)[-1] for name in ("x", "y")]
    node.pause(1)
    for asked in late:
        node.grant(asked)
        assert not node.leads()
    assert len(node.did(Lost)) == 1


def test_a_holder_is_never_claimed_again() -> None:
    """Each claim has a holder of its own, so that a late release of one does not end another."""
    node = Driver()
    node.lead()
    node.wait(SURE_MS)
    node.answer_all(released(9), "x", "y")
    node.wait(LEASE_MS)
    holders = [take.holder for take in node.operations(Take)]
    assert len(set(holders)) >= 2
    for release in node.operations(Release):
        assert release.holder in holders


def test_a_release_that_was_lost_is_sent_again_when_the_record_shows_it() -> None:
    """A record that still names a struck holder of this incarnation is released on sight, once per answer."""
    node = Driver()
    holder = node.lead()
    node.handle(StepDownAsked("asked"))
    for asked in node.calls(Release):
        node.miss(asked)
    assert node.settled()
    node.wait(LEASE_MS // 3 + 1)
    node.answer("x", held(2, holder))
    assert [release.holder for release in node.operations(Release, "x")] == [holder, holder]
    assert not node.settled()
    node.answer("x", released(3, holder), Verdict.GRANTED)
    assert node.settled()


def test_another_incarnations_record_is_not_released() -> None:
    """A holder that was never this process's own is left alone: it is resumed by its file, or watched."""
    node = Driver()
    holder = node.claim()
    for name in ("x", "y"):
        node.answer(node.calls(Take, name)[0], released(5), Verdict.CHANGED)
    releases = len(node.calls(Release))
    stranger = type(holder)(holder.node, "an earlier start", holder.term)
    node.answer("z", held(9, stranger))
    assert len(node.calls(Release)) == releases


def test_a_node_that_may_not_contend_any_more_hands_over() -> None:
    """Paused, unfit or stopping: the leader gives up in the same order, and claims no more."""
    node = Driver()
    node.lead()
    node.handle(ContentionChanged(allowed=False, reason="paused"))
    assert order_of_the_end(node)[:4] == ["Lost", "EndJobs", "SaveHolder", "Release"]
    node.answer_all(released(9))
    node.wait(2 * LEASE_MS)
    assert len(node.calls(Take)) == 2


def test_a_claim_under_way_is_given_up_by_a_node_that_may_not_contend_any_more() -> None:
    """What was asked for is released, and late grants do not make a leader."""
    node = Driver()
    node.claim()
    node.handle(ContentionChanged(allowed=False, reason="paused"))
    assert len(node.calls(Release)) == 2
    node.grant("x")
    node.grant("y")
    assert not node.leads()


def test_jobs_are_told_to_end_with_their_term() -> None:
    """Only the jobs of this leadership are meant."""
    node = Driver()
    holder = node.lead()
    node.handle(StepDownAsked("asked"))
    assert node.did(EndJobs) == [EndJobs(holder.term)]


def test_the_release_goes_to_every_instance_that_was_ever_asked() -> None:
    """An instance that was taken later as a sitting leader gets the release too, whatever it answered."""
    node = Driver()
    holder = node.lead()
    node.prompt = {"x", "y"}
    node.answer("z", fresh())
    node.wait(LEASE_MS)
    assert node.calls(Take, "z")
    node.handle(StepDownAsked("asked"))
    assert [(r.instance, r.call.operation) for r in node.calls(Release)] == [
        (name, Release(holder)) for name in ("x", "y", "z")
    ]
