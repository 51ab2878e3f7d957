"""Defects elsewhere that left a cluster without a leader: none of them is here.

Each docstring names where it was told. What only processes and real servers can show is in the
integration tests, under the same names.
"""

from dataclasses import replace
from random import Random

from leader.agent import view
from leader.config.quorum import DEFAULT_LEASE_MS
from leader.protocol.calls import Observe, Release, Renew, Take, Verdict
from leader.protocol.events import (
    NS_PER_MS,
    Candidate,
    ClaimFailed,
    Gained,
    Lost,
    RegistrySeen,
)
from tests.rules.driver import IDENTITY, LEASE_MS, OTHER, Driver, fresh, held, released

BEAT_MS = LEASE_MS / 3
SURE_MS = LEASE_MS * 9 // 10


def now_ns(node: Driver) -> int:
    """The node's clock, as the view wants it."""
    return round(node.now_ms * NS_PER_MS)


def test_failed_renewals_do_not_give_up_a_lease_that_is_valid() -> None:
    """A renewal that fails is tried again at once, and the last try before the deadline saves the leadership.

    Source: redlock-rb, aioredlock.
    """
    node = Driver()
    node.lead()
    while node.now_ms < SURE_MS - LEASE_MS / 10:
        node.wait(LEASE_MS / 10)
        for name in ("x", "y"):
            node.miss(node.newest(name))
        assert node.leads()
    assert len(node.calls(Renew, "x")) >= 5
    node.renew("x", "y")
    node.wait_until(SURE_MS + 1)
    assert node.leads()


def test_a_restarted_instance_is_voted_in_again() -> None:
    """After a lease it is taken by the leader who sits, so that the next failure costs nothing.

    Source: redsync#147.
    """
    node = Driver()
    holder = node.lead()
    node.prompt = {"x", "y"}
    node.answer("z", fresh(process="restarted"))
    node.wait(LEASE_MS)
    assert node.calls(Take, "z"), "it is taken once it was watched"
    node.grant("z", process="restarted")
    node.prompt = {"y", "z"}
    node.wait(2 * LEASE_MS)
    assert node.leads()
    assert node.calls(Take, "z")[-1].call.operation.holder == holder  # type: ignore[union-attr]


def test_after_a_failure_it_contends_again() -> None:
    """A claim that failed is followed by another, with a higher term, and that one wins.

    Source: kuberhealthy#1533.
    """
    node = Driver()
    failed = node.claim()
    for name in ("x", "y"):
        node.answer(node.calls(Take, name)[-1], released(2), Verdict.CHANGED)
    assert node.did(ClaimFailed)
    for name in ("x", "y"):
        node.answer(node.calls(Release, name)[-1], released(2), Verdict.NOT_HOLDER)
    node.wait(LEASE_MS)
    node.grant("x")
    node.grant("y")
    assert node.leads()
    assert node.did(Gained)[-1].holder.term > failed.term


def test_a_dead_instance_delays_no_round() -> None:
    """The others are asked at their time, whether it answers or not.

    Source: redlock-py (3.4 s, and both keys leaked), redsync#140, redlock-rb#129.
    """
    node = Driver()
    node.lead()
    node.prompt = {"x", "y"}
    for _ in range(12):
        node.wait(BEAT_MS)
        node.miss("z")
    sent = [asked.sent_ms for asked in node.calls(Renew, "x")]
    assert sent == [BEAT_MS * (beat + 1) for beat in range(12)]


def test_a_new_process_does_not_wait_when_nothing_is_held() -> None:
    """What is released is taken in the moment it is seen.

    Only a quorum that never had a leader is watched for a lease: it looks like one that forgot (rule R1).

    Source: client-go#448.
    """
    node = Driver()
    node.answer_all(released())
    assert node.now_ms == 0
    assert len(node.calls(Take)) >= 2


def first_claim_ms(name: str, names: str) -> float:
    """When this one of so many nodes claims an election that opens now."""
    node = Driver(replace(IDENTITY, node=name, incarnation=f"{name}-1"))
    rivals = [
        Candidate(other, 100, contends=True, sees_majority=True, seen_at=0)
        for other in names
        if other != name
    ]
    node.handle(RegistrySeen(tuple(rivals)))
    node.answer_all(released())
    node.wait(LEASE_MS / 5)
    return node.calls(Take)[0].sent_ms


def test_contenders_do_not_all_claim_at_once() -> None:
    """When an election opens, they take their turn: one at once, the others a step after each other.

    Source: consul#9469.
    """
    names = "abcdefgh"
    moments = sorted(first_claim_ms(name, names) for name in names)
    assert moments == [10 * place for place in range(len(names))]


def second_claim_ms(seed: int) -> float:
    """When a node of that luck claims again, after its first claim was refused everywhere."""
    node = Driver()
    node.elector._random = Random(seed)
    node.claim()
    for name in ("x", "y"):
        node.answer(node.calls(Take, name)[-1], released(2), Verdict.CHANGED)
    for name in ("x", "y"):
        node.answer(node.calls(Release, name)[-1], released(2), Verdict.NOT_HOLDER)
    node.wait(LEASE_MS / 2)
    return node.calls(Take, "x")[1].sent_ms


def test_a_split_vote_does_not_repeat_itself() -> None:
    """Nodes that failed in the same moment try again at moments of their own.

    Source: consul#9469.
    """
    moments = [second_claim_ms(seed) for seed in range(10)]
    assert len(set(moments)) == len(moments)
    assert max(moments) - min(moments) > 1


def test_the_defaults_bear_a_slow_store() -> None:
    """A store that takes nearly a second for every answer keeps its leader, by default.

    Source: kubernetes#74340 (250 restarts).
    """
    assert DEFAULT_LEASE_MS == 10_000
    slowness_ms = 900 / DEFAULT_LEASE_MS * LEASE_MS
    node = Driver()
    node.lead()
    for _ in range(30):
        before = len(node.calls(Renew, "x"))
        while len(node.calls(Renew, "x")) == before:
            node.wait(LEASE_MS / 100)
        node.wait(slowness_ms)
        node.renew("x", "y")
        assert node.leads()
    assert not node.did(Lost)
    assert len(node.calls(Renew, "x")) <= 31, "no renewal was sent twice"


def test_an_observer_is_asked_and_knows() -> None:
    """Who leads can be asked on every node, also on one that only looks on.

    Source: keepalived PR#41.
    """
    node = Driver(replace(IDENTITY, priority=0))
    node.answer_all(held())
    assert view.leadership(node.elector, now_ns(node)).holder == OTHER.node
    node.wait(2 * LEASE_MS)
    assert not node.calls(Take)
    assert node.calls(Observe)
