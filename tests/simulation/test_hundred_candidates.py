"""A hundred candidates, five instances: elections settle within a bounded number of round trips."""

from leader.protocol.events import NS_PER_MS
from tests.simulation.clock import BootClock
from tests.simulation.network import Weather
from tests.simulation.timeline import LEASE_NS
from tests.simulation.world import World

CANDIDATES = 100
ONE_WAY_NS = 2 * NS_PER_MS
ROUND_TRIP_NS = 2 * ONE_WAY_NS
BEAT_NS = LEASE_NS // 3


def world_of_hundred(seed: int, within_ns: int = BEAT_NS) -> World:
    """A hundred nodes with clocks of their own, started within this time, on five instances."""
    world = World(seed, tuple("12345"))
    world.network.weather = Weather(shortest_ns=ONE_WAY_NS, longest_ns=ONE_WAY_NS)
    for name in world.instances:
        world.add_server(name)
    for number in range(CANDIDATES):
        clock = BootClock(rate=1000, offset=world.random.randrange(10**15))
        node = world.add_node(f"n{number}", clock=clock)
        world.time.at(world.random.randrange(within_ns), node.start)
    return world


def round_trips_to_a_leader(world: World, limit_ns: int) -> float:
    """Wait for a leader; return how many round trips that took."""
    began = world.time.now
    assert world.time.run_until(began + limit_ns, world.is_led), "nobody leads"
    return (world.time.now - began) / ROUND_TRIP_NS


def test_a_planned_hand_over_among_a_hundred_takes_three_round_trips() -> None:
    """The successor that the release names claims at once, and all others hold back."""
    world = world_of_hundred(seed=1)
    world.run_leases(3)
    leader = world.leader()
    assert leader is not None
    claims = world.time.counts["take: granted"]
    world.nodes[leader.place].step_down()
    assert round_trips_to_a_leader(world, LEASE_NS) <= 3
    assert world.time.counts["take: granted"] - claims <= 5, "others claimed, too"


def test_a_hand_over_to_a_dead_successor_takes_a_tenth_of_a_lease_more() -> None:
    """All hold back for a tenth of a lease; then the ranks go one by one, a few round trips apart."""
    world = world_of_hundred(seed=2)
    world.run_leases(3)
    leader = world.leader()
    assert leader is not None
    successor = next(node for node in world.nodes.values() if node.agent is not leader)
    successor.crash()
    world.nodes[leader.place].step_down(successor.name)
    assert round_trips_to_a_leader(world, LEASE_NS) <= LEASE_NS / 10 / ROUND_TRIP_NS + 8


def test_after_a_crash_one_of_ninety_nine_leads_within_a_lease_and_three_round_trips() -> None:
    """The records stand for a lease since the last renewal; then the ranks go one after the other."""
    world = world_of_hundred(seed=3)
    world.run_leases(3)
    leader = world.leader()
    assert leader is not None
    world.nodes[leader.place].crash()
    assert round_trips_to_a_leader(world, 2 * LEASE_NS) <= LEASE_NS / ROUND_TRIP_NS + 3


def test_a_hundred_that_start_at_once_elect_one_within_a_lease_and_a_tenth() -> None:
    """Nothing was ever held, so the first watch is the wait; the ranks avoid a stampede after it."""
    world = world_of_hundred(seed=4, within_ns=NS_PER_MS)
    assert round_trips_to_a_leader(world, 2 * LEASE_NS) <= 1.1 * LEASE_NS / ROUND_TRIP_NS
