"""SIGHUP: the process takes its own place, with the term kept and every client answered."""

import signal
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.agents import Cluster, term_of
from tests.support.crowd import Crowd
from tests.support.polling import PATIENCE_S, until

pytestmark = pytest.mark.xdist_group("agent-reload")


def test_a_reload_keeps_the_term_and_never_refuses_a_client(cluster: Cluster) -> None:
    """The process takes its own place: the same pid and term, and everyone who asks meanwhile is answered."""
    leader = cluster.settle()
    pid, term = leader.pid, term_of(leader)
    with cluster.alone(leader), Crowd(leader) as crowd:
        for _ in range(3):
            leader.reload()
            until(leader.leads, f"{leader} leads again")
    assert crowd.failures == []
    assert True in crowd.answers
    assert cluster.settle() is leader
    assert (leader.pid, term_of(leader)) == (pid, term)
    assert "this node leads no more" not in leader.log()


def test_is_leader_during_a_reload_is_0_or_1(cluster: Cluster) -> None:
    """The command that crontabs call waits for the new process instead of telling that there is none."""
    leader = cluster.settle()
    codes = []
    with Crowd(leader):
        leader.signal(signal.SIGHUP)
        while "agent starts" not in leader.log().rpartition("agent re-executes")[2]:
            codes.append(leader.run("is-leader", "--timeout", f"{PATIENCE_S:g}s").code)
        codes.append(leader.run("is-leader", "--timeout", f"{PATIENCE_S:g}s").code)
    assert set(codes) <= {0, 1}


def test_a_reload_takes_up_what_the_file_says_now(cluster: Cluster) -> None:
    """A new election is there, and the old one goes on with its term."""
    leader = cluster.settle()
    term = term_of(leader)
    leader.configure(replace(cluster.settings, elections={"default": 100, "reports": 50}))
    try:
        with cluster.alone(leader):
            leader.reload()
            until(lambda: leader.leads("reports"), f"{leader} leads the new election")
            until(leader.leads, f"{leader} leads the old one")
        assert term_of(leader) == term
    finally:
        leader.configure(cluster.settings)
        leader.reload()
    assert leader.run("is-leader", "reports").code == 2


def test_a_reload_of_a_broken_configuration_changes_nothing(cluster: Cluster) -> None:
    """The agent says what is wrong with the file, and goes on with what it had."""
    leader = cluster.settle()
    pid, term = leader.pid, term_of(leader)
    leader.configure(replace(cluster.settings, lease="soon"))
    try:
        leader.signal(signal.SIGHUP)
        until(lambda: "not reloaded, the agent goes on as it was" in leader.log(), "the log says so")
    finally:
        leader.configure(cluster.settings)
    assert "quorum.lease" in leader.log().splitlines()[-1]
    assert leader.leads()
    assert (leader.pid, term_of(leader)) == (pid, term)


def test_two_reloads_at_once_do_not_end_the_agent(cluster: Cluster) -> None:
    """A second SIGHUP that comes while the process takes its own place is no signal to end."""
    leader = cluster.settle()
    term = term_of(leader)
    starts = leader.log().count("agent starts")
    with cluster.alone(leader):
        leader.signal(signal.SIGHUP)
        until(lambda: "agent re-executes" in leader.log().splitlines()[-1], "the first one is on its way")
        leader.signal(signal.SIGHUP)
        until(lambda: leader.log().count("agent starts") == starts + 2, "both were carried out")
        until(leader.leads, f"{leader} leads again")
    assert cluster.settle() is leader
    assert term_of(leader) == term


def test_a_stop_that_comes_during_a_reload_is_carried_out(cluster: Cluster) -> None:
    """SIGTERM while the process takes its own place waits for the new process, which hands over."""
    leader = cluster.settle()
    leader.signal(signal.SIGHUP)
    until(lambda: "agent re-executes" in leader.log().splitlines()[-1], "the reload is on its way")
    assert leader.stop() == 0
    cluster.wait_for_leader(other_than=leader)


def test_an_agent_whose_program_is_gone_says_how_to_go_on(cluster: Cluster, tmp_path: Path) -> None:
    """As when the interpreter is replaced while it runs: it ends, and what it held may be resumed."""
    node = cluster.settle()
    assert node.stop() == 0
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    command = node.command
    node.command = lambda *words: [str(python), *command(*words)[1:]]  # type: ignore[method-assign]
    node.environment["PYTHONPATH"] = sysconfig.get_path("purelib")
    try:
        node.start()
        python.unlink()
        node.signal(signal.SIGHUP)
        assert node.wait() == 1
        assert node.log().splitlines()[-1] == (
            f"leader: the agent cannot take its own place, {python} does not start (No such file or "
            "directory): install it again and start the agent, which resumes what it held"
        )
    finally:
        del node.environment["PYTHONPATH"]
        node.command = command  # type: ignore[method-assign]
