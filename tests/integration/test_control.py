"""What an operator asks of an agent: to step down, to pause, to resume, to forget a node."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import LEASE_S, PROJECT, Cluster, Node, Settings, short_directory, term_of
from tests.support.polling import until

pytestmark = pytest.mark.xdist_group("control")
NOBODY = 65_534
ASK = """
import os, sys
from leader.api.unix import UnixConnection
from leader.clock import now_ns
connection = UnixConnection(sys.argv[2], now_ns() + 10 * 10**9)
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
connection.request("POST", sys.argv[3], "{}")
print(connection.getresponse().read().decode())
"""
"""Asks the socket at its second word, as another user."""


@contextmanager
def nodes(quorum: EmbeddedQuorum, names: str = "abc") -> Iterator[Cluster]:
    """A cluster of its own, settled."""
    with short_directory() as directory, Cluster(directory, Settings(quorum.urls), names, quorum) as cluster:
        cluster.settle()
        yield cluster


def able(leader: Node, *others: Node) -> None:
    """Wait until the leader sees that these could lead."""

    def seen() -> bool:
        entries = {entry["name"]: entry for entry in leader.status()["nodes"]}
        return all(
            (entry := entries.get(other.name)) and entry["sees_majority"] and not entry["paused"]
            for other in others
        )

    until(seen, "the others are able to lead")


def test_a_step_down_names_who_leads_next(quorum: EmbeddedQuorum) -> None:
    """The one that was asked for, or the best; the old leader rests, and both are told and logged."""
    with nodes(quorum) as cluster:
        leader = cluster.wait_for_leader()
        heir = cluster.others(leader)[1]
        able(leader, heir)
        done = leader.run("step-down", "--to", heir.name)
        assert (done.code, done.complaint) == (0, "")
        assert "has stepped down from default" in done.output
        assert f"named {heir}" in done.output
        assert f"{heir} leads default now" in done.output
        assert heir.leads()
        assert f"uid={os.getuid()}" in leader.log()
        assert "this node was asked to step down" in leader.log()
        until(lambda: heir.client().history()["leaderships"][1]["cause"] == "handed-over", "it is told")  # type: ignore[index]
        able(heir, *cluster.others(heir))
        best = json.loads(json.dumps(heir.client().step_down()))["successor"]
        assert cluster.wait_for_leader(other_than=heir).name == best


def test_a_step_down_is_refused_in_one_sentence_and_changes_nothing(quorum: EmbeddedQuorum) -> None:
    """Where this node does not lead, nobody is like that, or nobody else is able; `--force` does it then."""
    with nodes(quorum, "ab") as cluster:
        leader = cluster.wait_for_leader()
        other = cluster.others(leader)[0]
        able(leader, other)
        term = term_of(leader)
        elsewhere = other.run("step-down")
        assert elsewhere.code == 1
        assert f"{other} does not lead default: {leader} does; run this on {leader}" in elsewhere.complaint
        for mistaken in ("web-9", leader.name):
            assert leader.run("step-down", "--force", "--to", mistaken).code == 1
        unknown = leader.run("step-down", "--to", "web-9")
        assert unknown.code == 1
        assert "no other node of default is called web-9" in unknown.complaint
        itself = leader.run("step-down", "--to", leader.name)
        assert itself.code == 1
        assert "leads default already" in itself.complaint
        mistyped = leader.run("step-down", "reprots")
        assert (mistyped.code, mistyped.complaint) == (
            2,
            "leader: there is no election 'reprots'; there is: default\n",
        )
        assert other.run("pause", "--reason", "no power").code == 0
        until(lambda: entry_of(leader, other)["paused"], "it is seen")
        alone = leader.run("step-down")
        assert alone.code == 1
        assert "no other node is able to lead" in alone.complaint
        assert "no power" in alone.complaint
        assert "; --force steps down all the same" in alone.complaint
        assert term_of(leader) == term
        assert "refused to step down from default: no other node" in leader.log()
        forced = leader.run("step-down", "--force")
        assert forced.code == 0
        assert "named nobody" in forced.output
        until(lambda: leader.leads() and term_of(leader) > term, "after its rest it leads again")


def test_a_drain_waits_for_the_jobs_that_run_and_lets_none_begin(quorum: EmbeddedQuorum) -> None:
    """Of `run` and of `once`; meanwhile the node leads on, and when both have ended it hands over."""
    with nodes(quorum, "ab") as cluster:
        leader = cluster.wait_for_leader()
        other = cluster.others(leader)[0]
        able(leader, other)
        gate = leader.directory / "gate"
        wait = f"while test -e {leader.directory} && ! test -e {gate}; do sleep 0.05; done"
        run = start(leader, "run", "--", "/bin/sh", "-c", wait)
        once = start(leader, "once", "drained", "--", "/bin/sh", "-c", wait)
        until(lambda: "drained" in leader.client().work() and "run" in leader.client().work(), "both run")
        drain = start(leader, "step-down", "--drain")
        until(lambda: late_start(leader) == 75, "the drain has begun, and no job begins any more")
        assert drain.poll() is None
        assert leader.leads()
        gate.touch()
        assert [process.wait(30) for process in (run, once, drain)] == [0, 0, 0]
        assert cluster.wait_for_leader(other_than=leader) is other


def test_a_drain_waits_for_a_job_that_an_agent_before_this_one_started(quorum: EmbeddedQuorum) -> None:
    """It runs on while the agent is away, and has perhaps not met the new one yet."""
    with nodes(quorum, "ab") as cluster:
        leader = cluster.wait_for_leader()
        able(leader, *cluster.others(leader))
        gate = leader.directory / "gate"
        wait = f"while test -e {leader.directory} && ! test -e {gate}; do sleep 0.05; done"
        job = start(leader, "once", "drained-late", "--", "/bin/sh", "-c", wait)
        until(lambda: "drained-late" in leader.client().work(), "it runs")
        with cluster.alone(leader):  # so that it resumes, however slow its start is
            leader.kill()
            leader.start()
            until(leader.leads, "it has resumed")
            drain = leader.run("step-down", "--force", "--drain", "--timeout", "1s")
        assert drain.code == 1
        assert "there still runs" in drain.complaint
        assert leader.leads()
        gate.touch()
        assert job.wait(30) == 0


def test_a_drain_that_is_given_up_changes_nothing(quorum: EmbeddedQuorum) -> None:
    """By its time-out, or because the operator goes away: jobs begin as before."""
    with nodes(quorum, "ab") as cluster:
        leader = cluster.wait_for_leader()
        able(leader, *cluster.others(leader))
        term = term_of(leader)
        job = start(leader, "run", "--", "/bin/sleep", "60")
        until(leader.client().work, "it runs")
        late = leader.run("step-down", "--drain", "--timeout", "300ms")
        assert late.code == 1
        assert late.complaint.endswith(
            "leader: after 300ms there still runs a command or block under `leader run`; "
            f"{leader} goes on leading default; end it, or say a longer --timeout\n"
        )
        waiting = start(leader, "step-down", "--drain")
        until(lambda: late_start(leader) == 75, "the drain has begun")
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(30) == 130
        until(lambda: late_start(leader) == 0, "jobs begin again")
        assert "the drain is given up: whoever asked for it is gone election=default" in leader.log()
        assert term_of(leader) == term
        job.terminate()
        job.wait(30)


def test_a_pause_lasts_over_a_crash_and_is_shown_with_its_reason(quorum: EmbeddedQuorum) -> None:
    """The node hands over, contends for nothing, and contends again when it is resumed."""
    with nodes(quorum, "ab") as cluster:
        leader = cluster.wait_for_leader()
        other = cluster.others(leader)[0]
        able(leader, other)
        paused = leader.run("pause", "--reason", "new disk")
        assert (paused.code, paused.complaint) == (0, "")
        assert cluster.wait_for_leader(other_than=leader) is other
        leader.kill()
        leader.start()
        assert "new disk" in until(leader.reason, "it says why")
        assert leader.status()["pause"]["reason"] == "new disk"
        assert leader.status()["pause"]["remaining_ms"] is None
        assert "new disk" in leader.run("status").output
        other.stop()
        resumed = leader.run("resume")
        assert (resumed.code, resumed.output) == (0, "this node contends again\n")
        cluster.wait_for_leader(other_than=other)
        again = leader.run("resume")
        assert (again.code, again.output) == (0, "this node was not paused\n")
        assert f"uid={os.getuid()}" in leader.log()


def test_a_pause_for_a_time_ends_by_itself_and_warns_if_nobody_else_is_there(quorum: EmbeddedQuorum) -> None:
    """A later pause replaces an earlier one."""
    with nodes(quorum, "a") as cluster:
        node = cluster.nodes["a"]
        first = node.run("pause", "--for", "1h", "--reason", "long")
        assert first.code == 0
        assert "for 1h" in first.output or "for 59m" in first.output
        assert "no other node is able to lead default: nobody will" in first.complaint
        assert not node.leads()
        second = node.run("pause", "--for", "300ms")
        assert second.code == 0
        until(node.leads, "it leads again")
        assert "its time was over" in node.log()
        assert node.status()["pause"] is None
        assert node.run("pause", "--for", "0s").code == 2
        assert node.run("pause", "--for", "soon").code == 2


def test_who_may_not_change_anything_is_refused_and_told_what_to_do(quorum: EmbeddedQuorum) -> None:
    """Another user may look; the refusal is in the log, with that user's uid."""
    with nodes(quorum, "a") as cluster:
        node = cluster.nodes["a"]
        cluster.directory.chmod(0o755)
        for command in (["pause"], ["resume"], ["step-down"], ["forget", "b"]):
            done = subprocess.run(
                [sys.executable, "-c", ASK, str(NOBODY), str(node.socket), path_of(command)],
                capture_output=True,
                text=True,
                cwd=PROJECT,
                check=True,
            )
            assert "adduser" in json.loads(done.stdout)["error"]
        assert node.leads()
        assert node.log().count(f"uid={NOBODY}") == 4


def path_of(command: list[str]) -> str:
    """Where the command asks."""
    return {
        "pause": "/v1/pause",
        "resume": "/v1/resume",
        "step-down": "/v1/elections/default/step-down",
        "forget": "/v1/nodes/b/forget",
    }[command[0]]


def test_only_a_node_that_is_gone_is_forgotten(quorum: EmbeddedQuorum) -> None:
    """One that lives would come back at once; one that never was is a mistake."""
    with nodes(quorum, "ab") as cluster:
        gone, left = cluster.nodes["a"], cluster.nodes["b"]
        alive = left.run("forget", "a")
        assert alive.code == 1
        assert "a is alive, and would register again at once: stop its agent first" in alive.complaint
        unknown = left.run("forget", "web-9")
        assert unknown.code == 1
        assert "no node is called web-9: there is a, b" in unknown.complaint
        gone.kill()

        def seen_ms_ago() -> int:
            return next(int(e["seen_ms_ago"]) for e in left.status()["nodes"] if e["name"] == "a")

        until(lambda: seen_ms_ago() > LEASE_S * 1000, "it is seen no more")
        quorum.hang(0)
        late = left.run("forget", "a")
        quorum.resume(0)
        assert late.code == 1
        assert "a is not dropped everywhere, so try again later: instance " in late.complaint
        until(lambda: not any(left.problems().values()), "all instances answer again")
        again = left.run("forget", "a")  # what a hung instance was asked, it may have done since
        assert again.output == "a is forgotten\n" or "no node is called a: there is b" in again.complaint
        for _ in range(2):
            before = left.votes()[0]["standing_ms"]
            until(lambda before=before: left.votes()[0]["standing_ms"] != before, "some beats")  # type: ignore[misc]
        assert "a" not in [entry["name"] for entry in left.status()["nodes"]]


def test_two_step_downs_at_once_hand_over_once(quorum: EmbeddedQuorum) -> None:
    """One is carried out, the other hears that this node does not lead, or of the same hand-over."""
    with nodes(quorum, "ab") as cluster:
        leader = cluster.wait_for_leader()
        able(leader, *cluster.others(leader))
        both = [start(leader, "step-down") for _ in range(2)]
        codes = sorted(process.wait(30) for process in both)
        assert codes in ([0, 1], [0, 0])
        assert leader.log().count("leads no more") == 1


def test_a_stop_during_a_drain_ends_the_agent(quorum: EmbeddedQuorum) -> None:
    """SIGTERM hands over as always, and the jobs with it."""
    with nodes(quorum, "ab") as cluster:
        leader = cluster.wait_for_leader()
        other = cluster.others(leader)[0]
        able(leader, other)
        job = start(leader, "run", "--", "/bin/sleep", "60")
        until(leader.client().work, "it runs")
        drain = start(leader, "step-down", "--drain")
        until(lambda: late_start(leader) == 75, "the drain has begun")
        assert leader.stop() == 0
        assert job.wait(30) == 75
        assert drain.wait(30) == 1
        assert cluster.wait_for_leader(other_than=leader) is other


@pytest.mark.parametrize(("number", "why"), [("SIGHUP", "takes its own place"), ("SIGTERM", "is stopping")])
def test_whoever_waits_for_a_drain_is_told_that_the_agent_goes(
    quorum: EmbeddedQuorum, number: str, why: str
) -> None:
    """In a sentence, and with 1; the drain and its end are in the log, with who asked for it."""
    with nodes(quorum, "a") as cluster:
        leader = cluster.wait_for_leader()
        job = start(leader, "run", "--", "/bin/sleep", "60")
        until(leader.client().work, "it runs")
        words = ("step-down", "--force", "--drain")
        drain = subprocess.Popen(
            leader.command(*words), env=leader.places(), cwd=PROJECT, stderr=subprocess.PIPE, text=True
        )
        until(lambda: "drains: nothing new begins here" in leader.log(), "the drain has begun")
        assert re.search(r"drains: .* election=default uid=\d+ pid=\d+", leader.log())
        leader.signal(getattr(signal, number))
        _, said = drain.communicate(timeout=30)
        assert drain.returncode == 1
        assert said.splitlines()[-1] == (
            f"leader: the agent of a {why}, and waits for no jobs of default any more: see `leader status` "
            "who leads, and ask again if need be"
        )
        job.terminate()
        job.wait(30)


def entry_of(seen_by: Node, node: Node) -> dict[str, Any]:
    """What one node knows of another."""
    return next(entry for entry in seen_by.status()["nodes"] if entry["name"] == node.name)


def start(node: Node, *words: str) -> subprocess.Popen[bytes]:
    """One of the commands, in the background."""
    return subprocess.Popen(
        node.command(*words),
        env=node.places(),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def late_start(node: Node) -> int:
    """How a short job under `leader run` ends that is started now."""
    return node.run("run", "--timeout", "500ms", "--", "/bin/true").code
