"""When work under a leadership must end: the judgement alone, with time passed in."""

import pytest

from leader.api.answers import Sure, nobody
from leader.api.vigil import MILLISECOND_NS, Vigil
from leader.errors import UsageError
from leader.protocol.snapshot import Leadership

LEASE_MS = 9000
START = 10**15


def at(milliseconds: int) -> int:
    """That instant of the story."""
    return START + milliseconds * MILLISECOND_NS


def yes(until_ms: int, term: int = 7) -> Sure:
    """A yes that is sure until then."""
    return Sure(Leadership("default", "web-1", True, term, "web-1", 1), at(until_ms))


NO = nobody("default")


def made(grace_s: float | None = None) -> Vigil:
    """A leadership that is sure for 0.9 of the lease."""
    return Vigil(yes(8100), LEASE_MS, grace_s, at(0))


def test_a_renewal_moves_the_end_on() -> None:
    """It is asked ten times a lease."""
    vigil = made()
    assert vigil.wakes_at_ns == at(900)
    vigil.question_ns(at(900))
    vigil.hear(yes(9000), at(901), guarded=True)
    assert (vigil.lost, vigil.until_ns, vigil.wakes_at_ns) == ("", at(9000), at(1800))


def test_a_late_answer_takes_nothing_back() -> None:
    """What was sure stays so."""
    vigil = made()
    vigil.hear(yes(8000), at(10), guarded=True)
    assert vigil.until_ns == at(8100)


def test_silence_ends_the_work_a_grace_before_the_deadline() -> None:
    """A third of the lease without one, and no question goes on past it."""
    for vigil, end in ((made(), 5100), (made(0.1), 8000)):
        vigil.question_ns(at(end - 100))
        assert vigil.wakes_at_ns == at(end)
        assert vigil.question_ns(at(end - 100)) == at(end)
        vigil.hear(None, at(end - 1), guarded=True)
        assert not vigil.lost
        vigil.hear(None, at(end), guarded=True)
        assert "nobody could say" in vigil.lost


def test_who_stood_still_has_a_last_question() -> None:
    """If the same leadership went on meanwhile, so does the work."""
    vigil = made()
    assert at(20_000) < vigil.question_ns(at(20_000)) <= at(20_100)
    vigil.hear(yes(28_000), at(20_010), guarded=True)
    assert not vigil.lost


def test_another_term_is_another_leadership() -> None:
    """Its deadline does not count for this one."""
    vigil = made()
    vigil.hear(yes(20_000, term=8), at(900), guarded=True)
    assert "term 8" in vigil.lost
    assert vigil.until_ns == at(8100)


def test_a_no_counts_only_without_a_guard() -> None:
    """A restarted agent says no until it has resumed, and one that hands over says it in words."""
    vigil = made()
    vigil.hear(NO, at(900), guarded=True)
    assert not vigil.lost
    vigil.hear(NO, at(1800), guarded=False)
    assert "leads no more" in vigil.lost


def test_a_guard_that_is_gone_is_looked_for_soon() -> None:
    """At once, and then ten times as often as the agent is asked."""
    vigil = made()
    vigil.unguarded(at(100), at_once=True)
    assert vigil.wakes_at_ns == at(100)
    vigil.unguarded(at(101), at_once=False)
    assert vigil.wakes_at_ns == at(191)


def test_the_first_reason_counts() -> None:
    """The others are its consequences."""
    vigil = made()
    vigil.hear_end()
    vigil.hear(NO, at(9000), guarded=False)
    assert "hands its leadership over" in vigil.lost


@pytest.mark.parametrize("grace_s", [-0.001, 4.501, float("nan"), float("inf")])
def test_a_grace_has_to_leave_room_for_a_late_renewal(grace_s: float) -> None:
    """As with `leader run`."""
    with pytest.raises(UsageError, match="half of the lease, 9s"):
        made(grace_s)
