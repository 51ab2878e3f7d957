"""Who goes first when an election is open."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from leader.protocol.events import NS_PER_MS, Candidate
from leader.protocol.ranking import (
    LONGEST_WAIT_NS,
    before,
    best,
    live,
    longest_back_off_ns,
    rank_wait_ns,
    step_ns,
)

LEASE_NS = 10_000 * NS_PER_MS
NODES = [f"n{number}" for number in range(8)]


def candidate(
    node: str, *, priority: int = 100, contends: bool = True, sees_majority: bool = True, seen_at: int = 0
) -> Candidate:
    """A candidate in few words."""
    return Candidate(node, priority, contends, sees_majority, seen_at)


@given(st.lists(st.sampled_from(NODES), unique=True, min_size=1), st.data())
def test_every_candidate_has_a_rank_of_its_own(nodes: list[str], data: st.DataObject) -> None:
    """Each counts the others, and together they are 0, 1, 2 and so on."""
    priorities = {node: data.draw(st.integers(1, 3)) for node in nodes}
    ranks = [
        len(
            before(
                "default",
                node,
                priorities[node],
                [candidate(other, priority=priorities[other]) for other in nodes if other != node],
            )
        )
        for node in nodes
    ]
    assert sorted(ranks) == list(range(len(nodes)))


@given(st.sampled_from(NODES), st.sampled_from(NODES))
def test_a_higher_priority_goes_first(one: str, other: str) -> None:
    """Whatever the hash says."""
    assert before("default", one, 100, [candidate(other, priority=50)]) == []
    assert before("default", one, 50, [rival := candidate(other, priority=100)]) == [rival]


def test_several_elections_spread_over_the_nodes() -> None:
    """The hash gives five equal nodes about twenty of a hundred each; a higher priority wins them all."""
    nodes = [candidate(node) for node in NODES[:5]]
    firsts = Counter(best(f"election {number}", nodes) for number in range(100))
    assert len(firsts) == 5
    assert min(firsts.values()) >= 10
    assert max(firsts.values()) <= 30
    preferred = [*nodes, candidate("n7", priority=101)]
    assert {best(f"election {number}", preferred) for number in range(100)} == {"n7"}


def test_only_who_would_lead_and_was_seen_within_a_lease_is_live() -> None:
    """Paused, observing and vanished nodes are waited for by nobody."""
    now = 2 * LEASE_NS
    seen = [
        candidate("here", seen_at=now - LEASE_NS + 1),
        candidate("gone", seen_at=now - LEASE_NS),
        candidate("paused", contends=False, seen_at=now),
        candidate("observer", priority=0, seen_at=now),
    ]
    assert [found.node for found in live(seen, now, LEASE_NS)] == ["here"]


def test_a_successor_sees_a_majority() -> None:
    """The best-ranked of those that could win at once, or nobody."""
    assert best("default", [candidate("a", sees_majority=False), candidate("b")]) == "b"
    assert best("default", [candidate("a", sees_majority=False)]) is None
    assert best("default", []) is None


@given(st.integers(0, 1000), st.integers(0, 10**9))
def test_the_wait_grows_with_the_rank_and_is_bounded(place: int, round_trip_ns: int) -> None:
    """At most a second and at most a tenth of the lease; the first waits for nobody."""
    wait = rank_wait_ns(place, round_trip_ns, LEASE_NS)
    assert wait <= rank_wait_ns(place + 1, round_trip_ns, LEASE_NS) <= min(LONGEST_WAIT_NS, LEASE_NS // 10)
    assert rank_wait_ns(0, round_trip_ns, LEASE_NS) == 0


def test_a_step_is_four_round_trips_and_at_least_10_ms() -> None:
    """So that the one before has the time to win."""
    assert step_ns(0) == 10 * NS_PER_MS
    assert step_ns(20 * NS_PER_MS) == 80 * NS_PER_MS


@given(st.integers(0, 10**6), st.integers(0, 10**9))
def test_the_back_off_doubles_up_to_half_a_lease(failures: int, round_trip_ns: int) -> None:
    """It never shrinks with more failures, and never goes beyond."""
    longest = longest_back_off_ns(failures, round_trip_ns, LEASE_NS)
    assert longest <= longest_back_off_ns(failures + 1, round_trip_ns, LEASE_NS) <= LEASE_NS // 2
    assert longest >= min(step_ns(round_trip_ns), LEASE_NS // 2)
