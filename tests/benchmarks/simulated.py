"""Does an election among ten thousand candidates settle as among three? In the simulator, in round trips.

    python -m tests.benchmarks.simulated [--quick]

The electors and the instance's rules are the real ones; network, clocks and disks are simulated, with a round
trip of 4 ms. To keep it within minutes each node knows the best-ranked fifty, as if the registry showed no
more: all others wait longer than those. Goal: as many round trips as among three, and two more.
"""

import argparse
import sys
from typing import ClassVar

from leader.clock import now_ns
from leader.protocol.calls import Call
from leader.protocol.events import NS_PER_MS, Candidate, RegistrySeen
from leader.protocol.ranking import rank_key
from tests.benchmarks.rows import OWN, Figure, exit_code, tell
from tests.simulation.agent import BEAT_NS, Agent, Heard
from tests.simulation.instance import Request
from tests.simulation.network import Weather
from tests.simulation.timeline import LEASE_NS
from tests.simulation.world import World

KNOWN = 50
ONE_WAY_NS = 2 * NS_PER_MS
ROUND_TRIP_NS = 2 * ONE_WAY_NS
SIZES = (3, 100, 1000, 10_000)
MOST_FURTHER = 2.0
TOOK = "role: leads"


class Member(Agent):
    """An agent that knows of the best-ranked others alone; it registers nothing and asks for no registry."""

    best: ClassVar[tuple[str, ...]] = ()

    def start(self) -> None:
        """As any agent, and learn of others at once."""
        super().start()
        self._look()

    def _look(self) -> None:
        seen = RegistrySeen(tuple(known(node, self.now) for node in self.best if node != self.setup.node))
        self._whenever_awake(lambda: self._feed([Heard(election, seen) for election in self.electors]))
        if not self.dead:
            self._time.after(BEAT_NS, self._look)

    def _request(self, name: str, calls: tuple[Call, ...]) -> Request:  # noqa: ARG002 - all are alike
        return Request(self.setup.configuration, self.setup.node, calls)


def known(node: str, now: int) -> Candidate:
    """Another node, seen at this moment."""
    return Candidate(node, priority=100, contends=True, sees_majority=True, seen_at=now, processes=())


def main() -> int:
    """Simulate and tell; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    sizes = SIZES[:2] if parser.parse_args().quick else SIZES
    few: dict[str, float] = {}
    for size in sizes:
        measure(size, few)
    return exit_code()


def measure(size: int, few: dict[str, float]) -> None:
    """The rows of one size; `few` keeps the round trips of the smallest."""
    began = now_ns()
    world = world_of(size)
    assert settles(world)
    for how in ("release", "crash"):
        leader = fresh_leader(world)
        before, moment = world.time.counts.copy(), world.time.now
        if how == "crash":
            Member.best = tuple(node for node in Member.best if node != leader)
            world.nodes[leader].crash()
            moment += LEASE_NS
        else:
            world.nodes[leader].ask_to_step_down()
        assert settles(world)
        trips = (world.time.now - moment) / ROUND_TRIP_NS
        most = few.setdefault(how, trips) + MOST_FURTHER
        what = "beyond the lease" if how == "crash" else "until another leads"
        world.run_leases(0.1)  # until all that was claimed is answered
        counts = world.time.counts - before
        tell(
            f"{size:,} candidates: {how} of the leader",
            OWN,
            [
                Figure(what, trips, "round trips", most=most),
                Figure("granted", counts["take: granted"], "claims"),
                Figure("refused", sum(count for name, count in counts.items() if is_refusal(name)), "claims"),
                Figure("simulated in", (now_ns() - began) / 1e9, "s"),
            ],
            "5 instances, lease 10 s; a claim is counted at each instance",
        )


def fresh_leader(world: World) -> str:
    """The leader's node, half a lease later, when each instance has just renewed its lease."""
    world.time.steps = 0
    world.run_leases(0.5)
    renewals = world.time.counts["renew: granted"] + len(world.instances)
    assert world.time.run_until(
        world.time.now + LEASE_NS, lambda: world.time.counts["renew: granted"] >= renewals
    )
    leader = world.leader()
    assert leader is not None
    return leader.place


def is_refusal(what: str) -> bool:
    """Whether this is the count of a claim that an instance refused."""
    return what.startswith("take: ") and what != "take: granted"


def world_of(size: int) -> World:
    """So many nodes that start within a beat, on five instances."""
    world = World(size, tuple("12345"), agent_type=Member)
    world.network.weather = Weather(shortest_ns=ONE_WAY_NS, longest_ns=ONE_WAY_NS)
    for name in world.instances:
        world.add_server(name)
    names = [f"n{number}" for number in range(size)]
    ranked = sorted(names, key=lambda node: rank_key(world.elections[0], node, 100))
    Member.best = tuple(ranked[:KNOWN])
    for name in names:
        world.time.at(world.random.randrange(BEAT_NS), world.add_node(name).start)
    return world


def settles(world: World) -> bool:
    """Let time pass until somebody gains leadership; false if nobody does within three leases."""
    world.time.steps = 0
    before = world.time.counts[TOOK]
    return world.time.run_until(world.time.now + 3 * LEASE_NS, lambda: world.time.counts[TOOK] > before)


if __name__ == "__main__":
    sys.exit(main())
