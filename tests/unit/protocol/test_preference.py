"""When a preemption has succeeded, and when it has failed: only that doubles the pause."""

from leader.protocol.events import NS_PER_MS, Candidate
from leader.protocol.preference import Preference
from leader.protocol.record import Holder

LEASE_NS = 10_000 * NS_PER_MS
DELAY_NS = 30_000 * NS_PER_MS
US, BETTER = Holder("a", "i", 7), Holder("b", "i", 8)


def tried() -> Preference:
    """What a node knows that has just made room for b."""
    preference = Preference("default", 50, 30_000, LEASE_NS)
    preference.learn([Candidate("b", 100, True, True, 0)], 0)
    preference.try_out("b", US.term, 0)
    return preference


def see(preference: Preference, holder: Holder | None, since: int, until: int) -> None:
    """The records name this holder from one instant to another, looked at each second."""
    for now in range(since, until + 1, 1000 * NS_PER_MS):
        preference.judge(holder, now)


def test_a_successor_that_leads_when_the_pause_is_over_has_succeeded() -> None:
    """The next one is waited for no longer than this one was."""
    preference = tried()
    see(preference, BETTER, 1000 * NS_PER_MS, DELAY_NS)
    see(preference, Holder("a", "i", 9), DELAY_NS + 1, DELAY_NS + LEASE_NS)
    assert preference.pause_ns == DELAY_NS


def test_whoever_else_leads_before_makes_it_fail() -> None:
    """Each such failure doubles the pause."""
    preference = tried()
    see(preference, BETTER, 1000 * NS_PER_MS, DELAY_NS // 2)
    preference.judge(Holder("a", "i", 9), DELAY_NS // 2 + 1)
    assert preference.pause_ns == 2 * DELAY_NS


def test_a_claim_that_its_node_has_not_heard_of_is_no_success() -> None:
    """Its records name the successor for less than a lease, since nobody renews them."""
    preference = tried()
    see(preference, BETTER, DELAY_NS, DELAY_NS + LEASE_NS // 2)
    preference.judge(Holder("a", "i", 9), DELAY_NS + LEASE_NS)
    assert preference.pause_ns == 2 * DELAY_NS
