"""Who led when and why no longer: real agents agree on it, and notice what befalls themselves."""

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.faults.proxy import Fault
from tests.faults.wall import wall
from tests.support.agents import LEASE_S, Cluster, Node, Settings, quorum_of, short_directory, term_of
from tests.support.polling import until

pytestmark = pytest.mark.xdist_group("history")
SCHEMA = json.loads((Path(__file__).parents[1] / "e2e" / "history.schema.json").read_text())


@contextmanager
def nodes(quorum: EmbeddedQuorum, names: str = "ab") -> Iterator[Cluster]:
    """A cluster of its own, settled."""
    with short_directory() as directory, Cluster(directory, Settings(quorum.urls), names, quorum) as cluster:
        cluster.settle()
        yield cluster


def leaderships(node: Node, since: int = 0) -> list[dict[str, Any]]:
    """What this node remembers of the election from that term on, by its command, the newest first."""
    document = json.loads(node.run("history", "default", "--json").output)
    jsonschema.validate(document, SCHEMA)
    found: list[dict[str, Any]] = document["leaderships"]
    return [one for one in found if one["term"] >= since]


def cause_of(node: Node, term: int) -> str:
    """Why the leadership of that term ended, as this node has it."""
    history: Any = node.client(5.0).history()
    found = [one for one in history["leaderships"] if one["term"] == term]
    return str(found[0]["cause"]) if found else "unknown"


def agree(cluster: Cluster, term: int, cause: str) -> None:
    """Wait until every node that runs has this cause."""
    running = [node for node in cluster.nodes.values() if node.runs]
    until(
        lambda: all(cause_of(node, term) == cause for node in running),
        f"{', '.join(map(str, running))} say that term {term} ended by {cause}",
    )


def test_a_stop_and_a_crash_are_told_apart_and_survive_a_restart(quorum: EmbeddedQuorum) -> None:
    """Released with the agent's stop, expired after `kill -9`; the gap is how long nobody led."""
    with nodes(quorum) as cluster:
        first = cluster.wait_for_leader()
        second = cluster.others(first)[0]
        stopped = term_of(first)
        first.stop()
        cluster.wait_for_leader(other_than=first)
        agree(cluster, stopped, "released")
        first.start()
        cluster.settle()
        killed = term_of(second)
        file = second.state / "history.jsonl"
        until(
            lambda: file.exists() and str(killed) in file.read_text(),
            "what it leads is on its disk, a moment later",
        )
        second.kill()
        cluster.wait_for_leader(other_than=second)
        agree(cluster, killed, "expired")
        second.start()
        until(
            lambda: len(leaderships(second, stopped)) == 3,
            "the restarted node remembers, and sees the new one",
        )
        newest, crashed, oldest = leaderships(first, stopped)
        assert (newest["node"], newest["ended"]) == (str(first), "")
        assert (crashed["node"], crashed["term"]) == (str(second), killed)
        assert crashed["gap_ms"] > LEASE_S * 500
        assert (oldest["node"], oldest["cause"]) == (str(first), "released")
        shown = first.run("history").output.splitlines()
        assert shown[0].split() == [
            "ELECTION",
            "NODE",
            "BEGAN",
            "LASTED",
            "ENDED",
            "BY",
            "GAP",
            "TERM",
            "REASON",
        ]
        assert len(shown) >= 4
        assert first.run("history", "--limit", "1").output.count("default") == 1
        assert "leader-changed" not in first.log()
        assert f"{second} leads" in first.log()


def test_a_frozen_leader_says_for_how_long_and_all_learn_it(quorum: EmbeddedQuorum) -> None:
    """The others see it expire; what it says of itself when it goes on is better known."""
    with nodes(quorum) as cluster:
        leader = cluster.wait_for_leader()
        other = cluster.others(leader)[0]
        term = term_of(leader)
        with leader.paused():
            cluster.wait_for_leader(other_than=leader)
            agree_there = until(lambda: cause_of(other, term) == "expired", "the other saw it expire")
            assert agree_there
        agree(cluster, term, "frozen")
        incident = until(lambda: leader.client().history()["incidents"], "the incident is kept")
        assert "stood still for" in incident[0]["sentence"]  # type: ignore[index]
        assert re.search(r"stood still for \d+\.\d s", leaderships(other, term)[1]["reason"])
        assert "this agent stood still for" in leader.log()
        assert "INCIDENT" in leader.run("history").output


def test_a_leader_whose_quorum_is_gone_says_so(tmp_path: Path) -> None:
    """Nobody else can lead meanwhile; the same node leads again with another term."""
    with (
        EmbeddedQuorum(tmp_path / "q", 3) as quorum,
        nodes(quorum, "a") as cluster,
    ):
        node = cluster.nodes["a"]
        term = term_of(node)
        for index in (0, 1):
            quorum.hang(index)
        until(lambda: not node.leads(), "it leads no more")
        for index in (0, 1):
            quorum.resume(index)
        cluster.wait_for_leader()
        agree(cluster, term, "quorum-lost")


def test_a_node_that_is_cut_off_or_down_for_a_while_ends_nobodys_leadership() -> None:
    """What it could not see it does not know; what it saw again and then saw die has expired."""
    with (
        quorum_of(3) as quorum,
        short_directory() as directory,
        wall(quorum.urls, directory) as proxies,
        Cluster(directory / "n", Settings(proxies.urls), "ab") as cluster,
    ):
        leader = cluster.settle()
        other = cluster.others(leader)[0]
        term = term_of(leader)
        until(lambda: cause_of(other, term) == "", "the other has seen it begin")
        proxies.misbehave(Fault.SWALLOW_ALL, 0, 1, 2, pid=other.pid)
        until(lambda: cause_of(other, term) == "unseen", "the other sees nothing any more")
        proxies.mend()
        until(lambda: cause_of(other, term) == "", "the other sees it go on")
        assert [one["ended"] for one in leaderships(other, term)] == [""]
        other.stop()
        other.start()
        until(lambda: other.leadership() and cluster.settle() is leader, "the other sees it again")
        assert term_of(leader) == term
        assert [one["cause"] for one in leaderships(other, term)] == [""]
        leader.kill()
        until(other.leads, "the other takes over")
        until(lambda: cause_of(other, term) == "expired", "it saw it die")
        assert leaderships(other, term)[1]["gap_ms"] > LEASE_S * 500


def test_a_damaged_file_ends_neither_the_agent_nor_its_answers(quorum: EmbeddedQuorum) -> None:
    """A line that says nonsense is passed over, and the node leads and tells its history."""
    with nodes(quorum, "a") as cluster:
        node = cluster.nodes["a"]
        term = term_of(node)
        node.stop()
        with (node.state / "history.jsonl").open("a") as file:
            file.write('{"line":"leadership","election":"default","term":1,"node":"x","began_ms":"soon"}\n')
        node.start()
        cluster.wait_for_leader()
        until(
            lambda: len(leaderships(node, term)) == 2, "it remembers the last one and knows the present one"
        )
        assert cause_of(node, 1) == "unknown"


def test_a_resumed_leadership_is_one(quorum: EmbeddedQuorum) -> None:
    """A reload neither ends it nor begins another."""
    with nodes(quorum, "a") as cluster:
        node = cluster.nodes["a"]
        term = term_of(node)
        node.signal(signal.SIGHUP)
        until(lambda: "resumed the leadership" in node.log() and node.leads(), "it has resumed")
        assert [one["cause"] for one in leaderships(node, term)] == [""]


def test_mistakes_of_a_user_get_one_sentence(quorum: EmbeddedQuorum) -> None:
    """An election that there is not, a limit below nothing."""
    with nodes(quorum, "a") as cluster:
        node = cluster.nodes["a"]
        unknown = node.run("history", "reprots")
        assert (unknown.code, unknown.complaint) == (
            2,
            "leader: there is no election 'reprots'; there is: default\n",
        )
        for mistaken in ("-1", "many"):
            refused = node.run("history", "--limit", mistaken)
            said = f"leader: --limit is '{mistaken}': say how many lines, or 0 for all\n"
            assert (refused.code, refused.complaint) == (2, said)
