"""`leader doctor` on real servers and agents that something is wrong with: found, and mended as told."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from leader import __version__
from leader.agent.registry import Entry, encode
from leader.cli.doctor import configuration
from leader.clock import wall_ms
from leader.instances.embedded import EmbeddedQuorum
from leader.instances.wire import stamp_of
from tests.support.agents import BEAT_S, CLUSTER, Cluster, Node, Settings, quorum_of, short_directory
from tests.support.polling import until

AHEAD_MS = 3_600_000
NOBODY = 65_534
pytestmark = pytest.mark.xdist_group("doctor")
WELL, WRONG, BROKEN = 0, 1, 78
LEASE = "3s"
OF_THIS_MACHINE = ("host-", "configuration-note", "instance-slow", "agent-frozen")
"""What the machine that runs the tests may have, whatever a test plants: it may be busy with others."""

Findings = dict[str, list[dict[str, str]]]


def examined(node: Node, *options: str) -> Findings:
    """By code, what the doctor finds on this node, the machine of the tests left out."""
    asked = node.run("doctor", "--json", "--config", str(node.config), *options)
    assert asked.complaint == ""
    return planted(asked.output)


def planted(output: str) -> Findings:
    """By code, what was found."""
    found: Findings = {}
    for finding in json.loads(output)["findings"]:
        if not finding["code"].startswith(OF_THIS_MACHINE):
            found.setdefault(finding["code"], []).append(finding)
    return found


@contextmanager
def lone_node(settings: Settings) -> Iterator[Node]:
    """A node whose agent does not run."""
    with short_directory() as directory:
        yield Cluster(directory, settings, "a").nodes["a"]


def test_a_sound_system_gets_one_line_that_says_what_was_checked() -> None:
    """Two agents on three servers: nothing is found, and what was measured is told."""
    with quorum_of() as quorum, short_directory() as directory:
        with Cluster(directory, Settings(quorum.urls, LEASE), "ab", quorum) as cluster:
            node = cluster.settle()
            (other,) = cluster.others(node)
            asked = node.run("doctor", "--json", "--config", str(node.config))
            assert planted(asked.output) == {}
            instances, nodes, *others = json.loads(asked.output)["checked"]
            assert instances.startswith("3 instances (slowest answer ")
            assert (nodes, others) == (f"other nodes: {other}", ["the agent", "this machine"])


def test_examining_changes_nothing_and_needs_no_agent() -> None:
    """Not a key is left on empty servers; the agent that is missing is told with how to start it."""
    with quorum_of() as quorum, lone_node(Settings(quorum.urls, "1s")) as node:
        found = examined(node)
        assert found.keys() == {"agent-absent"}
        assert "start" in found["agent-absent"][0]["remedy"]
        assert [quorum.ask(index, "DBSIZE") for index in range(3)] == [b":0\r\n"] * 3


def test_each_fault_of_an_instance_is_told_with_a_remedy_that_mends_it() -> None:
    """Nine instances, with nearly as many faults at once; mended as the text says, they are gone."""
    with quorum_of(8, transport="tcp") as quorum:
        urls = [*quorum.urls, quorum.urls[0].removesuffix("0") + "1"]
        urls[1] = urls[1].replace("redis://", "redis://agent:pw@")
        master = urls[3].removeprefix("redis://").removesuffix("/0").split(":")
        rights = ("~other:*", "resetchannels", "+@all", "-evalsha", "-publish")
        quorum.ask(1, "ACL", "SETUSER", "agent", "on", ">pw", *rights)
        quorum.ask(3, "CONFIG", "SET", "repl-diskless-sync-delay", "0")
        quorum.ask(2, "REPLICAOF", *master)
        quorum.ask(3, "SET", f"leader:{CLUSTER}:jobs", "foreign")
        quorum.ask(4, "CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru")
        quorum.ask(5, "CONFIG", "SET", "maxmemory", "1")
        quorum.ask(6, "CONFIG", "SET", "min-replicas-to-write", "1")
        quorum.kill(7)
        until(lambda: b"connected_slaves:1" in quorum.ask(3, "INFO", "replication"), "the replica is there")
        with lone_node(Settings(urls, "1s")) as node:
            found = examined(node)
            assert found.keys() - {"agent-absent"} == {
                "instance-duplicate",
                "instance-rights",
                "instance-key",
                "instance-replica",
                "instance-replicas",
                "instance-evicts",
                "instance-out-of-memory",
                "instance-too-few-replicas",
                "instance-refused",
            }
            assert (
                "2 of 9 instances vote: nobody can lead without 3 more" in found["instance-refused"][0]["why"]
            )
            mend(quorum, found)
            urls.pop()
            node.configure(replace(node.settings, urls=urls))
            assert examined(node).keys() == {"agent-absent"}


@pytest.mark.parametrize(
    ("rules", "said"),
    [(("resetpass", ">other"), "refuses the password"), (("off",), "has disabled that user")],
)
def test_an_instance_that_lets_nobody_in_is_told_by_what_it_says(rules: tuple[str, ...], said: str) -> None:
    """Every further connection is refused there as well; the others are examined all the same."""
    with quorum_of(3) as quorum:
        urls = [url.replace("unix://", "unix://agent:pw@") for url in quorum.urls]
        for index in range(3):
            quorum.ask(index, "ACL", "SETUSER", "agent", "on", ">pw", "allkeys", "allchannels", "+@all")
        quorum.ask(1, "ACL", "SETUSER", "agent", *rules)
        with lone_node(Settings(urls, "1s")) as node:
            found = examined(node)
        assert found.keys() == {"agent-absent", "instance-wrong-password"}
        assert said in found["instance-wrong-password"][0]["what"]


def mend(quorum: EmbeddedQuorum, found: Findings) -> None:
    """Do what the remedies say, each checked to say it."""
    (rights,) = found["instance-rights"]
    command = rights["remedy"].partition("there: ")[2].partition(" (")[0]
    assert command == f"ACL SETUSER agent ~leader:{CLUSTER}:* &leader:{CLUSTER}:* +evalsha +publish"
    quorum.ask(1, *command.split())
    assert found["instance-key"][0]["remedy"].endswith(f"DEL leader:{CLUSTER}:jobs")
    quorum.ask(3, "DEL", f"leader:{CLUSTER}:jobs")
    until(lambda: quorum.ask(2, "DBSIZE") == b":0\r\n", "the replica has followed")
    assert "REPLICAOF NO ONE" in found["instance-replica"][0]["remedy"]
    assert "REPLICAOF NO ONE" in found["instance-replicas"][0]["remedy"]
    quorum.ask(2, "REPLICAOF", "NO", "ONE")
    assert "maxmemory-policy noeviction" in found["instance-evicts"][0]["remedy"]
    quorum.ask(4, "CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert "raise maxmemory" in found["instance-out-of-memory"][0]["remedy"]
    quorum.ask(5, "CONFIG", "SET", "maxmemory", "100mb")
    assert "min-replicas-to-write 0" in found["instance-too-few-replicas"][0]["remedy"]
    quorum.ask(6, "CONFIG", "SET", "min-replicas-to-write", "0")
    assert "start its server" in found["instance-refused"][0]["remedy"]
    quorum.restart(7, keep_data=False)
    assert "list an independent server" in found["instance-duplicate"][0]["remedy"]
    until(lambda: b"connected_slaves:0" in quorum.ask(3, "INFO", "replication"), "the replica is gone")


def test_what_other_nodes_registered_is_compared() -> None:
    """Another list, another server under one address, another version, no majority, a name used twice."""
    with quorum_of(transport="tcp") as quorum, lone_node(Settings(quorum.urls, "1s")) as node:
        known = "{}:{}/0".format(*quorum.urls[0].removeprefix("redis://").removesuffix("/0").split(":"))
        sound = Entry(
            "x", __version__, 1, 0, "1", contends=True, sees_majority=True, priorities={"default": 1}
        )
        register(quorum, "stranger", replace(sound, priorities={"other": 1}, processes={"h:1/0": "p"}))
        register(quorum, "lister", replace(sound, processes={"h:1/0": "p"}))
        register(quorum, "elsewhere", replace(sound, processes={known: "p"}))
        register(quorum, "old", replace(sound, version="0.0.1", sees_majority=False))
        register(quorum, "aside", replace(sound, paused=True, reason="backup"))
        register(quorum, "gone", sound, ago_ms=60_000)
        found = examined(node)
        assert {
            code: finding[0]["what"].split()[1] for code, finding in found.items() if "node-" in code
        } == {
            "node-unknown": "stranger",
            "node-other-list": "lister",
            "node-other-server": "elsewhere",
            "node-version": "old",
            "node-minority": "old",
            "node-aside": "aside",
            "node-gone": "gone",
        }
        assert "quorum.instances the same on lister" in found["node-other-list"][0]["remedy"]
        assert 'cluster = "…" in the file of stranger' in found["node-unknown"][0]["remedy"]


def register(quorum: EmbeddedQuorum, node: str, entry: Entry, ago_ms: int = -AHEAD_MS) -> None:
    """Let one server keep this entry, as if that node had written it; without a word, while it is first read.

    One from the future, which a clock that was set back leaves behind, counts from when it is read.
    """
    text = encode(entry)
    quorum.ask(1, "HSET", f"leader:{CLUSTER}:about", node, text)
    quorum.ask(1, "HSET", f"leader:{CLUSTER}:nodes", node, f"{wall_ms() - ago_ms}:{stamp_of(text)}")


def test_two_agents_of_one_name_and_a_file_that_the_agent_does_not_go_by_are_told() -> None:
    """A cloned machine; and another lease and priority written meanwhile, which the quorum does not have."""
    with quorum_of() as quorum, short_directory() as here, short_directory() as there:
        settings = Settings(quorum.urls, "2s")
        with Cluster(here, settings, "a") as cluster, Cluster(there, settings, "a") as clone:
            node = cluster.nodes["a"]
            cluster.wait_for_leader()
            put_out_of_step(quorum, clone.nodes["a"])
            node.configure(replace(settings, lease="3s", elections={"default": 7}))
            found = examined(node)
            assert found.keys() == {
                "node-twin",
                "agent-configuration",
                "instance-other-configuration",
            }
            assert "node.name" in found["node-twin"][0]["remedy"]
            told = found["agent-configuration"][0]["what"]
            assert f"pid {node.pid}" in told
            assert "lease 2s there, 3s in the file" in told
            assert "default 100 there, default 7 in the file" in told
            assert "by [quorum.previous], in two steps" in found["instance-other-configuration"][0]["remedy"]


def put_out_of_step(quorum: EmbeddedQuorum, clone: Node) -> None:
    """Let a clone register while its twin is between two beats, some time after the last one."""
    began_ms = wall_ms()

    def between() -> bool:
        reply = quorum.ask(0, "HGETALL", f"leader:{CLUSTER}:nodes").decode()
        written_ms = max(int(stamp) for stamp in re.findall(r"(\d+):\w", reply))
        return wall_ms() - began_ms > BEAT_S * 1500 and 200 < wall_ms() - written_ms < 400

    with clone.paused():
        until(between, "the twin registered a moment ago")


def test_a_broken_configuration_is_told_and_the_rest_examined_all_the_same() -> None:
    """With the exit code of a broken configuration; a crontab is read too."""
    with lone_node(Settings(["nonsense"])) as node:
        crontab = node.directory / "crontab"
        crontab.write_text("* * * * * leader is-leader && date +%s\n")
        asked = node.run("doctor", "--config", str(node.config), "--crontab", str(crontab))
        assert asked.code == BROKEN
        for words in ("Configuration\n", "Agent of this node\n", "Crontabs\n", "%", "leader config check"):
            assert words in asked.output


@pytest.mark.needs("root")
def test_who_may_not_read_a_file_is_sent_to_who_may(tmp_path: Path) -> None:
    """The agent is another user, or root, and starts all the same."""
    file = tmp_path / "leader.toml"
    file.write_text('cluster = "prod"\nquorum.instances = ["redis://10.0.0.11"]\n')
    file.chmod(0o600)
    os.seteuid(NOBODY)
    try:
        _, (finding,) = configuration(str(file))
    finally:
        os.seteuid(0)
    assert finding.what.endswith("(Permission denied): it must be a file that user nobody can read")
    assert "no agent of user nobody starts with it" in finding.why
    assert "only root or the agent's user is to read" in finding.remedy
    assert configuration(str(file))[0] is not None


def test_more_files_without_the_option_are_refused() -> None:
    """A file that is named by mistake is not passed over in silence."""
    with lone_node(Settings(["redis://127.0.0.1:1"])) as node:
        asked = node.run("doctor", "/etc/crontab")
        assert asked.code == 2
        assert "--crontab" in asked.complaint
