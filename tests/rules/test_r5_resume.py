"""Rule R5, resume: the same term goes on after a restart if the file is of here and Q still name it."""

from dataclasses import asdict, replace

import pytest

from leader.protocol.calls import Observe, Release, Renew, Resume, Take, Verdict
from leader.protocol.events import ClaimFailed, ContentionChanged, Gained, SaveHolder, Send, StepDownAsked
from leader.protocol.record import Holder
from leader.protocol.resume import Place, resumable, write
from tests.rules.driver import CONFIGURATION, IDENTITY, LEASE_MS, OTHER, Disk, Driver, fresh, held

OLD = Holder("a", "a-0", 42)
NEW = Holder("a", "a-1", 42)
HERE = Place("this boot", "this machine", "8:1234", "prod", "a", CONFIGURATION)


def restarted(*, holder_disk: Disk = Disk.WORKS) -> Driver:
    """An agent that found its earlier incarnation's holder in the file."""
    return Driver(resumable=(OLD,), highest_term=42, holder_disk=holder_disk)


def test_the_file_of_this_place_is_resumed() -> None:
    """What was written here is read here."""
    assert resumable(write(HERE, {"default": (OLD,)}), HERE) == {"default": (OLD,)}


@pytest.mark.parametrize(
    "there",
    [
        replace(HERE, boot="another boot"),
        replace(HERE, machine="another machine"),
        replace(HERE, directory="8:9999"),
        replace(HERE, cluster="test"),
        replace(HERE, node="b"),
        replace(HERE, configuration=replace(CONFIGURATION, fingerprint="another list")),
        replace(HERE, configuration=replace(CONFIGURATION, lease_ms=1)),
        replace(HERE, configuration=replace(CONFIGURATION, generation=2)),
        replace(HERE, configuration=replace(CONFIGURATION, previous="the list before")),
    ],
    ids=lambda there: next(name for name, value in asdict(HERE).items() if asdict(there)[name] != value),
)
def test_a_file_of_another_place_is_not_resumed(there: Place) -> None:
    """Another boot, machine, directory, cluster, node or configuration: nothing of it is used."""
    assert resumable(write(there, {"default": (OLD,)}), HERE) == {}


def test_both_incarnations_are_on_disk_before_the_first_resume_is_sent() -> None:
    """While the file is being written, the records are only observed."""
    node = restarted(holder_disk=Disk.HANGS)
    assert node.did(SaveHolder) == [SaveHolder((OLD, NEW))]
    node.answer_all(held(5, OLD))
    node.wait(LEASE_MS)
    assert not node.calls(Resume)
    assert not node.calls(Take)


def test_q_grants_continue_the_leadership_with_the_same_term() -> None:
    """Where a majority still names the old holder, nobody else can have led since."""
    node = restarted()
    node.answer_all(held(5, OLD))
    assert node.operations(Resume)[0] == Resume(OLD, "a-1", LEASE_MS)
    node.grant("x")
    assert not node.leads()
    node.grant("y")
    assert node.leads()
    assert node.did(Gained) == [Gained(NEW, resumed=True)]
    assert node.did(SaveHolder)[-1].holders == (NEW,)


def test_a_leadership_is_resumed_even_if_its_deadline_passed_meanwhile() -> None:
    """How long the agent was gone does not matter, only that the records did not change hands."""
    node = restarted()
    node.pause(0.9 * LEASE_MS)
    node.answer_all(held(5, OLD))
    for name in ("x", "y"):
        node.grant(name)
    assert node.leads()


def test_a_resumed_lease_counts_from_the_sending_of_the_resume() -> None:
    """The old grants are not known any more, so only the new ones count."""
    node = restarted()
    node.answer_all(held(5, OLD))
    sent_ms = node.now_ms
    node.wait(100)
    node.grant("x")
    node.grant("y")
    assert node.remaining_ms == sent_ms + 0.9 * LEASE_MS - 100


def test_a_holder_that_lost_the_majority_is_not_resumed() -> None:
    """Two records that name another make the attempt hopeless; it ends without a leader."""
    node = restarted()
    node.answer("x", held(5, OLD))
    node.answer_all(held(8, OTHER), "y", "z")
    node.grant("x")
    assert not node.leads()
    assert node.did(ClaimFailed)


def test_a_fresh_record_is_no_vote_for_a_resume() -> None:
    """An instance that forgot the old holder is not taken back without a watch."""
    node = restarted()
    node.answer("x", held(5, OLD))
    node.answer_all(fresh(), "y", "z")
    assert not node.calls(Resume, "y")
    assert not node.calls(Take)


def test_a_resume_whose_answer_was_lost_still_counts_once_the_record_shows_it() -> None:
    """A second resume is refused, for the record names the new incarnation already: a renewal then wins."""
    node = restarted()
    node.answer_all(held(5, OLD))
    node.wait(LEASE_MS // 10)
    for name in ("x", "y"):
        assert len(node.calls(Resume, name)) == 2
        node.answer(node.calls(Resume, name)[-1], held(6, NEW), Verdict.NOT_HOLDER)
    assert not node.did(ClaimFailed)
    node.renew("x", "y")
    assert node.leads()


def test_a_second_restart_resumes_what_the_first_had_begun() -> None:
    """A record may name either earlier incarnation; both go on to the newest."""
    first, second = Holder("a", "a-0", 42), Holder("a", "a-1", 42)
    node = Driver(replace(IDENTITY, incarnation="a-2"), resumable=(first, second))
    assert node.did(SaveHolder)[0].holders == (first, second, Holder("a", "a-2", 42))
    node.answer("x", held(5, first))
    node.answer("y", held(6, second))
    assert [resume.holder for resume in node.operations(Resume)] == [first, second]
    node.grant("x")
    node.grant("y")
    assert node.leads()


def test_a_resumed_leader_renews_under_its_new_name() -> None:
    """The old incarnation's late calls do not match the record any more."""
    node = restarted()
    node.answer_all(held(5, OLD))
    node.grant("x")
    node.grant("y")
    node.wait(LEASE_MS // 3)
    assert {renew.holder for renew in node.operations(Renew, "x")} == {NEW}


def test_nothing_is_resumed_if_the_file_cannot_be_rewritten() -> None:
    """Without both incarnations on disk, the holder is left to run out."""
    node = restarted(holder_disk=Disk.FAILS)
    node.answer_all(held(5, OLD))
    node.wait(LEASE_MS - 1)
    assert not node.calls(Resume)
    assert {type(asked.call.operation) for asked in node.asked} == {Observe}


def test_a_resumed_holder_is_struck_before_its_release_though_the_file_was_not_rewritten_since() -> None:
    """The file still names both incarnations then, and a third could resume either."""
    node = restarted()
    node.answer_all(held(5, OLD))
    node.holder_disk = Disk.FAILS
    node.grant("x")
    node.grant("y")
    assert node.leads()
    node.handle(StepDownAsked("asked"))
    assert node.did(SaveHolder)[-1] == SaveHolder(())
    assert not node.calls(Release)


def test_an_observer_resumes_only_to_hand_over() -> None:
    """A node whose priority was set to 0 answers no after its restart, and nobody waits for its lease."""
    node = Driver(replace(IDENTITY, priority=0), resumable=(OLD,))
    node.answer_all(held(5, OLD))
    for name in ("x", "y"):
        node.grant(node.calls(Resume, name)[0])
        assert not node.leads()
    assert {release.holder for release in node.operations(Release)} == {NEW}
    assert node.did(SaveHolder)[-1].holders == ()


@pytest.mark.parametrize("end", ["hopeless", "paused"])
def test_a_resume_that_fails_releases_nothing_while_the_old_deadline_may_stand(end: str) -> None:
    """Jobs of the earlier incarnation run until its deadline, which is at most 0.9 lease after its death."""
    node = restarted()
    node.answer("x", held(5, OLD))
    node.grant("x")
    if end == "hopeless":
        node.answer_all(fresh(), "y", "z")
    else:
        node.handle(ContentionChanged(allowed=False, reason="paused"))
    assert node.did(ClaimFailed)
    node.wait(0.9 * LEASE_MS - 1)
    assert not node.calls(Release)
    assert not node.calls(Take)
    node.wait(0.1 * LEASE_MS + 1)
    assert {release.holder for release in node.operations(Release)} == {NEW}


def test_a_resume_that_failed_ends_with_the_file_struck_before_the_releases() -> None:
    """The rule of giving up holds for a resumed holder too."""
    node = restarted()
    node.answer("x", held(5, OLD))
    node.answer_all(held(8, OTHER), "y", "z")
    node.wait(LEASE_MS)
    strike = node.effects.index(SaveHolder(()))
    releases = [
        position
        for position, effect in enumerate(node.effects)
        if isinstance(effect, Send) and isinstance(effect.call.operation, Release)
    ]
    assert releases
    assert strike < min(releases)
