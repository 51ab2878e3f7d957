"""Unfit nodes do not lead: by the operator's command, and by limits on what the machine has left."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import Cluster, Node, Settings, short_directory
from tests.support.polling import until

pytestmark = pytest.mark.xdist_group("fitness")
FAST = 'interval = "100ms"\ntimeout = "5s"\nrise = 2\nfall = 2'


@contextmanager
def checked(quorum: EmbeddedQuorum, fitness: str, names: str = "ab") -> Iterator[Cluster]:
    """Nodes with this under [fitness], started one after the other; nobody need lead."""
    with short_directory() as directory:
        cluster = Cluster(directory, Settings(quorum.urls, more=f"[fitness]\n{FAST}\n{fitness}"), names)
        try:
            for node in cluster.nodes.values():
                node.start()
            yield cluster
        finally:
            cluster.__exit__()


def says(word: str, node: Node) -> bool:
    """Whether this node's agent has logged it."""
    return word in node.log()


def test_a_leader_that_turns_unfit_hands_over_and_may_lead_again_when_it_is_fit(
    quorum: EmbeddedQuorum, tmp_path: Path
) -> None:
    """The command's last words are shown to all; each change is logged once, however often it is checked."""
    command = ["/bin/sh", "-c", f'echo "$LEADER_NODE is ill" >&2; ! test -e {tmp_path}/$LEADER_NODE']
    with checked(quorum, f"command = {json.dumps(command)}") as cluster:
        leader = cluster.wait_for_leader()
        illness = tmp_path / leader.name
        illness.touch()
        other = cluster.wait_for_leader(other_than=leader)
        assert f"{leader} is ill" in leader.reason()
        assert leader.status()["unfit"].endswith(f"ended with 1: {leader} is ill")

        def shown() -> bool:
            entries = {entry["name"]: entry for entry in other.status()["nodes"]}
            entry = entries[leader.name]
            return not entry["fit"] and "is ill" in entry["reason"]

        until(shown, "the other node shows it")
        assert leader.status()["nodes"][0]["vitals"]["memory_percent"] > 0
        illness.unlink()
        until(lambda: says("is fit to lead again", leader), "it is fit again")
        assert leader.log().count("is unfit to lead") == 1
        assert not leader.status()["unfit"]
        other.stop()
        cluster.wait_for_leader(other_than=other)


def test_a_leader_keeps_what_it_leads_over_a_reload(quorum: EmbeddedQuorum) -> None:
    """The first check after a restart has not ended yet: that is no reason to hand over."""
    with checked(quorum, 'command = ["/bin/sleep", "2"]\n', names="a") as cluster:
        leader = cluster.wait_for_leader()
        before = leader.leadership()
        leader.signal(signal.SIGHUP)
        until(lambda: leader.log().count("resumed the leadership") == 1, "it has resumed")
        after = until(leader.leadership, "it answers")
        assert before
        assert (after.leader, after.term) == (True, before.term)
        assert "leads no more" not in leader.log()


@pytest.mark.parametrize(
    ("fitness", "reason"),
    [
        ('command = ["/no/such/command"]', "/no/such/command cannot be started (No such file or directory)"),
        ('command = ["/etc/passwd"]', "/etc/passwd cannot be started (Permission denied)"),
        ('command = ["/bin/false"]', "/bin/false ended with 1"),
        ('command = ["/bin/sleep", "60"]\n', "/bin/sleep took longer than timeout"),
        ('min_free_disk = { "/" = "100%" }', "less than min_free_disk 100%"),
        ('required_mounts = ["/no/such/mount"]', "nothing is mounted at /no/such/mount"),
    ],
)
def test_a_node_whose_first_check_fails_never_leads_and_says_why(
    quorum: EmbeddedQuorum, fitness: str, reason: str
) -> None:
    """A broken machine must not take the lead at its boot."""
    with short_directory() as directory:
        more = f'[fitness]\ninterval = "100ms"\ntimeout = "500ms"\n{fitness}'
        cluster = Cluster(directory, Settings(quorum.urls, more=more), "a")
        node = cluster.nodes["a"]
        try:
            node.start()
            assert "fitness" in node.reason() or reason in node.reason()
            until(lambda: reason in node.reason(), "it says why")
            assert "this node leads" not in node.log()
        finally:
            cluster.__exit__()


def test_when_all_nodes_are_unfit_nobody_leads_and_status_says_why_for_each(quorum: EmbeddedQuorum) -> None:
    """An operator sees at once that it is not the quorum, and on which node to mend what."""
    command = ["/bin/sh", "-c", 'echo "the array of $LEADER_NODE is gone"; exit 3']
    with checked(quorum, f"command = {json.dumps(command)}") as cluster:
        node = cluster.nodes["a"]
        until(lambda: [e["fit"] for e in node.status()["nodes"]] == [False, False], "both are known unfit")
        until(lambda: all("gone" in e["reason"] for e in node.status()["nodes"]), "and why")
        # the record of a node that an earlier test has killed counts for up to one lease
        until(lambda: (answer := node.leadership()) and not answer.holder, "nobody leads")
        shown = subprocess.run(
            node.command("status"),
            env=node.places() | {"LEADER_SOCKET": str(node.socket), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        assert "nobody leads default" in shown
        for name in cluster.nodes:
            row = next(line for line in shown.splitlines() if line.startswith(f"{name} "))
            assert " unfit " in row
            assert row.endswith(f"  the fitness command /bin/sh ended with 3: the array of {name} is gone")


def test_a_process_that_is_required_is_found_by_its_name(quorum: EmbeddedQuorum, tmp_path: Path) -> None:
    """While it runs the node leads; when it has ended, it does not."""
    program = tmp_path / "leader-payload"
    program.symlink_to("/bin/sleep")
    with checked(quorum, 'required_processes = ["leader-payload"]', names="a") as cluster:
        node = cluster.nodes["a"]
        until(lambda: "no process is called leader-payload" in node.reason(), "it is missed")
        with subprocess.Popen([program, "600"]) as process:
            cluster.wait_for_leader()
            process.kill()
        until(lambda: "no process is called leader-payload" in node.reason(), "it is missed again")


@pytest.mark.parametrize("end", [Node.stop, Node.kill])
def test_the_check_ends_with_its_agent(
    quorum: EmbeddedQuorum, tmp_path: Path, end: Callable[[Node], object]
) -> None:
    """A stop does not wait for a check that takes long, and leaves nothing of it; nor does `kill -9`."""
    note = tmp_path / "pid"
    command = ["/bin/sh", "-c", f'trap "" TERM; echo $$ >{note}; exec sleep 600']
    with short_directory() as directory:
        more = f'[fitness]\ntimeout = "10m"\ncommand = {json.dumps(command)}'
        cluster = Cluster(directory, Settings(quorum.urls, more=more), "a")
        node = cluster.nodes["a"]
        try:
            node.start()
            pid = until(lambda: note.exists() and int(note.read_text() or 0), "the check runs")
            end(node)
            until(lambda: not Path(f"/proc/{pid}").exists(), "it has ended")
        finally:
            cluster.__exit__()
