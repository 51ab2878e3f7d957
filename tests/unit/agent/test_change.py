"""When may a change of the quorum take its next step?"""

from dataclasses import replace

from leader.agent.change import Sight, obstacles
from leader.protocol.calls import Configuration
from leader.protocol.quorum import Voters
from tests.unit.agent.test_registry import ENTRY

WALL_MS = 1_790_000_100_000
BEFORE, LIST = ("x", "y", "z"), ("x", "v", "w")
FIRST = Configuration(1, "before", 10_000)
STEP = Configuration(2, "list", 10_000, "before", 10_000)
VOTERS = Voters((LIST, BEFORE))
RUNNING = replace(ENTRY, generation=2, started_ms=WALL_MS - 60_000)


def told(*ours: str, **nodes: int) -> list[str]:
    """What stands in the way where these instances keep the step, and these nodes run which generation."""
    kept = {name: STEP if name in ours else FIRST for name in "xyzvw"}
    entries = {name: replace(RUNNING, generation=generation) for name, generation in nodes.items()}
    return obstacles(STEP, VOTERS, Sight(kept, entries), WALL_MS)


def test_it_may_where_every_node_runs_the_step_and_a_leader_has_renewed_at_both_lists() -> None:
    """A minority of either list may be away."""
    assert told(*"xyv", a=2, b=2) == []


def test_a_node_of_another_generation_is_named_with_the_ways_out() -> None:
    """It has to follow, or be forgotten."""
    (sentence,) = told(*"xyzvw", a=2, b=1)
    assert "node b runs generation 1: give it this node's file and reload it" in sentence
    assert "leader forget b" in sentence


def test_a_majority_of_the_old_list_alone_is_not_enough() -> None:
    """The first leader after the next step might share no instance with the last one before."""
    (sentence,) = told(*"yz", a=2)
    assert "2 of 5 instances keep generation 2: a leader that runs it has to renew at 2 more" in sentence


def test_while_the_old_list_alone_may_know_of_a_tick_it_is_waited_for() -> None:
    """As long as a tick is remembered, from the last node's step on; not if only the lease changes."""
    late = {"a": RUNNING, "b": replace(RUNNING, started_ms=WALL_MS - 7_000)}
    kept = dict.fromkeys("xyzvw", STEP)
    (sentence,) = obstacles(STEP, VOTERS, Sight(kept, late), WALL_MS)
    assert "node b runs generation 2 for 7s only" in sentence
    assert "wait for 45s" in sentence
    assert obstacles(STEP, Voters((LIST, LIST)), Sight(kept, late), WALL_MS) == []
