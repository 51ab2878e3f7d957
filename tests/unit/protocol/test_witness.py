"""One instance as one elector sees it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from leader.protocol.calls import Answer, Observe, Release, Verdict
from leader.protocol.events import NS_PER_MS, Replied
from leader.protocol.record import Holder, Record, State, Version
from leader.protocol.witness import REMEMBERED_CALLS, Witness

LEASE_MS = 1000
LEASE_NS = LEASE_MS * NS_PER_MS
HOLDER = Holder("n1", "i1", 7)
HELD = Record("p", Version(5, "a"), State.HELD, 7, HOLDER, LEASE_MS)


def replied(nonce: str, record: Record) -> Replied:
    """An observation's answer."""
    return Replied("x", nonce, record.process, 1, 1, None, "", Answer(Verdict.OBSERVED, record))


def show(witness: Witness, record: Record, sent_at: int, now: int) -> None:
    """Send an observation, and let it be answered."""
    witness.ask(f"at {sent_at}", Observe(), sent_at)
    assert witness.hear(replied(f"at {sent_at}", record), now) is not None


def test_nothing_is_takeable_before_an_answer() -> None:
    """What was never seen was never watched."""
    assert Witness("x", 0).takeable_at(LEASE_MS) is None


def test_a_record_that_is_not_believed_is_never_takeable() -> None:
    """A liar does not vote, not even with a released record."""
    witness = Witness("x", 0)
    show(witness, replace(HELD, state=State.RELEASED), 0, 1)
    witness.believed = False
    assert witness.takeable_at(LEASE_MS) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 10), st.booleans()), max_size=30))
def test_nothing_is_takeable_within_a_lease_of_the_first_sight_of_its_version(
    steps: list[tuple[int, int, bool]],
) -> None:
    """Over any run of answers, however slow, that show old or new versions: the watch is never cut short."""
    witness, now, sequence = Witness("x", 0), 0, 1
    first_seen: dict[Version, int] = {}
    for pause, delay, written in steps:
        sent_at = now = now + pause * LEASE_NS // 20
        sequence += written
        now += delay * LEASE_NS // 20
        record = replace(HELD, version=Version(sequence, "a"))
        show(witness, record, sent_at, now)
        first_seen.setdefault(record.version, now)
        assert witness.record is not None
        moment = witness.takeable_at(LEASE_MS)
        assert moment is not None
        assert moment >= first_seen[witness.record.version] + LEASE_NS


def test_an_unanswered_call_makes_the_instance_silent_until_a_later_one_is_answered() -> None:
    """The newest call decides, not the newest event."""
    witness = Witness("x", 0)
    witness.ask("1", Observe(), 0)
    witness.ask("2", Observe(), 10)
    assert witness.hear(replied("2", HELD), 20) is not None
    witness.miss("1")
    assert not witness.silent
    witness.ask("3", Observe(), 30)
    witness.miss("3")
    assert witness.silent


def test_a_call_that_was_given_up_is_still_known_when_its_answer_comes() -> None:
    """Silence is unknown: a late answer is an answer."""
    witness = Witness("x", 0)
    witness.ask("1", Observe(), 0)
    witness.miss("1")
    pending = witness.hear(replied("1", HELD), 10)
    assert pending is not None
    assert pending.sent_at == 0
    assert not witness.silent


def test_an_answer_to_no_call_changes_nothing() -> None:
    """Neither a stranger's nonce nor the same answer twice."""
    witness = Witness("x", 0)
    show(witness, HELD, 0, 1)
    released = replace(HELD, state=State.RELEASED, version=Version(6, "b"))
    assert witness.hear(replied("never asked", released), 2) is None
    assert witness.hear(replied("at 0", released), 2) is None
    assert witness.record == HELD


def test_so_many_calls_are_remembered_and_no_more() -> None:
    """A hung instance does not fill the memory."""
    witness = Witness("x", 0)
    for number in range(REMEMBERED_CALLS + 10):
        witness.ask(str(number), Observe(), number)
    assert len(witness.pending) == REMEMBERED_CALLS
    assert witness.hear(replied("0", HELD), 100) is None
    assert witness.hear(replied(str(REMEMBERED_CALLS), HELD), 100) is not None


def test_a_release_is_awaited_until_its_answer_or_its_time_out() -> None:
    """Both end the waiting; only then may another be sent."""
    witness = Witness("x", 0)
    witness.ask("1", Release(HOLDER), 0)
    assert witness.awaits_release()
    witness.miss("1")
    assert not witness.awaits_release()
    witness.ask("2", Release(HOLDER), 1)
    witness.hear(replied("2", HELD), 2)
    assert not witness.awaits_release()


def test_a_flushed_instance_is_believed_although_it_counts_from_one_again() -> None:
    """A lower sequence number in an answer to a later call is the present, not the past."""
    witness = Witness("x", 0)
    show(witness, HELD, 0, 1)
    fresh = Record("p", Version(1, "z"), State.FRESH)
    show(witness, fresh, 10, 11)
    assert witness.record == fresh
    assert witness.standing_since == 11


def test_a_notice_is_news_only_if_its_number_is_higher() -> None:
    """Of the same process; of another one nothing can be said before the next answer."""
    witness = Witness("x", 0)
    newer = replace(HELD, version=Version(6, "b"))
    assert not witness.notice(newer, 0), "before any answer"
    show(witness, HELD, 0, 1)
    assert not witness.notice(HELD, 2)
    assert not witness.notice(replace(newer, process="q"), 2)
    assert witness.notice(newer, 2)
    assert witness.standing_since == 2
