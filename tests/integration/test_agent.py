"""Three agents as processes on three real servers: who leads, and what ends a leadership."""

import signal
from typing import Any

import pytest

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from leader.protocol import ranking
from tests.support.agents import BEAT_S, LEASE_S, SURE_S, Cluster, Node, term_of
from tests.support.notices import Ear
from tests.support.polling import NS_PER_S, always, until
from tests.support.watch import Watch

pytestmark = pytest.mark.xdist_group("agents")
SLACK_S = 2.0
"""What a loaded machine may add to a fail-over; how fast it really is, the benchmarks say."""


def holder_for(node: Node) -> str:
    """Who leads, as this node knows."""
    answer = node.leadership()
    assert answer is not None
    return answer.holder


def test_exactly_one_of_three_leads_and_all_name_it(cluster: Cluster) -> None:
    """One node answers yes, the two others no, and each knows who leads with which term."""
    leader = cluster.settle()
    with Watch(cluster.nodes.values()) as watch:
        until(lambda: len(watch.claims) > 10, "the leader says yes a few times")
    assert watch.leaders() == [leader.name]
    answers = [node.leadership() for node in cluster.nodes.values()]
    assert {(answer.holder, answer.term) for answer in answers if answer} == {(leader.name, term_of(leader))}
    assert [node.run("is-leader").code for node in (leader, *cluster.others(leader))] == [0, 1, 1]


def test_is_leader_is_silent_and_status_names_the_leader(cluster: Cluster) -> None:
    """Cron mails whatever is printed; people ask `status`, on any node.

    Source: keepalived PR#41: nobody can ask from a shell who leads.
    """
    leader = cluster.settle()
    for node in cluster.nodes.values():
        asked = node.run("is-leader")
        assert (asked.output, asked.complaint) == ("", "")
        said = node.run("status")
        assert said.code == 0
        (line,) = [line for line in said.output.splitlines() if line.startswith("default ")]
        assert line.split()[1] == leader.name


def test_after_kill_9_another_leads_within_a_lease_and_a_beat(cluster: Cluster) -> None:
    """A leader that dies blocks the others for no longer than its lease, a beat and a round trip."""
    leader = cluster.settle()
    term = term_of(leader)
    with Watch(cluster.others(leader)) as watch:
        killed_at = now_ns()
        leader.kill()
        successor = cluster.wait_for_leader(other_than=leader)
        until(lambda: watch.claims, "the successor was heard")
    assert (watch.claims[0].since - killed_at) / NS_PER_S < LEASE_S + BEAT_S + SLACK_S
    assert term_of(successor) > term


def test_sigterm_hands_over_at_once_to_the_successor_that_is_named(
    cluster: Cluster, quorum: EmbeddedQuorum
) -> None:
    """The release names the best-ranked of the others, and that one leads because of it.

    The third node is stopped meanwhile: were the named one slow, it would rightly go first.
    """
    leader = cluster.settle()
    expected, third = sorted(
        cluster.others(leader), key=lambda node: ranking.rank_key("default", node.name, 100)
    )
    with third.paused(), Ear(quorum.urls[0]) as ear, Watch(cluster.nodes.values()) as watch:
        until(lambda: watch.claims, "the leader says yes")
        watch.hands_over(leader)
        assert leader.stop() == 0
        until(lambda: watch.leaders()[-1:] == [expected.name], f"{expected} leads")
        released = until(lambda: ear.all(lambda heard: heard.state == "released"), "the release is published")
    assert (released[0].node, released[0].successor) == (leader.name, expected.name)
    assert until(lambda: ends_of_others(expected), "it is told")[0] == (leader.name, "released")
    assert not leader.socket.exists(), "who asks now is told that there is no agent"


def ends_of_others(node: Node) -> list[tuple[str, str]]:
    """Whose leadership was over and why, before this node's own, as its history has it; the newest first."""
    leaderships: Any = node.client(5.0).history()["leaderships"]
    return [(one["node"], one["cause"]) for one in leaderships[1:] if one["cause"]]


def test_the_term_grows_with_each_hand_over(cluster: Cluster) -> None:
    """A clean stop, and a start again, make each next leadership's term higher."""
    leader = cluster.settle()
    terms = [term_of(leader)]
    for _ in range(2):
        leader.stop()
        leader.start()
        leader = cluster.wait_for_leader(other_than=leader)
        terms.append(term_of(leader))
    assert terms == sorted(set(terms))


def test_a_restart_within_the_lease_resumes_the_same_term(cluster: Cluster) -> None:
    """An agent that is killed and comes back before another could take over goes on with its term (R5)."""
    leader = cluster.settle()
    term = term_of(leader)
    with cluster.alone(leader):
        leader.kill()
        leader.start()
        until(leader.leads, f"{leader} leads again")
    assert term_of(leader) == term
    assert "resumed=True" in leader.log()
    assert cluster.settle() is leader
    assert term_of(leader) == term


def test_a_stopped_leader_never_says_yes_once_its_lease_is_over(cluster: Cluster) -> None:
    """While a leader is stopped, another leads; continued, the old one knows at once.

    Source: client-go `IsLeader`, tooz `acquired`, RedLock.net#93: a stored flag that no clock checks;
    keepalived#2066, solid_queue#763, Patroni#3453: stalls that make stale leaders.
    """
    leader = cluster.settle()
    with Watch(cluster.nodes.values()) as watch:
        until(lambda: watch.claims, "the leader says yes")
        before = len(leader.log())
        with leader.paused():
            successor = cluster.wait_for_leader(other_than=leader)
            until(lambda: watch.claims[-1].node == successor.name, "the successor was heard")
        continued_at = now_ns()
        until(lambda: "this node leads no more" in leader.log()[before:], f"{leader} says that it lost")
        always(lambda: not leader.leads(), f"{leader} does not lead", BEAT_S)
    assert not [claim for claim in watch.claims if claim.node == leader.name and claim.since > continued_at]
    assert leader.leadership() is not None


def test_is_leader_against_a_stopped_agent_is_3_within_its_timeout(cluster: Cluster) -> None:
    """Nobody knows, which is not a no, and it takes no longer than was asked for."""
    node = cluster.others(cluster.settle())[0]
    with node.paused():
        begun = now_ns()
        asked = node.run("is-leader", "--timeout", "300ms")
        took_s = (now_ns() - begun) / NS_PER_S
    assert asked.code == 3
    assert "did not answer in time" in asked.complaint
    assert asked.complaint.count("\n") == 1
    assert took_s < 0.3 + SLACK_S


def test_an_agent_that_stops_without_a_majority_ends_all_the_same(
    cluster: Cluster, quorum: EmbeddedQuorum
) -> None:
    """Hung instances answer no release: the agent says so, ends, and the lease runs out by itself."""
    leader = cluster.settle()
    for index in range(3):
        quorum.hang(index)
    try:
        assert leader.stop() == 0
    finally:
        for index in range(3):
            quorum.resume(index)
    assert "did not answer at the end: what was held there runs out within one lease" in leader.log()
    cluster.wait_for_leader(other_than=leader)


def test_a_second_signal_ends_the_agent_at_once(cluster: Cluster, quorum: EmbeddedQuorum) -> None:
    """While the first one still waits for hung instances, a second one does not."""
    leader = cluster.settle()
    for index in range(3):
        quorum.hang(index)
    try:
        leader.signal(signal.SIGTERM)
        until(
            lambda: not leader.leads(), f"{leader} takes the first one in"
        )  # of two at once SIGINT goes first
        leader.signal(signal.SIGINT)
        assert leader.wait() == 128 + signal.SIGINT
    finally:
        for index in range(3):
            quorum.resume(index)
    assert "a second signal: the agent ends at once" in leader.log()


def test_nobody_leads_without_a_majority_and_somebody_when_it_is_back(
    cluster: Cluster, quorum: EmbeddedQuorum
) -> None:
    """Two of three instances gone: no yes later than the lease; back with nothing: a leader again.

    Source: kuberhealthy#1533: after a failure nobody ever contended again, and health stayed green;
    kubernetes contrib#2930: standbys reported the old leader for ever.
    """
    leader = cluster.settle()
    term = term_of(leader)
    with Watch(cluster.nodes.values()) as watch:
        quorum.kill(0)
        quorum.kill(1)
        gone_at = now_ns()  # a vote that counts may have been asked for until the second was gone
        until(lambda: not leader.leads(), f"{leader} gives up")
        until(lambda: not any(holder_for(node) for node in cluster.nodes.values()), "nobody is named")
        assert (max(claim.until for claim in watch.claims) - gone_at) / NS_PER_S <= SURE_S
        assert [node.run("is-leader").code for node in cluster.nodes.values()] == [1, 1, 1]
        assert "1 of 3 instances answer, at least 1 more must" in leader.reason()
        assert leader.get("/readyz") == 503
        assert leader.get("/livez") == 200
        quorum.start()
        cluster.wait_for_leader()
    assert term_of(cluster.settle()) > term
