"""Rule R1, watch: a record is taken only when it is released, or was seen to stand for a whole lease."""

from dataclasses import replace

import pytest

from leader.protocol.calls import Take, Verdict
from leader.protocol.record import Record, Version
from tests.rules.driver import LEASE_MS, Driver, fresh, held, released


@pytest.mark.parametrize("record", [fresh(), held()], ids=["fresh", "held"])
def test_a_record_must_stand_for_a_whole_lease_before_it_is_taken(record: Record) -> None:
    """Neither a record without a holder nor one of a silent holder is taken a moment too early."""
    node = Driver()
    node.answer_all(record)
    node.wait(LEASE_MS - 1)
    assert not node.calls(Take)
    node.wait(1)
    assert {asked.instance for asked in node.calls(Take)} == {"x", "y", "z"}


def test_the_watch_counts_from_the_receipt_of_the_reply() -> None:
    """A reply that took long begins the watch when it arrives, not when it was asked for."""
    node = Driver()
    node.pause(3000)
    node.answer_all(fresh())
    node.wait_until(3000 + LEASE_MS - 1)
    assert not node.calls(Take)
    node.wait(1)
    assert node.calls(Take)


def test_the_watch_counts_from_the_first_reply_that_showed_the_version() -> None:
    """Seeing the same version again does not begin the watch anew."""
    node = Driver()
    node.answer_all(held())
    node.wait(LEASE_MS - 100)
    node.answer_all(held())
    node.wait(100)
    assert node.calls(Take)


def test_a_renewal_begins_the_watch_anew() -> None:
    """A holder's renewal cannot be overlooked: its version is new, whatever else is the same."""
    node = Driver()
    node.answer_all(held(1))
    node.wait(LEASE_MS - 1)
    node.answer_all(held(2))
    node.wait(LEASE_MS - 1)
    assert not node.calls(Take)


def test_a_renewal_that_was_published_begins_the_watch_anew() -> None:
    """A notice counts as an observation at its arrival."""
    node = Driver()
    node.answer_all(held(1))
    node.wait(LEASE_MS - 1)
    for name in ("x", "y"):
        node.notice(name, held(2))
    node.wait(LEASE_MS - 1)
    assert not node.calls(Take)


def test_another_nonce_begins_the_watch_anew() -> None:
    """A flushed instance counts from 1 again: the same number written by another call is another version."""
    node = Driver()
    node.answer_all(held(1))
    node.wait(LEASE_MS - 1)
    node.answer_all(replace(held(1), version=Version(1, "another call")))
    node.wait(LEASE_MS - 1)
    assert not node.calls(Take)


def test_a_restarted_instance_gives_no_vote_for_one_lease() -> None:
    """The same version shown by another process is another record: it may have forgotten something."""
    node = Driver()
    node.answer_all(held(1))
    node.wait(LEASE_MS - 1)
    for name in ("x", "y"):
        node.answer(name, held(1, process=f"restarted {name}"))
    node.wait(LEASE_MS - 1)
    assert not node.calls(Take)


def test_the_longer_of_both_leases_is_waited_for() -> None:
    """A record whose holder has a longer lease than the taker is watched for that one."""
    node = Driver()
    node.answer_all(held(lease_ms=3 * LEASE_MS))
    node.wait(3 * LEASE_MS - 1)
    assert not node.calls(Take)
    node.wait(1)
    assert node.calls(Take)


def test_the_takers_lease_counts_where_the_records_is_shorter() -> None:
    """A record of a shorter lease is still watched for the taker's own."""
    node = Driver()
    node.answer_all(held(lease_ms=LEASE_MS // 10))
    node.wait(LEASE_MS - 1)
    assert not node.calls(Take)


def test_a_released_record_is_taken_at_once() -> None:
    """After a clean release nobody waits, and the take says that it relies on the release."""
    node = Driver()
    node.answer_all(released(), "x", "y")
    takes = node.operations(Take)
    assert len(takes) == 2
    assert all(take.released for take in takes)


def test_a_take_names_the_version_that_was_watched() -> None:
    """What is compared at the instance is what stood still here, not what was seen by chance."""
    node = Driver()
    node.answer_all(held(5))
    node.wait(LEASE_MS)
    assert {take.expected for take in node.operations(Take)} == {held(5).version}


def test_an_old_notice_does_not_hide_a_newer_record() -> None:
    """A notice whose sequence number is not higher than the newest seen is dropped."""
    node = Driver()
    node.answer_all(held(5))
    for name in ("x", "y"):
        node.notice(name, released(5))
        node.notice(name, released(4))
    assert not node.calls(Take)


def test_a_notice_of_another_process_is_left_to_the_next_reply() -> None:
    """Sequence numbers of two processes cannot be compared, so such a notice opens nothing."""
    node = Driver()
    node.answer_all(held(5))
    for name in ("x", "y"):
        node.notice(name, released(9, process="another"))
    assert not node.calls(Take)


def test_a_late_reply_does_not_bring_an_older_record_back() -> None:
    """Of two calls the one that was sent later shows the newer state, whichever answer arrives first."""
    node = Driver()
    early = [node.newest(name) for name in ("x", "y")]
    node.wait(LEASE_MS // 3 + 100)
    node.answer_all(held(2), "x", "y")
    for asked in early:
        node.answer(asked, released(1), Verdict.OBSERVED)
    assert not node.calls(Take)


def test_a_reply_that_a_notice_overtook_does_not_bring_an_older_record_back() -> None:
    """A reply to a call that was sent before a newer version was seen cannot end that version's watch."""
    node = Driver()
    node.answer_all(held(1))
    node.wait(LEASE_MS // 3 + 100)
    for name in ("x", "y"):
        node.notice(name, held(3))
        node.answer(name, released(2))
    assert not node.calls(Take)
