"""Rule R6, answer: leadership is computed from the deadline at the moment of asking, never stored."""

from leader.protocol.calls import Renew
from leader.protocol.events import Lost, Ticked
from leader.protocol.snapshot import Role
from tests.rules.driver import LEASE_MS, Driver

SURE_MS = LEASE_MS * 9 // 10


def test_an_answer_after_a_pause_is_no() -> None:
    """A process that stood still beyond its deadline says no before it has noticed anything."""
    node = Driver()
    node.lead()
    node.pause(2 * LEASE_MS)
    assert not node.leads()
    assert node.remaining_ms == 0
    assert node.elector.role(round(node.now_ms * 1_000_000)) is Role.CANDIDATE
    assert not node.did(Lost), "nothing has told it yet"


def test_the_first_event_after_a_pause_ends_the_leadership() -> None:
    """Whatever comes first, the loss is the first thing that follows from it."""
    node = Driver()
    node.lead()
    node.pause(2 * LEASE_MS)
    effects = node.handle(Ticked())
    assert isinstance(effects[0], Lost)


def test_a_pause_that_ends_before_the_deadline_costs_nothing() -> None:
    """The overdue renewals go out at once, and the leadership stands."""
    node = Driver()
    node.lead()
    node.pause(SURE_MS - 1)
    node.handle(Ticked())
    node.renew("x", "y")
    assert node.leads()
    assert node.remaining_ms == SURE_MS
    assert not node.did(Lost)


def test_the_answer_says_how_long_the_lease_is_still_sure() -> None:
    """The remaining time shrinks with the clock, without any event."""
    node = Driver()
    node.lead()
    node.pause(1000)
    assert node.remaining_ms == SURE_MS - 1000


def test_the_role_follows_the_deadline() -> None:
    """Holder until the deadline, candidate from then on."""
    node = Driver()
    node.lead()
    deadline_ns = round(SURE_MS * 1_000_000)
    assert node.elector.role(deadline_ns - 1) is Role.HOLDER
    assert node.elector.role(deadline_ns) is Role.CANDIDATE
    assert not node.calls(Renew)
