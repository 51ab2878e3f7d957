"""`leader run` ends a job's whole tree before the deadline, whatever happens to agent, quorum or itself.

Source: consul#9788, #1843 (the child learns of the lost lock 30 s to 5 min too late); consul#2022 (only the
shell is killed, not its children); `etcdctl lock` (the child is never killed).
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import (
    BEAT_S,
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
from tests.support.deeds import StubbornJob
from tests.support.polling import NS_PER_S, always, until

pytestmark = [pytest.mark.xdist_group("run-deadline"), pytest.mark.needs("setsid")]
STOPPED = 75


@contextmanager
def running(node: Node, job: StubbornJob, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """`leader run` with that job, once all of its processes are there."""
    process = subprocess.Popen(
        node.command("run", *options, "--", *job.command),
        env=node.places(),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(job.has_begun, "the job has begun")
        yield process
    finally:
        process.kill()
        process.communicate()
        until(lambda: not job.alive(), "nothing is left")


def child_of(pid: int) -> int:
    """The watcher of a `leader run`, the only child that it has."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@pytest.fixture(scope="module")
def steady() -> Iterator[Cluster]:
    """Three agents with the default lease, on servers of their own."""
    with quorum_of(3) as servers, short_directory() as directory:
        settings = Settings(servers.urls, lease="10s")
        with Cluster(directory, settings, quorum=servers) as cluster:
            yield cluster


Harm = Callable[[Node, EmbeddedQuorum], None]


def hang_all(quorum: EmbeddedQuorum) -> None:
    """No instance answers any more."""
    for index in range(3):
        quorum.hang(index)


def heal_all(quorum: EmbeddedQuorum) -> None:
    """All of them go on."""
    for index in range(3):
        quorum.resume(index)


HARMS: dict[str, Harm] = {
    "the quorum hangs": lambda _node, quorum: hang_all(quorum),
    "the agent is killed": lambda node, _quorum: node.kill(),
    "the agent is stopped": lambda node, _quorum: node.signal(signal.SIGSTOP),
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS.keys())
def test_nothing_of_the_job_lives_past_the_deadline(
    cluster: Cluster, quorum: EmbeddedQuorum, tmp_path: Path, harm: Harm
) -> None:
    """What ignores SIGTERM is killed, in the group and outside of it, and the code is 75."""
    leader = cluster.settle()
    job = StubbornJob(tmp_path, "job")
    with running(leader, job) as process:
        struck_at = now_ns()
        harm(leader, quorum)
        try:
            until(lambda: not job.alive(), "all of it has ended")
            took_s = (now_ns() - struck_at) / NS_PER_S
        finally:
            heal_all(quorum)
            if leader.runs:
                leader.signal(signal.SIGCONT)
        _, complaint = process.communicate(timeout=30)
    assert took_s < SURE_S, "a renewal that was sent before the harm lasts so long at most"
    assert process.returncode == STOPPED
    assert complaint.startswith("leader run: the command was stopped: ")


@pytest.mark.parametrize("which", ["leader run", "its watcher"])
def test_the_job_dies_with_either_of_its_guards(cluster: Cluster, tmp_path: Path, which: str) -> None:
    """`kill -9` of one of the two processes: the other one ends all of the job at once."""
    leader = cluster.settle()
    job = StubbornJob(tmp_path, "job")
    with running(leader, job) as process:
        os.kill(process.pid if which == "leader run" else child_of(process.pid), signal.SIGKILL)
        struck_at = now_ns()
        until(lambda: not job.alive(), "all of it has ended")
        took_s = (now_ns() - struck_at) / NS_PER_S
        code = process.wait(30)
    assert took_s < LEASE_S / 2, "long before any deadline"
    assert code == (-signal.SIGKILL if which == "leader run" else STOPPED)


def test_a_planned_hand_over_waits_until_all_of_the_job_is_gone(cluster: Cluster, tmp_path: Path) -> None:
    """The next node's command starts when nothing of this one's runs any more, and not a lease later."""
    leader = cluster.settle()
    job = StubbornJob(tmp_path, "job")
    survivors = tmp_path / "survivors"
    look = (
        f"for p in $(cat {job.pids_file}); do kill -0 $p 2>/dev/null && echo $p; done >{survivors}.new; "
        f"mv {survivors}.new {survivors}"
    )
    with running(leader, job, "--grace", "300ms") as process:
        waiting = [
            subprocess.Popen(node.command("run", "--", "sh", "-c", look), env=node.places(), cwd=PROJECT)
            for node in cluster.others(leader)
        ]
        asked_at = now_ns()
        leader.signal(signal.SIGTERM)
        until(survivors.exists, "the next leader's command has run")
        took_s = (now_ns() - asked_at) / NS_PER_S
        assert process.wait(30) == STOPPED
        for other in waiting:
            other.terminate()
            other.wait()
        assert leader.wait() == 0
    assert survivors.read_text() == ""
    assert 0.25 < took_s < SURE_S, "SIGTERM came first, and then SIGKILL after the grace"


def test_a_job_that_ends_at_sigterm_lets_the_hand_over_go_on_at_once(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The release waits for the job and not for its grace."""
    leader = cluster.settle()
    started = tmp_path / "started"
    job = subprocess.Popen(
        leader.command("run", "--", "sh", "-c", f"touch {started}; exec sleep 1000"),
        env=leader.places(),
        cwd=PROJECT,
    )
    until(started.exists, "the job has begun")
    asked_at = now_ns()
    leader.signal(signal.SIGTERM)
    cluster.wait_for_leader(other_than=leader)
    took_s = (now_ns() - asked_at) / NS_PER_S
    assert job.wait(30) == STOPPED
    assert took_s < LEASE_S / 3
    assert leader.wait() == 0


def test_a_lost_beat_of_the_whole_quorum_does_not_stop_a_job(
    cluster: Cluster, quorum: EmbeddedQuorum, tmp_path: Path
) -> None:
    """The lease is still sure for longer than the grace, and the next beat renews it."""
    leader = cluster.settle()
    job = StubbornJob(tmp_path, "job")
    with running(leader, job, "--grace", "200ms") as process:
        hang_all(quorum)
        always(leader.leads, "it leads", BEAT_S)
        heal_all(quorum)
        always(lambda: process.poll() is None and len(job.alive()) == 4, "the job runs", LEASE_S)


@pytest.mark.parametrize("how", ["killed and started again", "reloaded"])
def test_an_agent_that_resumes_in_time_does_not_stop_a_job(steady: Cluster, tmp_path: Path, how: str) -> None:
    """The same term goes on, the guard joins the new process, and a hand-over waits for it as before.

    The lease is the default: a loaded machine may take longer than 2 s to start an agent, and then the job
    has to end although the leadership is resumed.
    """
    cluster = steady
    leader = cluster.settle()
    term = term_of(leader)
    job = StubbornJob(tmp_path, "job")
    with running(leader, job, "--grace", "200ms") as process:
        with cluster.alone(leader):
            if how == "reloaded":
                starts = leader.log().count("agent starts")
                leader.signal(signal.SIGHUP)
                until(lambda: leader.log().count("agent starts") > starts, "it has taken its own place")
            else:
                leader.kill()
                leader.start()
            until(leader.leads, "it leads again")
            assert term_of(leader) == term
            always(lambda: len(job.alive()) == 4, "the job runs", LEASE_S)
        leader.signal(signal.SIGTERM)
        until(lambda: cluster.leader() not in (None, leader), "another node leads")
        assert job.alive() == []
        assert process.wait(30) == STOPPED
        assert leader.wait() == 0


def test_leader_run_that_stood_still_does_not_stop_a_job(cluster: Cluster, tmp_path: Path) -> None:
    """SIGSTOP and SIGCONT of it alone: its watcher went on, and says so."""
    leader = cluster.settle()
    done = tmp_path / "done"
    script = f"while [ ! -e {done} ]; do sleep 0.05; done; exit 7"
    with subprocess.Popen(
        leader.command("run", "--", "sh", "-c", script), env=leader.places(), cwd=PROJECT
    ) as run:
        watcher = until(lambda: Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text(), "it runs")
        until(
            lambda: Path(f"/proc/{watcher.strip()}/task/{watcher.strip()}/children").read_text(),
            "the job, too",
        )
        run.send_signal(signal.SIGSTOP)
        always(leader.leads, "it leads", 1.5 * LEASE_S)
        run.send_signal(signal.SIGCONT)
        always(lambda: run.poll() is None, "the job runs", BEAT_S)
        done.touch()
        assert run.wait(30) == 7


def test_sigterm_comes_once(cluster: Cluster, tmp_path: Path) -> None:
    """To each process: a second one means to many programs that they end at once."""
    leader = cluster.settle()
    notes = tmp_path / "notes"
    script = f"trap 'echo TERM >>{notes}' TERM; echo begun >>{notes}; while :; do :; done"
    with subprocess.Popen(
        leader.command("run", "--", "sh", "-c", script), env=leader.places(), cwd=PROJECT
    ) as run:
        until(lambda: notes.exists() and notes.read_text(), "the job has begun")
        leader.stop()
        assert run.wait(30) == STOPPED
    assert notes.read_text() == "begun\nTERM\n"


def test_forever_ends_when_it_is_told_to(cluster: Cluster, tmp_path: Path) -> None:
    """A service manager's SIGTERM goes to the command, and nothing is started again."""
    leader = cluster.settle()
    started = tmp_path / "started"
    script = f"trap '' TERM; echo x >>{started}; while :; do sleep 0.05; done"
    with subprocess.Popen(
        leader.command("run", "--forever", "--grace", "200ms", "--", "sh", "-c", script),
        env=leader.places(),
        cwd=PROJECT,
        stderr=subprocess.DEVNULL,
    ) as process:
        until(lambda: started.exists() and started.read_text(), "the command has begun")
        process.terminate()
        leader.stop()
        assert process.wait(30) == STOPPED
    assert started.read_text() == "x\n"


def test_forever_contends_again_and_starts_the_command_anew(cluster: Cluster, tmp_path: Path) -> None:
    """A service bound to the leadership: stopped when it ends, started with the next one's term."""
    leader = cluster.settle()
    terms = tmp_path / "terms"
    terms.touch()
    script = f"echo $LEADER_TERM >>{terms}; exec sleep 1000"
    services = [
        subprocess.Popen(
            node.command("run", "--forever", "--", "sh", "-c", script),
            env=node.places(),
            cwd=PROJECT,
            stderr=subprocess.DEVNULL,
        )
        for node in cluster.nodes.values()
    ]
    try:
        until(lambda: len(terms.read_text().split()) == 1, "one service runs")
        leader.stop()
        until(lambda: len(terms.read_text().split()) == 2, "another node's service runs")
        leader.start()
        second = cluster.wait_for_leader()
        second.stop()
        until(lambda: len(terms.read_text().split()) == 3, "a third one runs")
        second.start()
        assert all(service.poll() is None for service in services)
    finally:
        for service in services:
            service.kill()
            service.wait()
    written = [int(term) for term in terms.read_text().split()]
    assert written == sorted(set(written))
