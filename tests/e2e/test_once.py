"""`leader once JOB -- CMD`: at most one start per tick in the whole cluster, and the exit codes that say so.

Source: sidekiq#6758, #6804 (a leaderless moment lost a dozen jobs); ShedLock#6, #231, cronsun#83 (the lock
was released when a short job ended, and a late clock started it again); consul#947 (the job's exit code was
lost).
"""

import grp
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import (
    PROJECT,
    Cluster,
    Node,
    Settings,
    quorum_of,
    short_directory,
    term_of,
)
from tests.support.polling import until

pytestmark = pytest.mark.xdist_group("once")
UNDECIDED, SKIPPED = 75, 9
HEAVY = {"typer", "rich", "redis", "asyncio", "argparse", "http.client", "psutil", "h11", "threading"}
HEAVY |= {"dataclasses", "typing", "pathlib", "json", "inspect", "re", "socket", "subprocess", "logging"}
"""What starting a job may not load."""


@pytest.fixture(scope="module")
def quorum() -> Iterator[EmbeddedQuorum]:
    """Three servers."""
    with quorum_of(3) as servers:
        yield servers


@pytest.fixture(scope="module")
def shared(quorum: EmbeddedQuorum) -> Iterator[Cluster]:
    """Three agents on them."""
    settings = Settings(quorum.urls, more='[api]\ngroup = "games"')
    with short_directory() as directory, Cluster(directory, settings, quorum=quorum) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: Cluster, quorum: EmbeddedQuorum) -> Cluster:
    """The three agents, sound again whatever the test before did to them."""
    quorum.start()
    shared.settle()
    return shared


@pytest.fixture
def job(request: pytest.FixtureRequest) -> str:
    """A job of this test's own."""
    return "".join(char for char in request.node.name if char.isalnum() or char in "._-")[-60:]


def start(node: Node, job: str, *words: str, options: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
    """`leader once` on a node, piped."""
    return subprocess.Popen(
        node.command("once", job, "--skipped-exit", str(SKIPPED), *options, "--", *words),
        env=node.places(),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit code, output and complaint of one that ends."""
    output, complaint = process.communicate(timeout=60)
    return process.returncode, output, complaint


def ledger(node: Node, job: str) -> list[dict[str, Any]]:
    """The last ticks of a job as a node shows them."""
    shown = json.loads(node.run("jobs", "--json").output)["jobs"]
    return next((list(entry["runs"]) for entry in shown if entry["job"] == job), [])


def outcomes(node: Node, job: str) -> list[tuple[str, int | None]]:
    """State and exit code of the last ticks of a job as a node shows them."""
    return [(run["state"], run["code"]) for run in ledger(node, job)]


def state(node: Node, job: str) -> str:
    """The state of a job's last tick."""
    return str(next(iter(ledger(node, job)), {}).get("state", ""))


def test_of_three_nodes_that_call_at_the_same_tick_one_starts_the_job(cluster: Cluster, job: str) -> None:
    """The others leave without a word, and all nodes show the same ledger."""
    calls = {node: start(node, job, "sh", "-c", "echo ran; exit 3") for node in cluster.nodes.values()}
    ended = {node: end(process) for node, process in calls.items()}
    leader = cluster.wait_for_leader()
    assert ended.pop(leader) == (3, "ran\n", "")
    assert list(ended.values()) == [(SKIPPED, "", "")] * 2
    for node in cluster.nodes.values():
        (run,) = ledger(node, job)
        assert (run["state"], run["node"], run["code"]) == ("failed", leader.name, 3)


def test_the_job_finds_its_token_and_its_tick_in_the_environment(cluster: Cluster, job: str) -> None:
    """Job, tick and term, beside election, node, cluster and socket."""
    leader = cluster.wait_for_leader()
    code, output, _ = end(start(leader, job, "sh", "-c", "env | grep ^LEADER_"))
    told = dict(line.split("=", 1) for line in output.splitlines())
    assert code == 0
    assert (
        told.items()
        >= {"LEADER_JOB": job, "LEADER_TERM": str(term_of(leader)), "LEADER_NODE": leader.name}.items()
    )
    assert told["LEADER_TICK"] == ledger(leader, job)[0]["tick"]


def test_a_short_job_is_not_started_again_by_a_late_clock(cluster: Cluster, job: str) -> None:
    """The claim outlives the job: who calls after its end, within the gap, leaves; by default with 0."""
    leader = cluster.wait_for_leader()
    assert end(start(leader, job, "true"))[0] == 0
    for node in cluster.nodes.values():
        assert end(start(node, job, "echo", "again"))[:2] == (SKIPPED, "")
    assert leader.run("once", job, "--", "echo", "again").code == 0


def test_after_the_gap_the_next_tick_is_another_one(cluster: Cluster, job: str) -> None:
    """It starts as soon as the gap is over, and not before."""
    leader = cluster.wait_for_leader()
    options = ("--gap", "1s")
    assert end(start(leader, job, "true", options=options))[0] == 0
    until(lambda: end(start(leader, job, "true", options=options))[0] == 0, "the gap is over")
    assert len([run for run in ledger(leader, job) if run["state"] == "done"]) == 2


def test_a_tick_in_a_leaderless_moment_is_run_by_the_next_leader(cluster: Cluster, job: str) -> None:
    """The leader's agent is killed just before the tick: whoever leads next claims it, once."""
    leader = cluster.wait_for_leader()
    leader.kill()
    calls = [start(node, job, "echo", "ran") for node in cluster.nodes.values()]
    ended = [end(process) for process in calls]
    assert sorted(output for _, output, _ in ended) == ["", "", "ran\n"]
    assert [run["state"] for run in ledger(cluster.wait_for_leader(), job)] == ["done"]


def test_an_agent_that_is_restarted_while_once_waits_is_asked_again(cluster: Cluster, job: str) -> None:
    """It asks with the same nonce through the new process, and the job starts once."""
    leader = cluster.wait_for_leader()
    leader.kill()
    with cluster.alone(leader):
        process = start(leader, job, "echo", "ran")
        leader.start()
        assert end(process) == (0, "ran\n", "")
    assert len(ledger(leader, job)) == 1


def test_a_waiter_leaves_when_the_tick_is_claimed_elsewhere(cluster: Cluster, job: str) -> None:
    """It waits on a node that does not lead, and need not wait to the end."""
    leader = cluster.wait_for_leader()
    waiter = start(cluster.others(leader)[0], job, "echo", "never", options=("--gap", "1h", "--wait", "30m"))
    assert end(start(leader, job, "echo", "ran"))[1] == "ran\n"
    assert end(waiter) == (SKIPPED, "", "")


def test_a_tick_that_nobody_could_claim_is_missed_and_told(
    cluster: Cluster, quorum: EmbeddedQuorum, job: str
) -> None:
    """Without a majority: 75 and one line; once it is back, the ledger says what was missed."""
    leader = cluster.wait_for_leader()
    for index in (0, 1):
        quorum.hang(index)
    until(lambda: not leader.leads(), "nobody leads")
    code, output, complaint = end(start(leader, job, "echo", "never", options=("--wait", "1s")))
    assert (code, output, len(complaint.splitlines())) == (UNDECIDED, "", 1)
    assert "1 of 3 instances answer" in complaint
    for index in (0, 1):
        quorum.resume(index)
    until(lambda: state(leader, job) == "missed", "it is written down")


@pytest.mark.parametrize("index", range(3))
def test_claims_and_results_outlive_an_instance_that_loses_all_it_kept(
    cluster: Cluster, quorum: EmbeddedQuorum, job: str, index: int
) -> None:
    """Whichever it is: a late call is refused by the others, which still know how the run ended."""
    leader = cluster.wait_for_leader()
    assert end(start(leader, job, "sh", "-c", "exit 3"))[0] == 3
    quorum.restart(index, keep_data=False)
    for node in cluster.nodes.values():
        assert end(start(node, job, "echo", "again"))[:2] == (SKIPPED, "")
        until(lambda node=node: outcomes(node, job) == [("failed", 3)], "only that run is shown")  # type: ignore[misc]


def test_a_run_that_one_instance_alone_still_knows_is_shown_and_not_started_again(
    cluster: Cluster, quorum: EmbeddedQuorum, job: str
) -> None:
    """Also by agents that knew nothing of it: what any one instance remembers, counts."""
    assert end(start(cluster.wait_for_leader(), job, "sh", "-c", "exit 3"))[0] == 3
    for node in cluster.nodes.values():
        node.kill()
    for index in (0, 1):
        quorum.restart(index, keep_data=False)
    cluster.settle()
    cluster.wait_for_leader()
    nodes = cluster.nodes.values()
    until(lambda: all(state(node, job) == "failed" for node in nodes), "all nodes show it")
    for node in nodes:
        assert end(start(node, job, "echo", "again"))[:2] == (SKIPPED, "")
        ended = [(run["state"], run["code"]) for run in ledger(node, job) if run["duration_ms"] is not None]
        assert ended == [("failed", 3)]


def test_a_once_that_is_killed_takes_its_job_along_and_is_shown_as_interrupted(
    cluster: Cluster, job: str
) -> None:
    """Nobody can tell any more how the job would have ended."""
    leader = cluster.wait_for_leader()
    process = start(leader, job, "sh", "-c", "echo $$; exec sleep 1000")
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    until(lambda: state(leader, job) == "running", "it runs")
    process.kill()
    process.communicate()
    until(lambda: not Path(f"/proc/{pid}").exists(), "the job is gone")
    until(lambda: state(leader, job) == "interrupted", "it is written down")


def test_a_job_runs_on_when_its_node_loses_the_leadership(cluster: Cluster, job: str, tmp_path: Path) -> None:
    """Its claim keeps others from starting it, and its end is told through the agent that was restarted."""
    leader = cluster.wait_for_leader()
    go = tmp_path / "go"
    script = f"while ! [ -e {go} ]; do sleep 0.05; done; exit 4"
    process = start(leader, job, "sh", "-c", script, options=("--gap", "2m"))
    until(lambda: state(leader, job) == "running", "it runs")
    leader.stop()
    next_leader = cluster.wait_for_leader(other_than=leader)
    assert end(start(next_leader, job, "echo", "never", options=("--gap", "2m")))[0] == SKIPPED
    leader.start()
    go.touch()
    assert end(process)[0] == 4
    until(lambda: state(next_leader, job) == "failed", "its end is known")
    (run,) = ledger(next_leader, job)
    assert (run["node"], run["code"]) == (leader.name, 4)


def test_a_job_that_is_to_stop_at_a_loss_does_so_before_the_next_leader(
    cluster: Cluster, job: str, tmp_path: Path
) -> None:
    """With --stop-on-loss a planned hand-over waits for it, as for `leader run`; 75."""
    leader = cluster.wait_for_leader()
    told = tmp_path / "told"
    script = f"trap 'echo stopped >{told}; exit 0' TERM; while :; do sleep 0.05; done"
    process = start(leader, job, "sh", "-c", script, options=("--stop-on-loss",))
    until(lambda: state(leader, job) == "running", "it runs")
    leader.signal(signal.SIGTERM)
    cluster.wait_for_leader(other_than=leader)
    assert told.read_text() == "stopped\n"
    assert end(process)[0] == UNDECIDED
    assert state(cluster.others(leader)[0], job) in ("stopped", "running", "interrupted")


def test_a_job_that_runs_for_too_long_is_stopped(cluster: Cluster, job: str) -> None:
    """With --max-run: SIGTERM, 75, one line, and the ledger says so."""
    leader = cluster.wait_for_leader()
    code, _, complaint = end(start(leader, job, "sleep", "1000", options=("--max-run", "300ms")))
    assert (code, complaint) == (
        UNDECIDED,
        "leader once: the command was stopped: it ran for longer than it may\n",
    )
    assert state(leader, job) == "stopped"


def test_a_tick_is_skipped_while_the_last_run_still_runs_if_it_must_not_overlap(
    cluster: Cluster, job: str
) -> None:
    """With --overlap skip, wherever it runs; with the default it starts beside it."""
    leader = cluster.wait_for_leader()
    first = start(leader, job, "sleep", "1000", options=("--gap", "1s"))
    until(lambda: state(leader, job) == "running", "it runs")
    skipping, beside = ("--gap", "1s", "--overlap", "skip"), ("--gap", "1s")
    until(lambda: end(start(leader, job, "echo", "2", options=beside))[1] == "2\n", "the gap is over")
    assert end(start(leader, job, "echo", "3", options=("--gap", "1ms", "--overlap", "skip")))[0] == SKIPPED
    first.terminate()
    assert end(first)[0] == 128 + signal.SIGTERM
    until(lambda: end(start(leader, job, "echo", "4", options=skipping))[1] == "4\n", "it runs again")


def test_what_the_job_leaves_running_is_left_alone(cluster: Cluster, job: str) -> None:
    """As cron does; a job may start a daemon."""
    leader = cluster.wait_for_leader()
    script = "setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!"
    code, output, _ = end(start(leader, job, "sh", "-c", script))
    assert code == 0
    os.kill(int(output), signal.SIGKILL)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["sh", "-c", "exit 255"], 255),
        (["sh", "-c", "kill -9 $$"], 137),
        (["nothing-there"], 127),
        (["/etc/passwd"], 126),
    ],
)
def test_the_exit_code_is_the_jobs_own(cluster: Cluster, job: str, words: list[str], code: int) -> None:
    """Whatever it is; 126 and 127 as a shell has them."""
    assert end(start(cluster.wait_for_leader(), job, *words))[0] == code


AS_USER = """
import os, sys, warnings  # what starting a program loads, for this user may not read it
from leader.jobs.once import main
os.setgid(65534); os.setgroups({groups}); os.setuid(65534)
sys.exit(main({words}))
"""


@pytest.mark.parametrize("is_member", [True, False])
def test_an_ordinary_user_may_claim_only_as_a_member_of_the_group(
    cluster: Cluster, job: str, *, is_member: bool
) -> None:
    """Supplementary groups count; who is refused is told what to do, and nothing is started."""
    leader = cluster.wait_for_leader()
    leader.directory.parent.chmod(0o755)
    groups = [grp.getgrnam("games").gr_gid] if is_member else []
    done = subprocess.run(
        [sys.executable, "-c", AS_USER.format(groups=groups, words=[job, "--", "echo", "ran"])],
        env=leader.places(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if is_member:
        assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")
    else:
        assert (done.returncode, done.stdout) == (UNDECIDED, "")
        assert done.stderr.rstrip().endswith("put it in the group games: adduser nobody games")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--", "true"], "name the job"),
        (["a", "b", "--", "true"], "one job at a time"),
        (["a"], "there is no command"),
        (["a", "--wait", "40s", "--", "true"], "a late waiter could start the tick again"),
        (
            ["a", "--gap", "1m", "--wait", "51s", "--", "true"],
            "is more than --gap less 10s, 50s: a late waiter",
        ),
        (["a", "--gap", "soon", "--", "true"], "--gap"),
        (["a", "--overlap", "maybe", "--", "true"], "say allow or skip"),
        (["a", "--skipped-exit", "255", "--", "true"], "from 0 to 254"),
        (["a/b", "--", "true"], "cannot be a name"),
        (["a", "--election", "nope", "--", "true"], "there is no election 'nope'; there is: default"),
    ],
)
def test_wrong_words_are_told_in_one_sentence(cluster: Cluster, words: list[str], told: str) -> None:
    """2, and nothing is started."""
    ended = cluster.wait_for_leader().run("once", *words)
    assert (ended.code, ended.output, len(ended.complaint.splitlines())) == (2, "", 1)
    assert told in ended.complaint


def test_without_an_agent_once_gives_up_after_its_patience(cluster: Cluster, job: str) -> None:
    """75 and one line that says what to do; nothing is started."""
    with cluster.added("z") as node:
        ended = node.run("once", job, "--wait", "300ms", "--", "echo", "never")
    assert (ended.code, ended.output) == (UNDECIDED, "")
    assert "start `leader agent`" in ended.complaint


def test_nothing_heavy_is_loaded_to_start_a_job(cluster: Cluster, job: str) -> None:
    """No part of the command line or of the agent, and nothing that a start need not load.

    The start of the interpreter is most of what `once` costs.
    """
    leader = cluster.wait_for_leader()
    done = subprocess.run(
        [leader.command()[0], "-X", "importtime", "-m", "leader", "once", job, "--", "true"],
        env=leader.places(),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "leader.claims" in loaded
    assert not loaded & HEAVY
