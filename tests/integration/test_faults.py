"""Agents and instances with a network in between that loses, delays, dribbles and cuts.

Where a minority of the instances is affected, the leadership stands, with its term; where a majority is,
it ends in time and comes back. Never do two nodes lead: all are asked all the time.
"""

from collections.abc import Callable, Iterator

import pytest

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.faults.proxy import Fault
from tests.faults.wall import Wall, wall
from tests.support.agents import (
    BEAT_S,
    LEASE_S,
    SURE_S,
    Cluster,
    Settings,
    quorum_of,
    short_directory,
    term_of,
)
from tests.support.polling import NS_PER_S, always, until
from tests.support.watch import Watch

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.needs("unshare")]  # SO_PEERCRED: on Linux

Harm = Callable[[Wall, tuple[int, ...]], None]


def fault(kind: Fault) -> Harm:
    """What makes these proxies do that."""
    return lambda built, indices: built.misbehave(kind, *indices)


LASTING: dict[str, Harm] = {
    "requests lost": fault(Fault.SWALLOW_REQUESTS),
    "replies lost": fault(Fault.SWALLOW_REPLIES),
    "all lost": fault(Fault.SWALLOW_ALL),
    "refused": fault(Fault.REFUSE),
    "trickled": fault(Fault.TRICKLE),
    "delayed beyond patience": lambda built, indices: built.delay(LEASE_S / 2, *indices),
}
"""With any of these before it, an instance gives no vote."""

PASSING: dict[str, Harm] = {
    "cut": lambda built, indices: built.cut(*indices),
    "half open": lambda built, indices: built.lose_connections(*indices),
    "dribbled": fault(Fault.DRIBBLE),
    "delayed within patience": lambda built, indices: built.delay(LEASE_S / 100, *indices),
}
"""With these it does, at the latest when the agent has connected anew."""


@pytest.fixture(scope="module")
def built(quorum: EmbeddedQuorum) -> Iterator[Wall]:
    """A proxy before each server; on Unix sockets, so that it knows which agent it serves."""
    with short_directory() as directory, wall(quorum.urls, directory) as proxies:
        yield proxies


@pytest.fixture(scope="module")
def behind(built: Wall) -> Iterator[Cluster]:
    """Three agents on the servers behind the proxies."""
    with short_directory() as directory, Cluster(directory, Settings(built.urls)) as cluster:
        yield cluster


@pytest.fixture
def cluster(behind: Cluster, built: Wall) -> Cluster:
    """The agents, with a network that is sound when the test begins."""
    built.mend()
    behind.settle()
    return behind


@pytest.mark.parametrize("harm", LASTING.values(), ids=LASTING.keys())
def test_a_minority_behind_a_bad_network_costs_nothing(cluster: Cluster, built: Wall, harm: Harm) -> None:
    """One instance that gives no vote for two leases: the same leader, the same term, no moment without."""
    leader = cluster.settle()
    term = term_of(leader)
    with Watch(cluster.nodes.values()) as watch:
        harm(built, (0,))
        until(lambda: next(iter(leader.problems().values())), "the instance is missed")
        always(leader.leads, f"{leader} leads", 2 * LEASE_S)
    assert watch.leaders() == [leader.name]
    assert term_of(leader) == term


@pytest.mark.parametrize("harm", LASTING.values(), ids=LASTING.keys())
def test_a_majority_behind_a_bad_network_ends_the_leadership_in_time(
    cluster: Cluster, built: Wall, harm: Harm
) -> None:
    """Two instances of three give no vote: no yes counts beyond the lease; then somebody leads again."""
    leader = cluster.settle()
    term = term_of(leader)
    with Watch(cluster.nodes.values()) as watch:
        until(lambda: watch.claims, "the leader says yes")
        begun_at = now_ns()
        harm(built, (0, 1))
        until(lambda: not leader.leads(), f"{leader} gives up")
        assert (max(claim.until for claim in watch.claims) - begun_at) / NS_PER_S <= SURE_S + LEASE_S / 2
        always(lambda: cluster.leader() is None, "nobody leads", BEAT_S)
        built.mend()
        successor = cluster.wait_for_leader()
        until(lambda: watch.claims[-1].since > begun_at, f"{successor} was heard")
    assert term_of(cluster.settle()) > term


@pytest.mark.parametrize("harm", PASSING.values(), ids=PASSING.keys())
def test_what_passes_costs_nothing_even_at_all_instances(cluster: Cluster, built: Wall, harm: Harm) -> None:
    """Connections that end, or hang, are made anew in time; slow answers are waited for."""
    leader = cluster.settle()
    term = term_of(leader)
    with Watch(cluster.nodes.values()) as watch:
        harm(built, (0, 1, 2))
        always(leader.leads, f"{leader} leads", 2 * LEASE_S)
    assert watch.leaders() == [leader.name]
    assert term_of(leader) == term


@pytest.mark.parametrize(
    "kind", [Fault.SWALLOW_REQUESTS, Fault.SWALLOW_REPLIES, Fault.SWALLOW_ALL], ids=lambda kind: kind.name
)
def test_a_leader_that_is_cut_off_stops_before_another_begins(
    cluster: Cluster, built: Wall, kind: Fault
) -> None:
    """Only the leader loses the instances, in one direction or both: it ends, then another leads.

    The old one's late requests and replies change nothing when the network is back.
    """
    leader = cluster.settle()
    with Watch(cluster.nodes.values()) as watch:
        until(lambda: watch.claims, "the leader says yes")
        built.misbehave(kind, 0, 1, 2, pid=leader.pid)
        if kind is Fault.SWALLOW_REPLIES:
            # its renewals arrive, so nobody else may take over: it stops all the same, for it does not know
            until(lambda: not leader.leads(), f"{leader} gives up")
        successor = cluster.wait_for_leader(other_than=leader)
        until(lambda: watch.claims[-1].node == successor.name, "the successor was heard")
        built.mend()
        until(lambda: (a := leader.leadership()) and a.holder == successor.name, f"{leader} knows who leads")
        always(successor.leads, f"{successor} leads", LEASE_S)
    assert watch.leaders() == [leader.name, successor.name]


def test_a_follower_that_is_cut_off_disturbs_nobody(cluster: Cluster, built: Wall) -> None:
    """It sees no majority, so it claims nothing, and back again it takes nothing away."""
    leader = cluster.settle()
    term = term_of(leader)
    follower = cluster.others(leader)[0]
    with Watch(cluster.nodes.values()) as watch:
        built.misbehave(Fault.SWALLOW_ALL, 0, 1, 2, pid=follower.pid)
        until(lambda: follower.status()["tolerates"] == -1, f"{follower} sees no majority")
        assert follower.run("is-leader").code == 1
        built.mend()
        until(lambda: follower.status()["tolerates"] == 1, f"{follower} sees all instances")
        always(leader.leads, f"{leader} leads", LEASE_S)
    assert watch.leaders() == [leader.name]
    assert term_of(leader) == term


def test_instances_are_reached_through_loopback_ports_too() -> None:
    """The same proxy on TCP: the leadership stands while one instance's replies come a byte at a time."""
    with (
        short_directory() as directory,
        quorum_of(3, transport="tcp") as servers,
        wall(servers.urls) as proxies,
        Cluster(directory, Settings(proxies.urls), "a") as cluster,
    ):
        leader = cluster.settle()
        term = term_of(leader)
        proxies.misbehave(Fault.DRIBBLE, 0)
        proxies.misbehave(Fault.SWALLOW_REPLIES, 1)
        until(lambda: list(leader.problems().values())[1], "the instance is missed")
        always(leader.leads, f"{leader} leads", LEASE_S)
        assert term_of(leader) == term
