"""What an agent costs while nothing happens: memory, processor, wakeups, and what it asks of each instance.

    python -m tests.benchmarks.footprint [--quick] [--instances 3 5 7]

Three agents, of which one leads all elections, over 1, 10, 100 elections and 3, 5, 7 instances, a lease of
10 s; beside etcd and its client that holds a lock. Goals: 45 MB resident and 0.1 % of a core with one
election; each further election a tenth of the first.
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from leader.instances.embedded import EmbeddedQuorum
from leader.instances.program import find_server
from tests.benchmarks import etcd
from tests.benchmarks.meter import Memory, Served, Used, memory, serving, using
from tests.benchmarks.peers import Peers
from tests.benchmarks.rows import OWN, Figure, exit_code, tell
from tests.support.agents import Cluster, Node, Settings, quorum_of, short_directory
from tests.support.polling import until

LEASE = "10s"
MOST_MB, MOST_CPU, MOST_FURTHER = 45.0, 0.1, 0.1
NODES = "abc"
INSTANCES = (3, 5, 7)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one case costs: the leading agent, one that stands by, and an instance."""

    leading: Used
    idle: Used
    agent: Memory
    instance: Memory
    instance_use: Used
    served: Served


def main() -> int:
    """Measure and tell; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--instances", type=int, nargs="*", default=INSTANCES)
    options = parser.parse_args()
    seconds = 8.0 if options.quick else 40.0
    costs = {}
    for instances, elections in product(options.instances, (1, 10) if options.quick else (1, 10, 100)):
        costs[elections, instances] = cost = measure(elections, instances, seconds)
        show(elections, instances, cost)
        if elections == 1 and instances == etcd.NODES:
            show_instance(elections, instances, cost)
            show_etcd(case(elections, instances), seconds)
        if elections > 1:
            show_further(elections, instances, costs[1, instances], cost)
    return exit_code()


def case(elections: int, instances: int) -> str:
    """A case in words."""
    return f"{elections} election{'s' if elections > 1 else ''}, {instances} instances"


# The agents.


def measure(elections: int, instances: int, seconds: float) -> Cost:
    """Run so many elections for so long."""
    with (
        short_directory() as directory,
        quorum_of(instances, transport="tcp") as quorum,
        Cluster(directory, settings(quorum, elections, 100), NODES[:1], quorum) as cluster,
    ):
        for name in NODES[1:]:
            cluster.add(name, settings(quorum, elections, 50)).start()
        first, second, _ = cluster.nodes.values()
        until(lambda: leads_all(first), f"{first} leads every election", 60)
        time.sleep(seconds / 4)  # what follows a start is over: caches are warm, nobody rests
        pid = quorum.pid(0)
        with (
            using(first.pid) as leading,
            using(second.pid) as idle,
            using(pid) as instance,
            serving(quorum.urls[0]) as served,
        ):
            time.sleep(seconds)
        return Cost(leading, idle, memory(first.pid), memory(pid), instance, served)


def settings(quorum: EmbeddedQuorum, elections: int, priority: int) -> Settings:
    """What the file of a node says."""
    return Settings(quorum.urls, LEASE, {f"e{number}": priority for number in range(elections)})


def leads_all(node: Node) -> bool:
    """Whether this node leads each election."""
    return all(view["role"] == "holder" for view in node.status()["elections"])


def show(elections: int, instances: int, cost: Cost) -> None:
    """The row of the agents."""
    single = elections == 1
    tell(
        case(elections, instances),
        OWN,
        [
            Figure("PSS", cost.agent.pss, "MB"),
            Figure("RSS", cost.agent.rss, "MB", most=MOST_MB if single else None),
            Figure("CPU", cost.leading.cpu, "%"),
            Figure("CPU idle", cost.idle.cpu, "%", most=MOST_CPU if single else None),
            Figure("wakeups", cost.leading.wakeups, "/s"),
            *traffic(cost),
        ],
        f"`leader agent`, {len(NODES)} of them, lease {LEASE}; traffic per instance and node",
    )


def traffic(cost: Cost) -> list[Figure]:
    """What one node asks of one instance."""
    served, nodes = cost.served, len(NODES)
    return [
        Figure("calls", served.scripts / nodes, "/s"),
        Figure("commands", served.commands / nodes, "/s"),
        Figure("sent to it", served.received / nodes / 1000, "kB/s"),
        Figure("received", served.sent / nodes / 1000, "kB/s"),
    ]


def show_instance(elections: int, instances: int, cost: Cost) -> None:
    """The row of an instance."""
    tell(
        case(elections, instances),
        f"{OWN}, one of its instances",
        [
            Figure("PSS", cost.instance.pss, "MB"),
            Figure("RSS", cost.instance.rss, "MB"),
            Figure("CPU", cost.instance_use.cpu, "%"),
            Figure("wakeups", cost.instance_use.wakeups, "/s"),
        ],
        f"`{find_server().name}`, without persistence",
    )


def show_further(elections: int, instances: int, one: Cost, many: Cost) -> None:
    """What each further election adds, as a share of what the first one costs."""
    further = elections - 1

    def share(first: float, all_of_them: float) -> float:
        return (all_of_them - first) / further / first

    tell(
        f"each further of {elections} elections, {instances} instances",
        OWN,
        [
            Figure("CPU", share(one.leading.cpu, many.leading.cpu), "of the first", most=MOST_FURTHER),
            Figure("CPU idle", share(one.idle.cpu, many.idle.cpu), "of the first", most=MOST_FURTHER),
            Figure("PSS", share(one.agent.pss, many.agent.pss), "of the first", most=MOST_FURTHER),
            Figure("calls", share(one.served.scripts, many.served.scripts), "of the first"),
            Figure("sent to it", share(one.served.received, many.served.received), "of the first"),
            Figure("received", share(one.served.sent, many.served.sent), "of the first"),
        ],
    )


# The peer.


def show_etcd(told: str, seconds: float) -> None:
    """The rows of a server of etcd, of the client that holds a lock, and of one that waits for it."""
    if not etcd.is_here():
        tell(told, "etcd", (), etcd.ABSENT)
        return
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lb-")))
        nodes = stack.enter_context(etcd.etcd_of(directory))
        group = stack.enter_context(Peers(nodes.command("lock", "--ttl=10", "NAME"), len(NODES)))
        time.sleep(seconds / 4)
        holder, waiter, _ = group.pids
        of_each = {
            "server": ("`etcd`, one of three", nodes.processes[0].pid),
            "client that holds": ("`etcdctl lock --ttl=10 NAME`", holder),
            "client that waits": ("`etcdctl lock --ttl=10 NAME`", waiter),
        }
        sizes = {who: memory(pid) for who, (_, pid) in of_each.items()}
        with ExitStack() as metering:
            used = {who: metering.enter_context(using(pid)) for who, (_, pid) in of_each.items()}
            time.sleep(seconds)
        for who, (how, _) in of_each.items():
            tell(told, f"{etcd.version()}, {who}", figures(sizes[who], used[who]), how)


def figures(size: Memory, used: Used) -> list[Figure]:
    """Those of one process."""
    return [
        Figure("PSS", size.pss, "MB"),
        Figure("RSS", size.rss, "MB"),
        Figure("CPU", used.cpu, "%"),
        Figure("wakeups", used.wakeups, "/s"),
    ]


if __name__ == "__main__":
    sys.exit(main())
