"""`leader status` of a real agent: for people, piped, and as JSON that keeps its form."""

import json
import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from leader.api.client import Client
from tests.e2e.terminal import SIZE, on_terminal
from tests.support.agents import PROJECT, Cluster, Ended, Node, Settings, quorum_of, short_directory
from tests.support.polling import until

pytestmark = pytest.mark.xdist_group("agents")

SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_name("status.schema.json").read_text())
ELECTION_SCHEMA = {**SCHEMA, "$ref": "#/$defs/election"}
HEAVY = {"typer", "rich", "asyncio", "subprocess", "redis", "h11", "psutil"}
COLUMNS = struct.unpack("HHHH", SIZE)[1]
ELECTIONS = {"default": 100, "reports": 50}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two agents with two elections on three servers."""
    with (
        quorum_of(3) as quorum,
        short_directory() as directory,
        Cluster(directory, Settings(quorum.urls, elections=ELECTIONS), "ab") as cluster,
    ):
        yield cluster


@pytest.fixture
def leader(cluster: Cluster) -> Node:
    """The node that leads `default`, when all is settled."""
    return cluster.settle()


@pytest.fixture
def candidate(cluster: Cluster, leader: Node) -> Node:
    """The other one."""
    return cluster.others(leader)[0]


def one_sentence(ended: Ended) -> bool:
    """Whether nothing was said but one line on standard error."""
    return not ended.output and ended.complaint.startswith("leader: ") and ended.complaint.count("\n") == 1


def test_json_has_the_form_that_is_written_down(leader: Node, candidate: Node) -> None:
    """On the leader and on another node, every field is there, of its type, and none besides."""
    for node in (leader, candidate):
        said = node.run("status", "--json")
        assert said.code == 0
        jsonschema.validate(json.loads(said.output), SCHEMA)


def test_json_of_one_election_has_the_form_that_is_written_down(leader: Node) -> None:
    """The same as in the whole status."""
    said = json.loads(leader.run("status", "reports", "--json").output)
    jsonschema.validate(said, ELECTION_SCHEMA)
    assert said["election"] == "reports"


def test_json_of_a_node_without_a_majority_keeps_its_form(cluster: Cluster) -> None:
    """A node whose instances are all out of reach knows little, in the same form."""
    alone = cluster.add("alone", Settings(["unix:///nowhere/1", "unix:///nowhere/2", "unix:///nowhere/3"]))
    alone.start()
    try:
        until(lambda: all(alone.problems().values()), "it has missed them all")
        said = json.loads(alone.run("status", "--json").output)
        jsonschema.validate(said, SCHEMA)
        assert said["tolerates"] == -1
        told = alone.run("status").output
        assert "no majority" in told.splitlines()[1]
        assert "nobody" in told
    finally:
        cluster.remove(alone)


def test_json_is_what_the_api_says(leader: Node) -> None:
    """The command adds nothing and leaves nothing out; only what ages differs between two questions."""
    said = json.loads(leader.run("status", "--json").output)
    asked = Client(leader.socket, 5).status()
    assert said.keys() == asked.keys()
    assert [said[name] for name in ("cluster", "node", "version", "majority")] == [
        asked[name] for name in ("cluster", "node", "version", "majority")
    ]


def test_every_node_names_the_leader(leader: Node, candidate: Node) -> None:
    """Piped, it is plain text: one line for the election, with leader and role."""
    for node, role in ((leader, "holder"), (candidate, "candidate")):
        said = node.run("status")
        (line,) = (line for line in said.output.splitlines() if line.startswith("default "))
        assert line.split()[1] == leader.name
        assert line.split()[3] == role
        assert "\x1b" not in said.output


def test_one_election_is_explained(leader: Node, candidate: Node) -> None:
    """Who leads, why this node does not, when it could, and who voted."""
    first, second, third, *rest = candidate.run("status", "default").output.splitlines()
    assert first.startswith(f"election default: {leader.name} leads with term ")
    assert second.startswith(f"this node, {candidate.name}, does not lead it; it is a candidate")
    assert second.endswith(f": {leader.name} leads")
    assert third.startswith("it could take over in ")
    assert sum(f"for {leader.name}" in line for line in rest) == 3


def test_an_explanation_ranks_both_nodes(leader: Node, candidate: Node) -> None:
    """Each with its priority, and who of them leads."""
    until(lambda: candidate.run("status", "default").output.count("\n2     ") == 1, "both are registered")
    said = candidate.run("status", "default").output
    ranked = [line.split() for line in said[said.index("RANK") :].splitlines()[1:3]]
    assert {line[1] for line in ranked} == {leader.name, candidate.name}
    assert [line[2] for line in ranked] == ["100", "100"]
    assert [line[1] for line in ranked if "leads" in line] == [leader.name]


def test_wrong_usage_is_2_in_a_sentence(leader: Node) -> None:
    """An option that there is not, one without its value, a second election."""
    for options in (["--nope"], ["--timeout"], ["default", "reports"]):
        said = leader.run("status", *options)
        assert said.code == 2
        assert one_sentence(said)


def test_an_unknown_election_is_2_and_those_there_are_are_named(leader: Node) -> None:
    """With and without --json."""
    for options in (["status", "nope"], ["status", "nope", "--json"]):
        said = leader.run(*options)
        assert said.code == 2
        assert one_sentence(said)
        assert "default, reports" in said.complaint


def test_without_an_agent_it_is_3(tmp_path: Path, leader: Node) -> None:
    """The sentence names the socket."""
    path = tmp_path / "none.sock"
    said = leader.run("status", "--socket", str(path))
    assert said.code == 3
    assert one_sentence(said)
    assert str(path) in said.complaint


def test_a_hung_agent_is_3_within_the_timeout(candidate: Node) -> None:
    """A stopped agent does not stop the command."""
    candidate.signal(signal.SIGSTOP)
    try:
        said = candidate.run("status", "--timeout", "200ms", within_s=10)
    finally:
        candidate.signal(signal.SIGCONT)
    assert said.code == 3
    assert "--timeout" in said.complaint


def test_a_timeout_that_is_no_duration_is_wrong_usage(leader: Node) -> None:
    """The sentence says how to write one."""
    said = leader.run("status", "--timeout", "soon")
    assert said.code == 2
    assert one_sentence(said)


def test_a_reader_that_leaves_is_no_traceback(leader: Node) -> None:
    """`leader status | head -0`."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            leader.command("status"),
            env=leader.places(),
            cwd=PROJECT,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_in_a_sentence(leader: Node) -> None:
    """`leader status >file` where there is no room."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            leader.command("status"),
            env=leader.places(),
            cwd=PROJECT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "leader: what was to be printed cannot be written: No space left on device\n"


def test_little_is_loaded_for_the_answer() -> None:
    """No typer, rich or asyncio: they would take longer than the agent."""
    program = "import sys; from leader.cli.main import main; main(['status', '--nope']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "leader.cli.look" in loaded
    assert not loaded & HEAVY


def test_on_a_terminal_it_is_coloured(leader: Node) -> None:
    """For people; NO_COLOR is respected, and no line is longer than the terminal is wide."""
    coloured = {**leader.places(), "TERM": "xterm-256color"}
    for environment, colour in ((coloured, True), ({**coloured, "NO_COLOR": "1"}, False)):
        with on_terminal(leader.command("status"), environment) as terminal:
            assert terminal.ends() == 0
        assert ("\x1b[32m" in terminal.output) is colour
        assert ("\x1b" in terminal.output) is colour
        lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal.output).splitlines()
        assert max(map(len, lines)) <= COLUMNS
        assert re.search(rf"default\S* +\S*{leader.name}\b", terminal.output)
