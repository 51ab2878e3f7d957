"""What many candidates cost the instances, and does an election among a thousand settle as among three?

    python -m tests.benchmarks.scale --nodes 3 1000
    python -m tests.benchmarks.scale --nodes 10 --elections 1 10 100
    python -m tests.benchmarks.scale --nodes 100 --instances 3 7

The agents are real, and so are their connections; many share a process. In steady state, an instance's
processor and calls are metered; then, with one election on five instances, the leader crashes, and later
releases, some times each. Goals: a thousand use under 5 % of a core per instance, and who wins claims as few
times as among three.
"""

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks.crowds import Crowd, Ending, crowd_of
from tests.benchmarks.meter import Served, Used, serving, using
from tests.benchmarks.rows import OWN, Figure, exit_code, tell

LEASE_S = 10
BEAT_S = LEASE_S / 3
MOST_CPU, MOST_CLAIMS = 5.0, 2.0
PATIENCE_S, STARTS_WITHIN_S = 6.0 * LEASE_S, 12.0 * LEASE_S
HOW = f"agents in {{}} processes, real connections, lease {LEASE_S} s"


@dataclass(frozen=True, slots=True)
class Size:
    """How many of what, for how long it is metered, and how often the leader crashes and releases."""

    nodes: int
    elections: int
    instances: int
    seconds: float
    ends: int

    def __str__(self) -> str:
        plural = "s" if self.elections > 1 else ""
        return f"{self.nodes:,} nodes, {self.elections} election{plural}, {self.instances} instances"


def main() -> int:
    """Measure and tell; 3 if a goal was missed."""
    costs = {}
    for size in sizes():
        cpu = measure(size)
        if cpu is not None and size.ends:
            costs[size.nodes] = cpu
    tell_curve(costs)
    return exit_code()


def sizes() -> Iterator[Size]:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--nodes", type=int, nargs="+", default=[3])
    parser.add_argument("--elections", type=int, nargs="*", default=[])
    parser.add_argument("--instances", type=int, nargs="*", default=[])
    options = parser.parse_args()
    by_cost_alone = bool(options.elections or options.instances)
    seconds, ends = (5, 1) if options.quick else (40, 3)
    for nodes, elections, instances in product(
        options.nodes, options.elections or [1], options.instances or [5]
    ):
        yield Size(nodes, elections, instances, seconds, 0 if by_cost_alone else ends)


def measure(size: Size) -> float | None:
    """One size: what an instance used in steady state, in percent of a core; None if there was none."""
    with (
        tempfile.TemporaryDirectory(prefix="lb-") as directory,
        EmbeddedQuorum(Path(directory) / "q", size.instances, "tcp") as quorum,
        crowd_of(size.nodes, size.elections, quorum.urls, f"{LEASE_S}s", LEASE_S) as crowd,
    ):
        if not crowd.settled(size.elections, STARTS_WITHIN_S):
            tell_failure(size, crowd, quorum)
            return None
        crowd.wait(2 * BEAT_S)  # the last to start have joined, and are known
        cpu = meter(size, crowd, quorum)
        for how in ("crash", "release") if size.ends else ():
            tell_endings(size, how, [end(crowd, how) for _ in range(size.ends)])
        return cpu


def end(crowd: Crowd, how: str) -> Ending | None:
    """End the leader; it is back, and known to all, when this returns."""
    ending = crowd.end_leader(how, PATIENCE_S)
    crowd.wait(LEASE_S)
    return ending


def meter(size: Size, crowd: Crowd, quorum: EmbeddedQuorum) -> float:
    """The steady state: what all this asks of an instance, and what that costs it, which is returned."""
    with ExitStack() as stack:
        instances = [stack.enter_context(using(quorum.pid(index))) for index in range(size.instances)]
        processes = [stack.enter_context(using(process.pid)) for process in crowd.processes]
        served = stack.enter_context(serving(quorum.urls[0]))
        lost = sum(told.what == "lost" for told in crowd.listen(size.seconds))
    tell_steady(size, instances, processes, served, lost)
    return mean_cpu(instances)


def mean_cpu(instances: Sequence[Used]) -> float:
    """What an instance used, in percent of a core."""
    return statistics.mean(used.cpu for used in instances)


def tell_steady(
    size: Size, instances: Sequence[Used], processes: Sequence[Used], served: Served, lost: int
) -> None:
    """The row of the steady state."""
    cpu = mean_cpu(instances)
    tell(
        f"{size}: steady",
        OWN,
        [
            Figure("CPU of an instance", cpu, "%", most=MOST_CPU),
            Figure("calls", served.scripts, "/s"),
            Figure("commands", served.commands, "/s"),
            Figure("a call", cpu * 10_000 / max(served.scripts, 0.001), "us of it"),
            Figure("sent to it", served.received / 1000, "kB/s"),
            Figure("received", served.sent / 1000, "kB/s"),
            Figure("CPU of a node", sum(used.cpu for used in processes) / size.nodes, "%"),
            Figure("lost leaderships", lost, "", most=0),
        ],
        HOW.format(len(processes)),
    )


def tell_curve(costs: Mapping[int, float]) -> None:
    """The row of the two largest sizes: how the cost grows with the nodes, and how many use up a core."""
    if len(costs) < 2:
        return
    *_, (few, cheap), (many, dear) = sorted(costs.items())
    power = math.log(dear / cheap) / math.log(many / few)
    if power <= 0:
        return
    tell(
        "an instance is saturated",
        OWN,
        [
            Figure("by", many * (100 / dear) ** (1 / power), "nodes"),
            Figure("cost grows with the number of nodes to the power of", power, ""),
        ],
        f"extrapolated from {few} and {many} nodes, 1 election, 5 instances",
    )


def tell_endings(size: Size, how: str, endings: Sequence[Ending | None]) -> None:
    """The row of what followed each crash, or each release."""
    case = f"{size}: {how} of the leader"
    known = [ending for ending in endings if ending is not None]
    unsettled = Figure("unsettled", len(endings) - len(known), f"of {len(endings)}", most=0)
    if not known:
        tell(case, OWN, [unsettled])
        return
    tell(
        case,
        OWN,
        [
            Figure("p50", statistics.median(each.leaderless_ms for each in known), "ms"),
            Figure("worst", max(each.leaderless_ms for each in known), "ms"),
            Figure("from the first claim", statistics.median(each.settling_ms for each in known), "ms"),
            Figure("claims of the winner", max(each.claims for each in known), "", most=MOST_CLAIMS),
            Figure("herd", max(each.herd for each in known), "claimed"),
            unsettled,
        ],
    )


def tell_failure(size: Size, crowd: Crowd, quorum: EmbeddedQuorum) -> None:
    """The row of a size that the quorum, or this machine, could not carry."""
    with ExitStack() as stack:
        instances = [stack.enter_context(using(quorum.pid(index))) for index in range(size.instances)]
        crowd.wait(LEASE_S)
    cpu = mean_cpu(instances)
    of = len(crowd.processes)
    tell(
        f"{size}: not settled within {STARTS_WITHIN_S:g} s",
        OWN,
        [
            Figure("led", len(crowd.holders), f"of {size.elections} elections", least=size.elections),
            Figure("started", crowd.started, f"of {of} processes with all of their agents", least=of),
            Figure("CPU of an instance", cpu, "%", most=MOST_CPU),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
