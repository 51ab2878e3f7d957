"""One instance of three is hostile: the agents go on with the other two, as if it were not there."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leader import clock
from leader.instances.embedded import EmbeddedQuorum
from tests.faults.hostile import DEEDS, Answer, Hostile, hostile_server, lies
from tests.support.agents import Cluster, Node, Settings, quorum_of, short_directory, term_of
from tests.support.polling import always, until

pytestmark = pytest.mark.xdist_group("hostile-instance")

LEASE = "3s"
FOR_S = 1.0
MOST_MB = 160
MOST_LINES = 60
TEN_YEARS_MS = 10 * 366 * 24 * 3600 * 1000


@pytest.fixture(scope="module")
def honest() -> Iterator[EmbeddedQuorum]:
    """Two good servers."""
    with quorum_of(2) as servers:
        yield servers


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    """The third."""
    with short_directory() as directory, hostile_server(directory / "evil.sock") as server:
        yield server


@pytest.fixture(scope="module")
def pair(honest: EmbeddedQuorum, hostile: Hostile) -> Iterator[Cluster]:
    """Two nodes on the three."""
    with short_directory() as directory:
        settings = Settings([*honest.urls, hostile.url], lease=LEASE)
        with Cluster(directory, settings, "ab") as cluster:
            cluster.wait_for_leader()
            yield cluster


def resident_mb(node: Node) -> float:
    """The memory of the agent, in megabytes."""
    words = Path(f"/proc/{node.pid}/status").read_text().partition("VmRSS:")[2].split()
    return int(words[0]) / 1000


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_whatever_one_instance_does_one_node_leads_with_the_others(
    pair: Cluster, hostile: Hostile, deed: Answer, figures: Callable[[str], None]
) -> None:
    """No second leader, no lost lease, no crash; memory and log stay small."""
    leader = pair.wait_for_leader()
    term, lines = term_of(leader), {node: len(node.log().splitlines()) for node in pair.nodes.values()}
    commands, sent = hostile.commands, hostile.sent_bytes
    hostile.turn_to(deed)
    until(lambda: hostile.commands > commands + 2, "it was asked")
    always(lambda: [n for n in pair.nodes.values() if n.leads()] == [leader], "it alone leads", FOR_S)
    assert term_of(leader) == term < clock.wall_ms() + TEN_YEARS_MS
    for node in pair.nodes.values():
        assert resident_mb(node) < MOST_MB
        assert len(node.log().splitlines()) - lines[node] < MOST_LINES
        assert all(line.isprintable() for line in node.log().splitlines())
        assert "Traceback" not in node.log()
    memory = max(resident_mb(node) for node in pair.nodes.values())
    figures(f"{deed.__name__}: {(hostile.sent_bytes - sent) / 1e6:.1f} MB sent, {memory:.0f} MB resident")


@pytest.mark.parametrize("command", ["status", "history", "jobs", "doctor"])
def test_nothing_that_it_says_steers_a_terminal(pair: Cluster, hostile: Hostile, command: str) -> None:
    """Whatever it calls nodes, jobs and versions: of what is printed, each line can be printed."""
    commands = hostile.commands
    hostile.turn_to(lies)
    until(lambda: hostile.commands > commands + 2, "it was asked")
    node = pair.nodes["a"]
    words = ["--config", str(node.config)] if command == "doctor" else []
    ended = node.run(command, *words)
    assert ended.output
    assert all(line.isprintable() for line in (ended.output + ended.complaint).splitlines())
    assert ended.output.isascii() or "\u202e" not in ended.output


def test_its_lies_neither_hold_up_the_next_leader_nor_raise_the_term_out_of_reach(
    pair: Cluster, hostile: Hostile
) -> None:
    """After it has claimed every term there is: the other node leads, with a term near the clocks."""
    for deed in DEEDS[:2]:
        leader = pair.wait_for_leader()
        hostile.turn_to(deed)
        term = term_of(leader)
        leader.kill()
        next_leader = pair.wait_for_leader(other_than=leader)
        assert term < term_of(next_leader) < clock.wall_ms() + TEN_YEARS_MS
        leader.start()
