"""Defects elsewhere that made two leaders, or a stale one: none of them is here.

Each docstring names where it was told. What only processes and real servers can show is in the
integration tests, under the same names.
"""

from leader.agent import view
from leader.protocol.calls import Release, Renew, Take, Verdict
from leader.protocol.events import (
    NS_PER_MS,
    ContentionChanged,
    Gained,
    JobsEnded,
    Lost,
    Ticked,
)
from tests.rules.driver import LEASE_MS, OTHER, Disk, Driver, fresh, held, released

BEAT_MS = LEASE_MS / 3
SURE_MS = LEASE_MS * 9 // 10


def now_ns(node: Driver) -> int:
    """The node's clock, as the view wants it."""
    return round(node.now_ms * NS_PER_MS)


def test_leadership_is_no_stored_flag() -> None:
    """Nothing happens at all, not even a tick, and the answer is no from the deadline on.

    Source: client-go `IsLeader`, tooz `acquired`, RedLock.net#93.
    """
    node = Driver()
    node.lead()
    node.pause(SURE_MS)
    assert not node.leads()
    assert not view.leadership(node.elector, now_ns(node)).leader


def test_what_goes_wrong_while_acquiring_is_no_leadership() -> None:
    """A refusal, silence, or a disk that fails in the middle of a claim: none is taken for a grant.

    Source: redbeat#208.
    """
    refused = Driver()
    refused.claim()
    for name in ("x", "y"):
        refused.answer(name, held(9), Verdict.CHANGED)
    unanswered = Driver()
    unanswered.claim()
    for name in ("x", "y"):
        unanswered.miss(name)
    unsaved = Driver()
    unsaved.term_disk = Disk.FAILS
    unsaved.answer_all(released())
    for node in (refused, unanswered, unsaved):
        node.wait(LEASE_MS / 4)
        assert not node.leads()
        assert not node.did(Gained)
    assert not unsaved.calls(Take)


def test_a_standby_does_not_report_the_old_leader_for_ever() -> None:
    """A record that nobody has renewed for a lease names nobody.

    Source: kubernetes contrib#2930.
    """
    node = Driver()
    node.elector.allowed = False
    node.answer_all(held())
    assert view.leadership(node.elector, now_ns(node)).holder == OTHER.node
    node.wait(LEASE_MS + 1)
    assert view.leadership(node.elector, now_ns(node)).holder == ""


def test_an_instance_that_forgot_does_not_vote_at_once() -> None:
    """Restarted, flushed or evicted, its record is `fresh`: nobody takes it before a whole lease has passed.

    Source: every Redlock client that was read.
    """
    node = Driver()
    node.answer_all(fresh())
    node.wait(LEASE_MS - 1)
    assert not node.calls(Take)
    node.wait(1)
    assert node.calls(Take)


def test_the_lease_counts_from_the_request() -> None:
    """An answer that was under way for long leaves so much less of the lease.

    Source: node-redlock#166, Patroni, redlock-py.
    """
    node = Driver()
    node.claim()
    node.wait(LEASE_MS / 5)
    node.grant("x")
    node.grant("y")
    assert node.remaining_ms == SURE_MS - LEASE_MS / 5


def test_a_late_release_names_its_own_term() -> None:
    """Each release names one holder with its term, so that it cannot end the same agent's next lease.

    Source: redisson#7272, RedLock.net#64.
    """
    node = Driver()
    first = node.lead()
    node.handle(ContentionChanged(allowed=False, reason="paused"))
    node.handle(ContentionChanged(allowed=True, reason=""))
    for name in ("x", "y"):
        node.answer(node.calls(Release, name)[0], released(8, first), Verdict.GRANTED)
    node.wait(LEASE_MS / 10)
    second = node.operations(Take)[-1].holder
    assert second.term > first.term
    assert {release.holder for release in node.operations(Release)} == {first}


def test_a_renewal_does_not_outlive_the_release() -> None:
    """Its answer arrives while the node gives up, or after, and makes no leader of it again.

    Source: redisson#7272, RedLock.net#64.
    """
    node = Driver()
    holder = node.lead()
    node.wait(BEAT_MS + 1)
    late = [node.calls(Renew, name)[-1] for name in ("x", "y")]
    node.jobs_end_at_once = False
    node.handle(ContentionChanged(allowed=False, reason="paused"))
    node.grant(late[0])
    assert node.elector.tenure is not None
    assert node.elector.tenure.deadline is None, "a vote of what is being given up counts for nothing"
    node.handle(JobsEnded(holder.term))
    node.grant(late[1])
    assert not node.leads()
    node.wait(LEASE_MS)
    assert [asked for asked in node.calls(Renew) if asked not in late] == []


def test_a_stall_makes_no_stale_leader() -> None:
    """A machine that stood still for a lease: the first thing it does is to notice, and it renews no more.

    Source: keepalived#2066, solid_queue#763; Patroni#3453.
    """
    node = Driver()
    holder = node.lead()
    renewals = len(node.calls(Renew))
    node.pause(LEASE_MS)
    node.handle(Ticked())
    assert [lost.holder for lost in node.did(Lost)] == [holder]
    assert len(node.calls(Renew)) == renewals
    assert {release.holder for release in node.operations(Release)} == {holder}
