"""Several elections in one cluster: each gets a leader, and no node leads all because it was first."""

from collections import Counter

import pytest

from leader.protocol.events import NS_PER_MS
from tests.simulation.clock import BootClock
from tests.simulation.network import Weather
from tests.simulation.timeline import LEASE_NS
from tests.simulation.world import World

ELECTIONS = tuple(f"e{number}" for number in range(40))
BEAT_LEASES = 1 / 3


def cold_start(seed: int, starts: dict[str, float]) -> World:
    """Nodes that start so many leases after the beginning, on instances that have never seen an election."""
    world = World(seed, ("1", "2", "3"), ELECTIONS)
    world.network.weather = Weather(shortest_ns=NS_PER_MS, longest_ns=3 * NS_PER_MS)
    for name in world.instances:
        world.add_server(name)
    for name, leases in starts.items():
        node = world.add_node(name, clock=BootClock(1000, world.random.randrange(10**15)))
        world.time.at(int(leases * LEASE_NS), node.start)
    return world


def leaderships(world: World) -> Counter[str]:
    """How many elections each node leads."""
    leaders = [world.leader(election) for election in ELECTIONS]
    return Counter(leader.place for leader in leaders if leader is not None)


@pytest.mark.parametrize("last", [0.0, 0.02, 0.1, 0.3])
def test_a_cold_start_spreads_the_elections_over_nodes_that_start_within_a_beat(last: float) -> None:
    """Whoever came first waits for those that rank before it; no claim fails meanwhile."""
    starts = dict(zip("ABCDE", (0.0, last / 4, last / 2, last * 3 / 4, last), strict=True))
    world = cold_start(1, starts)
    assert world.time.run_until(2 * LEASE_NS, world.is_led)
    assert world.time.now <= (1 + last + 0.02) * LEASE_NS
    assert world.time.counts["effect: ClaimFailed"] == 0
    spread = leaderships(world)
    assert len(spread) == 5
    assert max(spread.values()) <= 12, spread


def test_a_late_node_is_waited_for_a_beat_at_most() -> None:
    """The others lead what would have been its elections."""
    world = cold_start(2, {"A": 0.0, "B": 0.01, "C": 0.6})
    assert world.time.run_until(2 * LEASE_NS, world.is_led)
    assert world.time.now <= (1 + 0.01 + BEAT_LEASES + 0.02) * LEASE_NS
    assert set(leaderships(world)) == {"A", "B"}


def test_after_a_crash_nobody_waits_for_a_node_that_restarted_meanwhile() -> None:
    """That head start is for a cold start alone: a fail-over takes a lease, as ever."""
    world = cold_start(3, {"A": 0.0, "B": 0.01, "C": 0.02})
    world.run_leases(3)
    crashed = world.leader()
    assert crashed is not None
    world.nodes[crashed.place].crash()
    others = [node for node in world.nodes.values() if node.name != crashed.place]
    began = world.time.now
    world.run_leases(0.3)
    others[0].crash()
    others[0].start()
    assert world.time.run_until(began + 2 * LEASE_NS, world.is_led)
    assert world.time.now - began <= 1.02 * LEASE_NS
