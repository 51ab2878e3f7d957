"""Who makes room for whom: only for a stable candidate, and ever more rarely when that comes to nothing."""

from dataclasses import replace

from leader.protocol.calls import Release, Take
from leader.protocol.events import NS_PER_MS, Candidate, Cause, Gained, Lost, RegistrySeen, StepDownAsked
from leader.protocol.record import Holder
from tests.rules.driver import IDENTITY, LEASE_MS, Driver, held, released

DELAY_MS = 3 * LEASE_MS
BEAT_MS = LEASE_MS // 3
PREEMPTS = replace(IDENTITY, preempt=True, preempt_delay_ms=DELAY_MS)
BETTER = Candidate("b", 200, contends=True, sees_majority=True, seen_at=0, incarnation="b-1")


def leading() -> Driver:
    """A leader that makes room, on instances that answer every renewal at once."""
    node = Driver(PREEMPTS)
    node.prompt = {"x", "y"}
    node.lead()
    return node


def live(node: Driver, duration_ms: float, *others: Candidate) -> None:
    """Let time pass, while the registry shows these others once a beat."""
    end = node.now_ms + duration_ms
    while node.now_ms < end:
        now = round(node.now_ms * NS_PER_MS)
        node.handle(RegistrySeen(tuple(replace(other, seen_at=now) for other in others)))
        node.wait(min(BEAT_MS, end - node.now_ms))
    now = round(node.now_ms * NS_PER_MS)
    node.handle(RegistrySeen(tuple(replace(other, seen_at=now) for other in others)))


def take_back(node: Driver) -> None:
    """Let the records stay released until this node claims them again, and grant that."""
    claims = len(node.calls(Take))
    sequence = len(node.asked) + 10
    for name in ("x", "y"):
        node.notice(name, released(sequence, node.did(Lost)[-1].holder, successor="b"))
    while len(node.calls(Take)) == claims:
        node.wait(100)
    node.grant("x")
    node.grant("y")
    assert node.leads()


def time_to_make_room(node: Driver) -> float:
    """How long this leader goes on leading while a better node is there, in milliseconds."""
    began, preempted = node.now_ms, len(node.did(Lost))
    while len(node.did(Lost)) == preempted:
        live(node, BEAT_MS, BETTER)
        assert node.now_ms < began + 20 * DELAY_MS, "it never makes room"
    return node.now_ms - began


def test_a_leader_makes_room_for_a_better_node_that_was_stable() -> None:
    """It says why in one word, and its release names that node."""
    node = leading()
    live(node, DELAY_MS - 1, BETTER)
    assert node.leads()
    live(node, 1, BETTER)
    assert [lost.cause for lost in node.did(Lost)] == [Cause.PREEMPTED]
    assert {release.successor for release in node.operations(Release)} == {"b"}


def test_only_a_node_of_a_strictly_higher_priority_that_can_lead_is_made_room_for() -> None:
    """However long it has been there."""
    for other in (
        replace(BETTER, priority=100),
        replace(BETTER, contends=False),
        replace(BETTER, sees_majority=False),
    ):
        node = leading()
        live(node, 2 * DELAY_MS, other)
        assert node.leads()


def test_nobody_makes_room_that_was_not_told_to() -> None:
    """Without `preempt` a priority counts at elections only."""
    node = Driver()
    node.prompt = {"x", "y"}
    node.lead()
    live(node, 2 * DELAY_MS, BETTER)
    assert node.leads()


def test_a_break_begins_the_wait_anew() -> None:
    """A restart, a while unable to lead, or a lease unseen."""
    for broken in (
        [replace(BETTER, incarnation="b-2")],
        [replace(BETTER, contends=False), BETTER],
        [replace(BETTER, sees_majority=False), BETTER],
    ):
        node = leading()
        live(node, DELAY_MS - BEAT_MS, BETTER)
        for other in broken:
            live(node, BEAT_MS, other)
        live(node, DELAY_MS - 2 * BEAT_MS, broken[-1])
        assert node.leads()
        live(node, 3 * BEAT_MS, broken[-1])
        assert not node.leads()


def test_a_node_that_nobody_showed_for_a_lease_begins_anew() -> None:
    """Nothing is known of what it did meanwhile."""
    node = leading()
    live(node, DELAY_MS - LEASE_MS, BETTER)
    node.wait(LEASE_MS)
    live(node, DELAY_MS - BEAT_MS, BETTER)
    assert node.leads()
    live(node, BEAT_MS, BETTER)
    assert not node.leads()


def test_who_has_just_begun_to_lead_does_not_make_room_at_once() -> None:
    """Though the better node was there all the time: an operator may have moved it on purpose."""
    node = Driver(PREEMPTS)
    node.prompt = {"x", "y"}
    live(node, 2 * DELAY_MS, BETTER)
    node.lead()
    live(node, DELAY_MS - 1, BETTER)
    assert node.leads()
    live(node, 1, BETTER)
    assert not node.leads()


def test_each_preemption_that_comes_to_nothing_doubles_the_wait() -> None:
    """The successor did not claim, and this node had to take it back."""
    node = leading()
    waits = [time_to_make_room(node)]
    for _ in range(3):
        take_back(node)
        waits.append(time_to_make_room(node))
    for number, wait in enumerate(waits):
        assert DELAY_MS << number <= wait <= (DELAY_MS << number) + 2 * BEAT_MS, waits


def test_a_successor_that_stays_ends_the_doubling_and_one_that_goes_does_not() -> None:
    """It has to lead still when the pause is over."""
    for stays, expected in ((True, DELAY_MS), (False, 4 * DELAY_MS)):
        node = leading()
        time_to_make_room(node)
        take_back(node)
        time_to_make_room(node)
        theirs = Holder("b", "b-1", node.did(Lost)[-1].holder.term + 1)
        leads_for = 2 * DELAY_MS + LEASE_MS if stays else LEASE_MS
        for number in range(leads_for // BEAT_MS):
            for name in ("x", "y"):
                node.notice(name, held(10_000 + number, theirs))
            live(node, BEAT_MS, BETTER)
        if stays:
            node.notice("x", released(20_000, theirs))
            node.notice("y", released(20_000, theirs))
        while not node.leads():
            claims = len(node.calls(Take))
            while len(node.calls(Take)) == claims:
                node.wait(100)
            node.grant("x")
            node.grant("y")
        assert expected <= time_to_make_room(node) <= expected + 2 * BEAT_MS


def test_who_made_room_may_lead_again_as_soon_as_the_others_and_who_was_asked_to_rests() -> None:
    """Nobody would lead for a lease otherwise, where these two are alone."""
    node = leading()
    time_to_make_room(node)
    lost_at = node.now_ms
    take_back(node)
    assert node.now_ms - lost_at <= LEASE_MS / 10 + 500
    node.handle(StepDownAsked("asked", "b"))
    lost_at = node.now_ms
    take_back(node)
    assert node.now_ms - lost_at >= LEASE_MS


def test_a_successor_does_not_rest() -> None:
    """It has stepped down a moment ago, and is named by the one who leads now."""
    node = leading()
    node.handle(StepDownAsked("asked", "b"))
    theirs = Holder("b", "b-1", node.did(Lost)[-1].holder.term + 1)
    gained = len(node.did(Gained))
    for name in ("x", "y"):
        node.notice(name, released(20_000, theirs, successor="a"))
    node.grant("x")
    node.grant("y")
    assert len(node.did(Gained)) == gained + 1


def test_a_node_that_does_not_lead_does_not_rest_after_a_step_down() -> None:
    """There is nothing that it would give up."""
    node = Driver()
    node.handle(StepDownAsked("asked"))
    node.lead()
