"""How Redlock and this project do under the same faults: `python -m tests.simulation.compare` prints it.

Each row is one kind of fault; each run has five instances, three candidates and twenty leases of faults from
one seed, which both systems suffer alike. The table is the same for the same number of seeds.
"""

import argparse
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.simulation.clock import BootClock
from tests.simulation.network import Network
from tests.simulation.promises import Agent, Promises
from tests.simulation.redlock import RedlockClient
from tests.simulation.redlock_account import Account
from tests.simulation.redlock_faults import (
    INSTANCES,
    LEASES,
    NODES,
    ROWS,
    WARM_UP_NS,
    Contest,
    Node,
    Plan,
    Row,
    draw,
    unleash,
)
from tests.simulation.redlock_instance import LockServer
from tests.simulation.server import Server
from tests.simulation.timeline import Timeline
from tests.simulation.world import World

SEEDS = 20
HEADER = (
    "fault",
    "runs",
    "two leaders, Redlock",
    "two leaders, `leader`",
    "a leader, Redlock",
    "a leader, `leader`",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one run: for which shares of the time there was a leader, and were two."""

    led: float
    twice_led: float


class RedlockNode:
    """A machine with one Redlock client at a time."""

    def __init__(self, name: str, clock: BootClock, network: Network, account: Account) -> None:
        self.name, self.clock, self.network, self.account = name, clock, network, account
        self.agent: RedlockClient | None = None

    def start(self) -> None:
        """Start a client, if none runs."""
        if self.agent is None:
            self.agent = RedlockClient(self.name, INSTANCES, self.clock, self.network, self.account)
            self.agent.start()

    def crash(self) -> None:
        """End the client at once."""
        if self.agent is not None:
            self.agent.die()
            self.agent = None

    def reboot(self) -> None:
        """End the client with its machine: it had nothing on disk anyway."""
        self.crash()


class RedlockContest:
    """A world with Redlock in it."""

    def __init__(self, plan: Plan) -> None:
        self.time = Timeline(plan.seed)
        self.network = Network(self.time)
        self.account = Account(self.time, WARM_UP_NS)
        self.servers: dict[str, Server] = {name: LockServer(self.network, name) for name in INSTANCES}
        self.network.destinations.update(self.servers)
        self.machines: Mapping[str, Node] = {
            name: RedlockNode(name, clock, self.network, self.account)
            for name, clock in zip(NODES, plan.clocks, strict=True)
        }


class Watched(Promises):
    """The checkers of all promises, that also keep the account."""

    def __init__(self, world: World, account: Account) -> None:
        super().__init__(world.time, {**world.servers})
        self._account = account

    def look(self, agent: Agent, election: str) -> None:
        """Hear what an agent answers now, and until when."""
        elector, now = agent.electors[election], agent.now
        until = agent.clock.when(now + elector.remaining_ns(now)) if elector.leads(now) else self.time.now
        self._account.note(agent.place, until)
        super().look(agent, election)

    def agent_died(self, agent: Agent) -> None:
        """Forget an agent: it answers nobody any more."""
        self._account.note(agent.place, self.time.now)
        super().agent_died(agent)


class LeaderContest:
    """A world with this project in it, and all its checkers."""

    def __init__(self, plan: Plan) -> None:
        self.world = World(plan.seed, INSTANCES)
        self.time, self.network, self.servers = self.world.time, self.world.network, self.world.servers
        for name in INSTANCES:
            self.world.add_server(name)
        self.account = Account(self.time, WARM_UP_NS)
        self.world.promises = Watched(self.world, self.account)
        for name, clock in zip(NODES, plan.clocks, strict=True):
            self.world.add_node(name, clock=clock)
        self.machines: Mapping[str, Node] = self.world.nodes


SYSTEMS: tuple[type[RedlockContest | LeaderContest], ...] = (RedlockContest, LeaderContest)


def begin(contest: Contest, plan: Plan) -> None:
    """Start all candidates, each at its moment."""
    for name, moment in zip(NODES, plan.starts, strict=True):
        contest.time.at(moment, contest.machines[name].start)


def run(system: type[RedlockContest | LeaderContest], row: Row, seed: int, leases: int = LEASES) -> Result:
    """What becomes of one run of one system.

    Raises:
        BrokenPromise: this project broke a promise, so that there is nothing to compare
    """
    plan = draw(row, seed, leases)
    contest = system(plan)
    begin(contest, plan)
    unleash(contest, plan)
    contest.time.run_until(plan.ends_at)
    contest.account.count()
    counted_ns = plan.ends_at - WARM_UP_NS
    return Result(contest.account.led_ns / counted_ns, contest.account.twice_led_ns / counted_ns)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table. For each system: runs that had two leaders, share of the time with one."""

    name: str
    runs: int
    twice: tuple[int, ...]
    led: tuple[float, ...]

    def __str__(self) -> str:
        shares = (f"{math.floor(1000 * share) / 10:.1f} %" for share in self.led)
        return f"| {' | '.join((self.name, str(self.runs), *map(str, self.twice), *shares))} |"


def measure(row: Row, seeds: int, leases: int = LEASES) -> Line:
    """One row, from so many seeds for each system."""
    results = [[run(system, row, seed, leases) for seed in range(seeds)] for system in SYSTEMS]
    return Line(
        row.name,
        seeds,
        tuple(sum(result.twice_led > 0 for result in of_one) for of_one in results),
        tuple(sum(result.led for result in of_one) / seeds for of_one in results),
    )


def table(seeds: int, leases: int = LEASES) -> Iterator[str]:
    """The table as Markdown, line by line as it comes to be."""
    yield f"| {' | '.join(HEADER)} |"
    yield f"| --- |{' ---: |' * (len(HEADER) - 1)}"
    for row in ROWS:
        yield str(measure(row, seeds, leases))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare Redlock with this project, fault by fault.")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"runs per row and system (default {SEEDS})")
    for line in table(parser.parse_args().seeds):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
