"""The lease files of real agents: what the shell says by them is true as long as it says so."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from leader.clock import now_ns
from tests.e2e.shells import SHELLS, Script
from tests.support.agents import Cluster, Node, Settings, quorum_of, short_directory
from tests.support.polling import NS_PER_S, until

LEASE_S = 2


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two agents on three servers."""
    with quorum_of(3) as quorum, short_directory() as directory:
        settings = Settings(quorum.urls, f"{LEASE_S}s", elections={"default": 100, "reports": 100})
        with Cluster(directory, settings, "ab", quorum) as cluster:
            yield cluster


@pytest.fixture
def leader(cluster: Cluster) -> Node:
    """The node that leads, and goes on leading."""
    return cluster.settle()


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """The script beside a stand-in for Python."""
    return Script(tmp_path)


def says_yes(
    script: Script, node: Node, election: str = "default", shell: tuple[str, ...] = SHELLS[0]
) -> bool:
    """Whether the script says so, of this node."""
    return script("is-leader", election, by=shell, LEADER_SOCKET=str(node.socket)).said_yes


def lease_file(node: Node, election: str = "default") -> Path:
    """Where a node's lease file is."""
    return node.directory / f"leader.sock.leases/{election}"


def let_lead(cluster: Cluster, node: Node) -> None:
    """Have this one lead, as soon as the leader knows that it could."""

    def has_handed_over() -> bool:
        return node.leads() or cluster.settle().run("step-down", "--to", node.name).code == 0

    until(has_handed_over, f"{node} is handed the leadership")
    until(node.leads, f"{node} leads")


@pytest.mark.needs("dash", "bash", "busybox")
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_the_leader_alone_is_a_yes(
    cluster: Cluster, leader: Node, script: Script, shell: tuple[str, ...]
) -> None:
    """In each shell; of an election that is not there, no shell says anything."""
    until(lambda: says_yes(script, leader, shell=shell), "the shell says yes")
    for other in cluster.others(leader):
        assert not says_yes(script, other, shell=shell)
    assert not says_yes(script, leader, "nope", shell=shell)


def test_the_yes_goes_on_while_the_lease_is_renewed(leader: Node, script: Script) -> None:
    """For more than a lease; the file is new each time, and each says a later end."""
    ends_ns = now_ns() + 3 * LEASE_S * NS_PER_S // 2
    seen: dict[int, list[int]] = {}
    until(lambda: says_yes(script, leader), "the shell says yes")
    while now_ns() < ends_ns:
        words = lease_file(leader).read_text().split()
        seen.setdefault(int(words[2]), []).append(int(words[5]))
    for untils in seen.values():
        assert untils == sorted(untils)
    assert sum(len(set(untils)) for untils in seen.values()) >= 3


def test_a_stopped_leader_is_a_yes_until_its_deadline_and_no_longer(
    cluster: Cluster, leader: Node, script: Script
) -> None:
    """Rule R3 lets it: nobody else can lead before. From then on the agent is asked, which is silent: 3."""
    until(lambda: says_yes(script, leader), "the shell says yes")
    (other,) = cluster.others(leader)
    with leader.paused():
        ends = int(lease_file(leader).read_text().split()[5])
        assert says_yes(script, leader)
        until(other.leads, "the other one leads")
        assert now_ns() // 10_000_000 > ends
        assert not says_yes(script, leader)
        assert leader.run("is-leader", "--timeout", "100ms").code == 3


def test_a_killed_leader_is_no_yes_any_more(leader: Node, script: Script) -> None:
    """Also before its parent has heard of it; its file is still there, and is removed by the next agent."""
    until(lambda: says_yes(script, leader), "the shell says yes")
    leader.signal(signal.SIGKILL)
    os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
    assert lease_file(leader).exists()
    assert not says_yes(script, leader)
    assert not leader.runs
    assert not says_yes(script, leader)


def test_a_paused_leader_is_no_yes_any_more(leader: Node, script: Script) -> None:
    """From the moment in which the command has ended, and of all elections."""
    until(lambda: says_yes(script, leader), "the shell says yes")
    try:
        assert leader.run("pause").code == 0
        assert not says_yes(script, leader)
        assert not says_yes(script, leader, "reports")
    finally:
        leader.run("resume")


def test_a_leader_that_ends_leaves_no_file(leader: Node, script: Script) -> None:
    """Nor their directory."""
    until(lambda: says_yes(script, leader), "the shell says yes")
    leader.stop()
    assert not lease_file(leader).parent.exists()


def test_a_leader_that_takes_its_own_place_goes_on_being_a_yes(leader: Node, script: Script) -> None:
    """SIGHUP: the new process shows what it has resumed."""
    until(lambda: says_yes(script, leader), "the shell says yes")
    term = lease_file(leader).read_text().split()[2]
    leader.reload()
    until(lambda: says_yes(script, leader), "the shell says yes again")
    assert lease_file(leader).read_text().split()[2] == term


def test_no_question_that_begins_after_a_new_leader_leads_is_a_yes_of_the_old_one(
    cluster: Cluster, script: Script
) -> None:
    """Planned hand-overs, again and again, while the old leader's shell is asked without a pause."""
    for _ in range(5):
        leader = cluster.settle()
        until(lambda: says_yes(script, leader), "the shell says yes")  # noqa: B023 - it is called at once
        (other,) = cluster.others(leader)
        led_since: list[int] = []
        watcher = threading.Thread(target=watch, args=(other, led_since))
        watcher.start()
        order = threading.Thread(target=let_lead, args=(cluster, other))
        order.start()
        late, asked_late = 0, 0
        while asked_late < 20:
            began = now_ns()
            answer = says_yes(script, leader)
            if led_since and began > led_since[0]:
                asked_late += 1
                late += answer
        order.join()
        watcher.join()
        assert not late


def watch(node: Node, led_since: list[int]) -> None:
    """Note when this node was first known to lead."""
    until(node.leads, f"{node} leads")
    led_since.append(now_ns())


@pytest.mark.needs("root", "unshare", "nsenter")
def test_a_leader_that_cannot_remove_its_file_does_not_release(cluster: Cluster, script: Script) -> None:
    """Its file goes on to say yes, so nobody else may lead before the deadline that stands there."""
    leader = cluster.settle()
    leader.stop()
    leader.entrance = ("unshare", "--mount")
    try:
        leader.start()
        check_unremovable(cluster, leader, script)
    finally:
        leader.kill()
        leader.entrance = ()


def check_unremovable(cluster: Cluster, leader: Node, script: Script) -> None:
    """Let the other one hand over to it, make its files unremovable, and let it hand over in turn."""
    (other,) = cluster.others(leader)
    let_lead(cluster, leader)
    until(lambda: says_yes(script, leader), "the shell says yes")
    leases = str(lease_file(leader).parent)
    mount = f"mount --bind {leases} {leases} && mount -o remount,bind,ro {leases}"
    subprocess.run(["nsenter", "-t", str(leader.pid), "-m", "sh", "-c", mount], check=True)
    order = threading.Thread(target=leader.run, args=("step-down",))
    order.start()
    until(lambda: not leader.leads(), "it does not lead in its own eyes")
    assert says_yes(script, leader)
    ends = int(lease_file(leader).read_text().split()[5])
    until(other.leads, "the other one leads")
    assert now_ns() // 10_000_000 > ends
    assert not says_yes(script, leader)
    order.join()
    assert "cannot be removed (Read-only file system): what this node held runs out" in leader.log()


@pytest.mark.needs("root", "unshare")
def test_an_agent_whose_uptime_is_made_up_has_no_file(cluster: Cluster, leader: Node, script: Script) -> None:
    """A container with lxcfs: what a shell would compare with means nothing there."""
    for other in cluster.others(leader):
        other.stop()
        uptime = other.directory / "uptime"
        uptime.write_text("100.00 100.00\n")
        change = f'mount --bind {uptime} /proc/uptime; exec "$@"'
        other.entrance = ("unshare", "--mount", "sh", "-ec", change, "sh")
        try:
            other.start()
            let_lead(cluster, other)
            assert not list(lease_file(other).parent.iterdir())
            assert not says_yes(script, other)
        finally:
            other.kill()
            other.entrance = ()


def test_who_may_not_ask_the_agent_is_told_nothing_by_a_file(cluster: Cluster, leader: Node) -> None:
    """`[api] socket_mode`: the file would tell them."""
    settings = leader.settings
    leader.configure(
        Settings(settings.urls, settings.lease, settings.elections, '[api]\nsocket_mode = "0660"')
    )
    try:
        leader.reload()
        until(leader.leads, "it leads")
        assert not lease_file(leader).exists()
    finally:
        leader.configure(settings)
        leader.reload()
        cluster.settle()
