"""`leader wait`, `leader quorum` and `leader --version`, as a user of a running cluster has them."""

from dataclasses import replace

import pytest

from leader import __version__
from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import Cluster
from tests.support.lone import only_sentence

pytestmark = pytest.mark.xdist_group("commands")
REACHED, TIMED_OUT, REFUSED, NO_ANSWER = 0, 1, 1, 3


def test_the_version_is_the_packages(pair: Cluster) -> None:
    """One line, for bug reports."""
    asked = pair.settle().run("--version")
    assert (asked.code, asked.output) == (0, f"leader {__version__}\n")


def test_wait_tells_by_its_exit_code_what_was_reached(pair: Cluster) -> None:
    """This node leads, some node leads, the time is over: a script can tell, and nothing is said."""
    leader = pair.settle()
    (follower,) = pair.others(leader)
    for node, options, code in (
        (leader, (), REACHED),
        (follower, ("--timeout", "300ms"), TIMED_OUT),
        (follower, ("--any",), REACHED),
    ):
        asked = node.run("wait", *options)
        assert (asked.code, asked.output, asked.complaint) == (code, "", "")


def test_wait_keeps_trying_while_there_is_no_agent_and_says_that_there_was_none(pair: Cluster) -> None:
    """An agent that is being restarted is waited for; one that never comes is no "does not lead"."""
    (follower,) = pair.others(pair.settle())
    follower.stop()
    try:
        asked = follower.run("wait", "--any", "--timeout", "300ms")
        assert asked.code == NO_ANSWER
        assert "no agent has a socket at" in only_sentence(asked)
    finally:
        follower.start()


def test_quorum_shows_what_each_instance_keeps_and_who_is_registered(
    pair: Cluster, shared_tcp: EmbeddedQuorum
) -> None:
    """Asked directly, so that it works where no agent runs."""
    leader = pair.settle()
    asked = leader.run("quorum", "--config", str(leader.config))
    first, *lines, last = asked.output.splitlines()
    assert (asked.code, first, last) == (
        0,
        "generation 1: no change is under way",
        "generation 2 may begin",
    )
    for url, line in zip(shared_tcp.urls, lines, strict=False):
        address = url.removeprefix("redis://")
        assert line.startswith(f"instance {address}: keeps generation 1 (lease 2s), written by ")
    assert [line.split(",")[0] for line in lines[3:]] == [
        "node a: runs generation 1",
        "node b: runs generation 1",
    ]


def test_quorum_tells_of_an_instance_that_is_away_in_one_sentence(pair: Cluster) -> None:
    """It names it once, and says what to do; no step may begin then."""
    leader = pair.settle()
    lonely = pair.directory / "lonely.toml"
    lonely.write_text(replace(pair.settings, urls=["redis://127.0.0.1:1/0"]).text("x"))
    asked = leader.run("quorum", "--config", str(lonely))
    assert asked.code == 1
    away, last = asked.output.splitlines()[1:]
    assert away == (
        "instance 127.0.0.1:1/0 refuses connections at 127.0.0.1:1; start its server, or correct the URL"
    )
    assert last == (
        "generation 2 may not begin yet: 0 of 1 instances keep generation 1: a leader that runs it has to "
        "renew at 1 more"
    )


def test_a_purge_is_refused_while_agents_run(pair: Cluster) -> None:
    """It would take the lease from under a leader: the sentence names who still runs."""
    leader = pair.settle()
    asked = leader.run("quorum", "--purge", "--config", str(leader.config))
    assert asked.code == REFUSED
    assert "agents of cluster test run (a, b): stop them, or say --force" in only_sentence(asked)
    assert leader.leads()


def test_another_lease_takes_effect_by_stop_purge_change_and_start(
    pair: Cluster, shared_tcp: EmbeddedQuorum
) -> None:
    """The README's way for who can be without a leader meanwhile, word by word."""
    leader = pair.settle()
    for node in pair.nodes.values():
        node.stop()
    purged = leader.run("quorum", "--purge", "--config", str(leader.config))
    assert (purged.code, purged.complaint) == (0, "")
    assert shared_tcp.ask(0, "DBSIZE") == b":0\r\n"
    try:
        for node in pair.nodes.values():
            node.configure(replace(pair.settings, lease="1s"))
            node.start()
        assert pair.wait_for_leader().status()["lease_ms"] == 1000
    finally:
        for node in pair.nodes.values():
            node.stop()
            node.configure(pair.settings)
        leader.run("quorum", "--purge", "--config", str(leader.config))
