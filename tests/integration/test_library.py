"""Programs that work under a leadership of real agents: told in time, whatever happens to agent and quorum.

Each test holds for threads and for tasks.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leader.api.client import Client
from leader.clock import now_ns
from leader.errors import AgentUnreachable, LeadershipLost, UnknownElection
from leader.instances.embedded import EmbeddedQuorum
from tests.integration.workers import KINDS, Worker, seconds, working
from tests.support.agents import (
    LEASE_S,
    PROJECT,
    SURE_S,
    Cluster,
    Node,
    Settings,
    quorum_of,
    short_directory,
    term_of,
)
from tests.support.polling import NS_PER_S, always, until

pytestmark = pytest.mark.xdist_group("library")
EXAMPLES = PROJECT / "examples"
README = PROJECT / "README.md"
Harm = Callable[[Node, EmbeddedQuorum], None]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> type[Worker]:
    """A worker of each kind."""
    return KINDS[request.param]


@pytest.fixture(scope="module")
def steady() -> Iterator[Cluster]:
    """Two agents with the default lease, which a loaded machine cannot outrun."""
    with quorum_of(3) as servers, short_directory() as directory:
        settings = Settings(servers.urls, lease="10s")
        with Cluster(directory, settings, "ab", quorum=servers) as cluster:
            yield cluster


def hang_all(_node: Node, quorum: EmbeddedQuorum) -> None:
    """No instance answers any more."""
    for index in range(3):
        quorum.hang(index)


def kill(node: Node, _quorum: EmbeddedQuorum) -> None:
    """The agent is gone for good."""
    node.kill()


def nobody_else_leads(cluster: Cluster, leader: Node, worker: Worker) -> bool:
    """Whether a hand-over waits for the work, as long as the deadline that it knows has not passed."""
    return not any(node.leads() for node in cluster.others(leader)) or seconds() > worker.deadline_s


@pytest.mark.parametrize("harm", [hang_all, kill])
def test_work_is_told_to_end_before_the_deadline(
    cluster: Cluster, quorum: EmbeddedQuorum, kind: type[Worker], harm: Harm
) -> None:
    """With most of the grace left; and no other node leads before the deadline that it knew."""
    leader = cluster.settle()
    with working(kind, leader.socket) as worker:
        struck_s = seconds()
        harm(leader, quorum)
        try:
            assert worker.lost_in_time()
        finally:
            for index in range(3):
                quorum.resume(index)
    assert worker.told_s - struck_s < SURE_S - LEASE_S / 6
    assert isinstance(worker.error, LeadershipLost)
    assert all(reason in str(worker.error) for reason in worker.reasons)
    if harm is kill:
        cluster.wait_for_leader(other_than=leader)
        assert seconds() > worker.deadline_s


def test_a_planned_hand_over_waits_for_the_block(cluster: Cluster, kind: type[Worker]) -> None:
    """No longer: the next node leads as soon as it is left, and not a lease later."""
    leader = cluster.settle()
    with working(kind, leader.socket, stubborn=True) as worker:
        asked = now_ns()
        cluster_end(leader)
        assert worker.lost_in_time()
        always(lambda: nobody_else_leads(cluster, leader, worker), "nobody leads", 0.3)
        worker.may_leave.set()
        until(lambda: not worker.works, "the block is left")
        cluster.wait_for_leader(other_than=leader)
        took_s = (now_ns() - asked) / NS_PER_S
        assert leader.wait() == 0
    assert isinstance(worker.error, LeadershipLost)
    assert "hands its leadership over" in str(worker.error)
    assert 0.3 < took_s < SURE_S


def cluster_end(node: Node) -> None:
    """End its agent as a service manager does, and do not wait for it."""
    assert node.process is not None
    node.process.terminate()


def test_a_block_that_does_not_end_is_waited_for_until_the_deadline(
    cluster: Cluster, kind: type[Worker]
) -> None:
    """It was told, and knew the deadline; after it another node leads."""
    leader = cluster.settle()
    with working(kind, leader.socket, stubborn=True) as worker:
        cluster_end(leader)
        assert worker.lost_in_time()
        cluster.wait_for_leader(other_than=leader)
        assert worker.works
        assert seconds() > worker.deadline_s
        assert leader.wait() == 0


@pytest.mark.parametrize("how", ["killed and started again", "reloaded"])
def test_an_agent_that_resumes_in_time_is_not_noticed(steady: Cluster, kind: type[Worker], how: str) -> None:
    """The same term goes on, and a hand-over waits for the work as before."""
    leader = steady.settle()
    term = term_of(leader)
    with working(kind, leader.socket, stubborn=True, grace=0.2) as worker:
        with steady.alone(leader):
            if how == "reloaded":
                starts = leader.log().count("agent starts")
                leader.signal(signal.SIGHUP)
                until(lambda: leader.log().count("agent starts") > starts, "it has taken its own place")
            else:
                leader.kill()
                leader.start()
            assert leader.client(5).check(term=term).term == term
            always(lambda: not worker.told.is_set(), "the work goes on", LEASE_S)
        cluster_end(leader)
        assert worker.lost_in_time()
        always(lambda: nobody_else_leads(steady, leader, worker), "nobody leads", 0.3)
        worker.may_leave.set()
        steady.wait_for_leader(other_than=leader)
        assert leader.wait() == 0
    assert worker.term == term


def test_work_that_ends_by_itself_leaves_without_a_word(cluster: Cluster, kind: type[Worker]) -> None:
    """And the agent leads on, and hands over at once when it is asked to."""
    leader = cluster.settle()
    with working(kind, leader.socket) as worker:
        worker.may_end.set()
        until(lambda: worker.left_s, "it has ended")
    assert worker.error is None
    assert worker.term == term_of(leader)
    asked = now_ns()
    leader.stop()
    cluster.wait_for_leader(other_than=leader)
    assert (now_ns() - asked) / NS_PER_S < SURE_S


def test_who_may_not_work_is_told_why(cluster: Cluster) -> None:
    """Another node leads, there is no such election, there is no agent."""
    leader = cluster.settle()
    other = cluster.others(leader)[0]
    with pytest.raises(TimeoutError, match=f"{leader} leads it"):
        Client(other.socket).run_while_leader(timeout=0.1).__enter__()
    with pytest.raises(UnknownElection, match="there is: default"):
        Client(leader.socket).run_while_leader("nope", timeout=5).__enter__()
    with pytest.raises(AgentUnreachable):
        Client(leader.directory / "nowhere.sock").run_while_leader(timeout=0.1).__enter__()


def test_a_job_checks_its_own_term(cluster: Cluster) -> None:
    """Under `leader run`; an older term is refused, and so is any where another node leads."""
    leader = cluster.settle()
    code = "import leader; print(leader.term(), leader.check(for_s=0.01).term)"
    job = leader.run("run", "--", sys.executable, "-c", code)
    assert job.output == f"{term_of(leader)} {term_of(leader)}\n", job.complaint
    with pytest.raises(LeadershipLost, match="no longer leads default with term"):
        leader.client().check(term=term_of(leader) - 1)
    with pytest.raises(LeadershipLost, match=f"{leader} does"):
        cluster.others(leader)[0].client().check(term=term_of(leader))


@contextmanager
def programs(example: str, nodes: Iterable[Node], diary: Path) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """That example, started on each of the nodes; all write into one diary."""
    with diary.open("a") as file:
        started = [
            subprocess.Popen(
                [sys.executable, EXAMPLES / example], env=program(node), stdout=file, cwd=PROJECT
            )
            for node in nodes
        ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.parametrize("example", ["python/while_leader.py", "python/while_leader_async.py"])
def test_the_example_works_on_one_node_after_the_other(
    cluster: Cluster, tmp_path: Path, example: str
) -> None:
    """Started on every node; the term of what it does only grows, and what is stopped contends again."""
    first = cluster.settle()
    diary = tmp_path / "diary"
    with programs(example, cluster.nodes.values(), diary) as started:
        until(lambda: f"{first} does piece 2" in diary.read_text(), "the leader's works")
        first.stop()
        second = cluster.wait_for_leader(other_than=first)
        until(lambda: f"{second} does piece 2" in diary.read_text(), "the next leader's works")
        assert all(process.poll() is None for process in started)
    lines = diary.read_text().splitlines()
    assert sum("stopped" in line for line in lines) == 1
    terms = [int(line.rpartition(" ")[2]) for line in lines if "does piece" in line]
    assert terms == sorted(terms)
    assert len(set(terms)) == 2


@pytest.mark.parametrize("example", ["python/while_leader.py", "python/while_leader_async.py"])
def test_a_program_that_stood_still_ends_its_work_as_soon_as_it_goes_on(
    cluster: Cluster, tmp_path: Path, example: str
) -> None:
    """Stopped over the deadline (SIGSTOP), while another node took over."""
    leader = cluster.settle()
    diary = tmp_path / "diary"
    with programs(example, [leader], diary) as (process,):
        until(lambda: f"{leader} does piece 1" in diary.read_text(), "it works")
        process.send_signal(signal.SIGSTOP)
        leader.stop()
        cluster.wait_for_leader(other_than=leader)
        process.send_signal(signal.SIGCONT)
        until(lambda: "stopped: the leadership of default" in diary.read_text(), "it ends its work")


def program(node: Node) -> dict[str, str]:
    """The environment of a program that asks this node's agent."""
    return node.places() | {"PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])}


def test_the_readmes_programs_run(cluster: Cluster) -> None:
    """Word by word, on the node that leads, and as a job of it."""
    leader = cluster.settle()
    blocks = README.read_text().split("```python\n")[1:]
    assert blocks
    for block in blocks:
        code = block.partition("```")[0]
        done = leader.run("run", "--", sys.executable, "-c", code)
        assert done.code == 0, done.complaint
        assert f"term {term_of(leader)}" in done.output
