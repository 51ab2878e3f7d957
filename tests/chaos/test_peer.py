"""The Redlock agent that is put on trial works: one leads, for longer than the lease, and is followed.

It runs on real servers here, without the lab.
"""

import sys
from collections.abc import Iterator

import pytest

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.chaos.history import lines_of
from tests.chaos.peer_lock import KEY
from tests.chaos.trial import REDLOCK
from tests.support.agents import Cluster, Node, Settings, quorum_of, short_directory
from tests.support.polling import NS_PER_S, until

LEASE_S = 1


class PeerNode(Node):
    """A node with a Redlock agent."""

    def command(self, *arguments: str) -> list[str]:
        """The agent's command, with the same words as for `leader agent`."""
        return [*self.entrance, sys.executable, "-m", *REDLOCK.program, *arguments]


@pytest.fixture
def quorum() -> Iterator[EmbeddedQuorum]:
    """Three servers."""
    with quorum_of() as servers:
        yield servers


@pytest.fixture
def peers(quorum: EmbeddedQuorum) -> Iterator[Cluster]:
    """Three Redlock agents on them."""
    with short_directory() as directory:
        cluster = Cluster(directory, Settings(quorum.urls, f"{LEASE_S}s"), names="")
        for name in "abc":
            cluster.nodes[name] = PeerNode(name, directory, cluster.settings, cluster.group)
        with cluster:
            yield cluster


def number_of(node: Node) -> int:
    """What names the leadership that this node has now; 0 if it has none."""
    answer = node.leadership()
    return answer.term if answer and answer.leader else 0


def leads_beyond_its_lease(peers: Cluster) -> bool:
    """Whether one leadership is told of for two leases; one that a busy machine ends does not count."""
    node = peers.wait_for_leader()
    number, begin = number_of(node), now_ns()
    while number and number_of(node) == number:
        if now_ns() - begin > 2 * LEASE_S * NS_PER_S:
            return True
    return False


def test_a_lock_is_extended_beyond_its_lease(peers: Cluster) -> None:
    """One leadership goes on for two leases."""
    until(lambda: leads_beyond_its_lease(peers), "a Redlock is extended")


def test_another_node_leads_after_a_kill(peers: Cluster) -> None:
    """The lock of a node that is gone expires, and a new leadership begins at another."""
    first = peers.wait_for_leader()
    number = until(lambda: number_of(first), "it leads for now")
    first.kill()
    others = peers.others(first)
    until(lambda: any(number_of(node) > number for node in others), "another node leads")


def ends_in_order(peers: Cluster) -> bool:
    """Whether SIGTERM ended the node that leads, which wrote down what it gave up; if not, it is back."""
    node = peers.wait_for_leader()
    number = number_of(node)
    assert node.stop() == 0
    released = [line["term"] for line in lines_of(node.directory / "releases")]
    if number in released:
        return True
    node.start()
    return False


def test_a_node_that_is_ended_releases_its_lock(peers: Cluster) -> None:
    """SIGTERM ends it, and what it gave up is written down, as the excuse of who leads next."""
    until(lambda: ends_in_order(peers), "a node gives up what it held")


def test_a_lock_that_is_lost_is_noticed(peers: Cluster, quorum: EmbeddedQuorum) -> None:
    """Where somebody else has the keys, all nodes say no."""
    first = peers.wait_for_leader()
    number = until(lambda: number_of(first), "it leads for now")
    for index in range(len(quorum.urls)):
        quorum.ask(index, "SET", f"redlock:{KEY}", "somebody else's", "PX", "60000")
    until(lambda: number_of(first) != number, "it leads no more")
    until(lambda: peers.leader() is None, "nobody leads")
