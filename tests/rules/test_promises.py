"""The three promises: at most one leader, terms only grow, and a leader is found."""

from dataclasses import replace

from leader.protocol.events import StepDownAsked
from tests.rules.driver import IDENTITY, LEASE_MS, Driver
from tests.rules.quorum import STEP_MS, Quorum
from tests.simulation.instance import NOTHING

BEAT_MS = LEASE_MS / 3


def two_nodes() -> tuple[Quorum, Driver, Driver]:
    """A quorum that a leads, and b watches."""
    a, b = Driver(), Driver(replace(IDENTITY, node="b", incarnation="b-1"))
    quorum = Quorum(a, b)
    quorum.run(LEASE_MS + BEAT_MS)
    assert len(quorum.leaders) == 1
    return quorum, quorum.leaders[0], b if quorum.leaders[0] is a else a


def test_promise_1_two_nodes_on_a_sound_quorum_are_never_both_leaders() -> None:
    """While everything works, the first leader stays the only one."""
    quorum, leader, _ = two_nodes()
    quorum.run(10 * LEASE_MS)
    assert quorum.leaders == [leader]


def test_promise_1_instances_that_lose_their_data_one_after_another_make_no_second_leader() -> None:
    """A restarted, emptied instance gives no vote for one lease, so the leader stays."""
    quorum, leader, _ = two_nodes()
    for instance in quorum.instances.values():
        instance.restart(NOTHING)
        quorum.run(1.5 * LEASE_MS)
    assert quorum.leaders == [leader]


def test_promise_1_a_whole_quorum_that_loses_its_data_makes_no_second_leader() -> None:
    """The old leader's lease has run out before anyone may take the new records."""
    quorum, _, _ = two_nodes()
    for instance in quorum.instances.values():
        instance.restart(NOTHING)
    quorum.run(3 * LEASE_MS)
    assert len(quorum.leaders) == 2


def test_promise_1_holds_at_the_edge_of_the_clocks_drift() -> None:
    """A cut leader stops before a successor takes over whose clock runs 1.098 times as fast."""
    quorum, leader, other = two_nodes()
    quorum.rates = {leader: 0.953, other: 1.047}
    quorum.cut = {leader}
    quorum.run(2 * LEASE_MS)
    assert quorum.leaders == [leader, other]


def test_promise_2_terms_grow_over_hand_overs_and_lost_data() -> None:
    """Each leadership has a term above all before it, also when instances forget."""
    quorum, _, _ = two_nodes()
    for name in (*quorum.instances, *quorum.instances):
        quorum.leaders[-1].handle(StepDownAsked("asked"))
        quorum.run(1.5 * LEASE_MS)
        quorum.instances[name].restart(NOTHING)
        quorum.run(1.5 * LEASE_MS)
    assert len(quorum.terms) >= 7
    assert quorum.terms == sorted(set(quorum.terms))


def test_promise_3_after_a_clean_release_the_next_leads_at_once() -> None:
    """No time passes: the notices of the releases are all that the successor waits for."""
    quorum, leader, other = two_nodes()
    leader.handle(StepDownAsked("asked", successor="b" if other.elector.identity.node == "b" else "a"))
    quorum.settle()
    assert quorum.leaders == [leader, other]


def test_promise_3_after_a_crash_the_next_leads_within_a_lease_and_a_beat() -> None:
    """The records are seen to stand for a lease, and are taken."""
    quorum, leader, other = two_nodes()
    quorum.nodes.remove(leader)
    quorum.run(LEASE_MS + BEAT_MS)
    assert quorum.leaders == [leader, other]


def test_promise_3_a_minority_of_dead_instances_changes_nothing() -> None:
    """A majority is enough to lead and to be found."""
    quorum, leader, other = two_nodes()
    quorum.dead = {"z"}
    quorum.run(2 * LEASE_MS)
    assert quorum.leaders == [leader]
    quorum.nodes.remove(leader)
    quorum.run(LEASE_MS + BEAT_MS + STEP_MS)
    assert quorum.leaders == [leader, other]
