"""The quorum changes while it runs: the README's procedure, on real servers and agents, step by step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import Cluster, Settings, quorum_of, short_directory
from tests.support.polling import until
from tests.support.watch import Watch

pytestmark = pytest.mark.xdist_group("change")
LEASE = "1s"


def begin(settings: Settings, urls: Sequence[str], lease: str = LEASE) -> Settings:
    """The step that begins a change to these instances and this lease."""
    return Settings(urls, lease, generation=settings.generation + 1, previous=settings)


def end(settings: Settings) -> Settings:
    """The step that ends the change."""
    return replace(settings, generation=settings.generation + 1, previous=None)


@pytest.fixture(scope="module")
def servers() -> Iterator[EmbeddedQuorum]:
    """Seven servers; a quorum is some of them."""
    with quorum_of(7, transport="tcp") as servers:
        yield servers


@pytest.fixture
def first(servers: EmbeddedQuorum) -> Settings:
    """The list before any change."""
    servers.start()
    for index in range(7):
        servers.ask(index, "FLUSHALL")
    return Settings(servers.urls[:3], LEASE)


@pytest.fixture
def cluster(first: Settings) -> Iterator[Cluster]:
    """Three agents that run it, and one that leads."""
    with short_directory() as directory, Cluster(directory, first) as cluster:
        cluster.settle()
        yield cluster


def take(cluster: Cluster, step: Settings, watch: Watch) -> None:
    """Bring every node to this step, one after the other."""
    for node in cluster.nodes.values():
        node.configure(step)
        watch.hands_over(node)
        node.reload()
        until(lambda node=node: node.status()["generation"] == step.generation, f"{node} runs the step")  # type: ignore[misc]
        cluster.wait_for_leader()


def told(cluster: Cluster) -> str:
    """What `leader quorum` says at last, once nothing but time is in the way of the next step."""
    node = next(iter(cluster.nodes.values()))

    def last_line() -> str | None:
        line = node.run("quorum", "--config", str(node.config)).output.splitlines()[-1]
        is_waiting = "keep generation" in line or "runs generation" in line.partition(" only")[0]
        return None if is_waiting and " only" not in line else line

    return until(last_line, "a leader has renewed, and every node runs the step")


def test_three_instances_become_five_and_a_dead_one_is_replaced(
    cluster: Cluster, servers: EmbeddedQuorum, first: Settings, figures: Callable[[str], None]
) -> None:
    """Never two leaders, and somebody leads again within a lease after each node."""
    five = begin(first, servers.urls[:5])
    with Watch(cluster.nodes.values()) as watch:
        take(cluster, five, watch)
        assert "generation 3 may not begin yet: node c runs generation 2 for" in told(cluster)
        take(cluster, end(five), watch)
        assert told(cluster) == "generation 4 may begin"
        servers.kill(0)
        replaced = begin(end(five), servers.urls[1:6])
        take(cluster, replaced, watch)
        take(cluster, end(replaced), watch)
        assert told(cluster) == "generation 6 may begin"
        status = cluster.wait_for_leader().status()
        assert (len(status["instances"]), status["tolerates"], status["changes"]) == (5, 2, "")
    figures(f"the longest time without a leader over 12 reloads: {watch.longest_gap_ns() / 1e6:.0f} ms")


def test_all_move_to_new_hosts_with_another_lease(
    cluster: Cluster, servers: EmbeddedQuorum, first: Settings
) -> None:
    """Both lists vote meanwhile; the shorter lease is counted on; then the old hosts may go."""
    moved = begin(first, servers.urls[3:6], "2s")
    with Watch(cluster.nodes.values()) as watch:
        take(cluster, moved, watch)
        status = cluster.wait_for_leader().status()
        assert (len(status["instances"]), status["lease_ms"], status["generation"]) == (6, 1000, 2)
        assert "lease 1s to 2s" in status["changes"]
        told(cluster)
        take(cluster, end(moved), watch)
        for index in range(3):
            servers.kill(index)
        status = cluster.wait_for_leader().status()
        assert (len(status["instances"]), status["lease_ms"], status["tolerates"]) == (3, 2000, 1)


def test_a_node_that_missed_both_steps_is_refused_by_name(cluster: Cluster, first: Settings) -> None:
    """It says what is wrong; it neither leads nor keeps the others from leading."""
    late = cluster.nodes["c"]
    late.stop()
    cluster.remove(late)
    lease = begin(first, first.urls, "2s")
    with Watch(cluster.nodes.values()) as watch:
        take(cluster, lease, watch)
        told(cluster)
        take(cluster, end(lease), watch)
        leader = cluster.wait_for_leader()
        with cluster.added("c", first) as node:
            node.start()
            until(lambda: "another list, lease or generation" in node.reason(), "it is refused")
            line = leader.run("quorum", "--config", str(leader.config)).output.splitlines()[-1]
            assert line.startswith("generation 4 may not begin yet: node c runs generation 1: give it")
            assert leader.leads()
