"""`leader health` as a monitoring system runs it: one line on standard output and an exit code."""

import pytest

from tests.support.agents import Cluster, Ended, Settings
from tests.support.lone import lone
from tests.support.polling import until
from tests.support.ports import free_port

pytestmark = pytest.mark.xdist_group("health")
OK, WARNING, CRITICAL, UNKNOWN = range(4)
LOST = 75


def only_line(ended: Ended) -> str:
    """The one line that it said, all on standard output."""
    assert ended.complaint == ""
    lines = ended.output.splitlines()
    assert len(lines) == 1, ended.output
    return lines[0]


def test_a_leader_and_a_standby_are_well(cluster: Cluster) -> None:
    """Both say who leads, and how the quorum is, with performance data."""
    leader = cluster.settle()
    for node, who in ((leader, "this node"), (cluster.others(leader)[0], leader.name)):
        ended = node.run("health")
        line = only_line(ended)
        assert ended.code == OK, line
        assert line.startswith(
            f"LEADER OK - default: {who} leads; 3 of 3 instances answer; 1 more may fail | "
        )
        assert " leaderless=0;;0;0;1 " in line
        assert node.run("health", "default").code == OK


def test_no_majority_and_no_leader_are_critical() -> None:
    """Where no instance can be reached; both are told in the one line."""
    nowhere = [f"redis://127.0.0.1:{free_port()}" for _ in range(3)]
    with lone(Settings(nowhere)) as node:
        node.start()
        until(lambda: all(node.problems().values()), "it is noticed")
        ended = node.run("health")
    assert ended.code == CRITICAL
    assert only_line(ended).startswith("LEADER CRITICAL - no majority: 0 of 3 instances answer")
    assert "; nobody leads default; " in ended.output


def test_a_missed_tick_is_a_warning(cluster: Cluster) -> None:
    """Nobody has claimed it, since the leader stood still: it is told for an hour."""
    leader = cluster.settle()
    standby = cluster.others(leader)[0]
    with leader.paused():
        assert standby.run("once", "report", "--wait", "0s", "--gap", "30s", "--", "true").code == LOST
    cluster.settle()

    def told() -> str:
        line = only_line(standby.run("health"))
        return (
            line if line.startswith("LEADER WARNING - a tick of job report missed in the last hour") else ""
        )

    until(told, "it is told")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nope",), "there is no election 'nope'; there is: default"),
        (("--timeout", "soon"), "--timeout: "),
        (("--nope",), "no such option: --nope"),
        (("a", "b"), "unexpected extra argument"),
    ],
)
def test_what_is_asked_wrongly_is_unknown(cluster: Cluster, arguments: tuple[str, ...], said: str) -> None:
    """Not 2, which would tell of a failed cluster: usage errors are 3, told where monitoring reads."""
    ended = cluster.nodes["a"].run("health", *arguments)
    assert ended.code == UNKNOWN
    assert only_line(ended).startswith("LEADER UNKNOWN - ")
    assert said.lower() in ended.output.lower()


def test_an_agent_that_is_down_or_hangs_is_unknown(cluster: Cluster) -> None:
    """Nobody knows how well it is; `--timeout` says how long to be patient."""
    follower = cluster.others(cluster.settle())[0]
    with follower.paused():
        assert follower.run("health", "--timeout", "300ms").code == UNKNOWN
    follower.stop()
    ended = follower.run("health")
    assert ended.code == UNKNOWN
    assert only_line(ended).startswith("LEADER UNKNOWN - no agent has a socket at")
    follower.environment["LEADER_SOCKET"] = "/" + "x" * 200
    assert follower.run("health").code == UNKNOWN
    follower.environment.clear()


def test_an_instance_down_is_a_warning_with_its_name_and_remedy(cluster: Cluster) -> None:
    """Nothing is lost yet."""
    assert cluster.quorum is not None
    leader = cluster.settle()
    cluster.quorum.kill(0)
    until(lambda: any(leader.problems().values()), "it is noticed")
    ended = leader.run("health")
    assert (ended.code, only_line(ended).startswith("LEADER WARNING - instance ")) == (WARNING, True)
