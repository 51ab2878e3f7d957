"""The agent as a process: a second one, several elections, observers, the log, the service manager."""

import json
import signal
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import Cluster, Ended, Node, term_of
from tests.support.crowd import Crowd
from tests.support.polling import until

pytestmark = pytest.mark.xdist_group("agent-process")


# A second agent.


def second_agent(node: Node, **places: Path) -> Ended:
    """What becomes of an agent that is to use what that node's has."""
    own = {f"LEADER_{name.upper()}": str(path) for name, path in places.items()}
    node.environment |= own
    try:
        return node.run_agent()
    finally:
        node.environment.clear()


@pytest.mark.parametrize("shared", ["socket", "runtime_dir", "state_dir"])
def test_a_second_agent_in_the_same_place_is_refused_and_the_first_unharmed(
    cluster: Cluster, shared: str
) -> None:
    """The same socket, runtime or state directory: 75, one sentence, and the first goes on with its term."""
    leader = cluster.settle()
    term = term_of(leader)
    paths = {"socket": leader.socket, "runtime_dir": leader.directory, "state_dir": leader.state}
    with cluster.added("second") as second, Crowd(leader) as crowd:
        ended = second_agent(second, **{shared: paths[shared]})
    assert ended.code == 75
    assert "another agent" in ended.complaint.splitlines()[-1]
    assert crowd.failures == []
    assert all(crowd.answers)
    assert cluster.settle() is leader
    assert term_of(leader) == term


def test_of_two_agents_that_start_at_once_on_one_socket_one_is_refused(cluster: Cluster) -> None:
    """Neither finds anybody listening, so it is the lock that decides; whoever came first is asked."""
    socket_file = cluster.directory / "shared.sock"
    with cluster.added("p") as one, cluster.added("q") as other:
        for node in (one, other):
            node.environment |= {"LEADER_SOCKET": str(socket_file)}
        for _ in range(4):
            one.start(wait=False)
            other.start(wait=False)
            refused = until(lambda: next((n for n in (one, other) if not n.runs), None), "one has ended")
            (running,) = {one, other} - {refused}
            assert refused.wait() == 75
            assert f"uses {socket_file}: stop it" in refused.log().splitlines()[-1]
            until(socket_file.exists, "the other one listens")
            assert running.run("is-leader").code in {0, 1}
            assert running.stop() == 0
            assert not socket_file.exists()


def test_a_socket_that_a_killed_agent_left_is_no_obstacle(cluster: Cluster) -> None:
    """Nobody listens there any more, so the next agent replaces it."""
    node = cluster.others(cluster.settle())[0]
    node.kill()
    assert node.socket.exists()
    asked = node.run("is-leader")
    assert asked.code == 3
    assert "no agent listens" in asked.complaint
    node.start()
    assert node.run("is-leader").code == 1


def test_each_answer_has_an_exit_code_of_its_own(cluster: Cluster) -> None:
    """It leads, it does not, there is no such election, nobody knows: a crontab can tell them apart.

    Source: node-redlock#185, cronsul, cronlock's 200: "not leader", "store down" and "failed" shared one.
    """
    leader = cluster.settle()
    (follower, _) = cluster.others(leader)
    codes = [leader.run("is-leader").code, follower.run("is-leader").code, leader.run("is-leader", "x").code]
    with follower.paused():
        codes.append(follower.run("is-leader", "--timeout", "300ms").code)
    assert codes == [0, 1, 2, 3]


# Several elections, observers.


def test_elections_are_held_at_once_and_each_has_one_leader(cluster: Cluster, quorum: EmbeddedQuorum) -> None:
    """Elections share the agents and the instances, and nothing else; priorities spread them."""
    names = ["red", "green", "blue"]
    settings = replace(cluster.settings, elections=dict.fromkeys(names, 100))
    with cluster.added("x", settings) as x, cluster.added("y", settings) as y:
        x.start()
        y.start()
        leaders = {name: cluster.wait_for_leader(name) for name in names}
        for name, leader in leaders.items():
            (other,) = {x, y} - {leader}
            assert not other.leads(name)
        gone = leaders["red"]
        led = [name for name in names if leaders[name] is gone]
        gone.stop()
        for name in led:
            assert cluster.wait_for_leader(name, other_than=gone).name in "xy"
    assert quorum.ask(0, "EXISTS", "leader:test:election:red") == b":1\r\n"


def test_an_observer_never_leads(cluster: Cluster) -> None:
    """Priority 0: the node sees who leads, answers no, and is no successor even when it is alone."""
    settings = replace(cluster.settings, elections={"watched": 0})
    with (
        cluster.added("o", settings) as observer,
        cluster.added("z", replace(settings, elections={"watched": 1})) as candidate,
    ):
        observer.start()
        candidate.start()
        assert cluster.wait_for_leader("watched") is candidate
        until(
            lambda: (a := observer.leadership("watched")) and a.holder == "z", "the observer knows who leads"
        )
        candidate.stop()
        until(lambda: (a := observer.leadership("watched")) and not a.holder, "nobody leads")
        assert observer.run("is-leader", "watched").code == 1
        assert observer.reason("watched") == "this node only observes: its priority is 0"


# The log, and the service manager.


def test_the_log_can_be_json(cluster: Cluster) -> None:
    """One object a line: time, level, message, and the facts as fields."""
    settings = replace(cluster.settings, elections={"logged": 100})
    with cluster.added("j", settings) as node:
        node.start("--log", "json")
        until(lambda: node.leads("logged"), "the node leads")
        node.stop()
        lines = [json.loads(line) for line in node.log().splitlines()]
    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    (gained,) = [line for line in lines if line["message"] == "this node leads"]
    assert (gained["election"], gained["resumed"]) == ("logged", False)
    (lost,) = [line for line in lines if line["message"] == "this node leads no more"]
    assert (lost["level"], lost["reason"]) == ("warning", "this node's agent is stopping")


def test_each_transition_is_one_line_with_its_reason(cluster: Cluster) -> None:
    """Whoever reads the log learns when this node led, with which term, and why it ended."""
    leader = cluster.settle()
    before = len(leader.log().splitlines())
    leader.stop()
    lines = leader.log().splitlines()[before:]
    assert [line for line in lines if "this node leads no more" in line and "reason=" in line] == lines[:1]


class Manager:
    """Stands for the service manager: a datagram socket that keeps what it is told."""

    def __init__(self, path: Path) -> None:
        self.told: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(0)

    def hears(self, word: str) -> bool:
        """Whether this was told since the last time it was waited for."""
        while True:
            try:
                self.told += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                break
        if word not in self.told:
            return False
        del self.told[: self.told.index(word) + 1]
        return True

    def waits_for(self, word: str) -> None:
        """Return when this was told."""
        until(lambda: self.hears(word), f"the service manager is told {word}; it was told {self.told}")

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


def test_the_service_manager_is_told_ready_alive_reloading_and_stopping(cluster: Cluster) -> None:
    """READY when the socket answers, WATCHDOG while the loops turn, then RELOADING and STOPPING."""
    with cluster.added("n", replace(cluster.settings, elections={"managed": 100})) as node:
        manager = Manager(node.directory / "notify")
        node.environment |= {"NOTIFY_SOCKET": str(node.directory / "notify"), "WATCHDOG_USEC": "300000"}
        try:
            node.start(wait=False)
            manager.waits_for("READY=1")
            assert node.answers()
            manager.waits_for("WATCHDOG=1")
            manager.waits_for("WATCHDOG=1")
            node.signal(signal.SIGHUP)
            manager.waits_for("RELOADING=1")
            assert manager.told[0].startswith("MONOTONIC_USEC=")
            manager.waits_for("READY=1")
            manager.waits_for("WATCHDOG=1")
            node.signal(signal.SIGTERM)
            manager.waits_for("STOPPING=1")
            assert node.wait() == 0
        finally:
            manager.close()


def test_the_watchdog_is_fed_without_a_majority_too(cluster: Cluster, quorum: EmbeddedQuorum) -> None:
    """An outage of Redis is no reason to restart the agent: its loops turn, and it says so."""
    with cluster.added("n", replace(cluster.settings, elections={"managed": 100})) as node:
        manager = Manager(node.directory / "notify")
        node.environment |= {"NOTIFY_SOCKET": str(node.directory / "notify"), "WATCHDOG_USEC": "300000"}
        try:
            node.start()
            for index in range(3):
                quorum.hang(index)
            until(lambda: all(node.problems().values()), "no instance answers")
            for _ in range(3):
                manager.waits_for("WATCHDOG=1")
            assert node.run("status").code == 0
        finally:
            for index in range(3):
                quorum.resume(index)
            manager.close()
