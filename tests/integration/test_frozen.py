"""A leader that stood still, or whose wall clock was set, leads under a new term: on real agents."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from leader.api.unix import UnixConnection
from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import LEASE_S, Cluster, Node, Settings, quorum_of, short_directory, term_of
from tests.support.polling import NS_PER_S, PATIENCE_S, always, until

pytestmark = pytest.mark.xdist_group("history")
SHIFTED = """
import pathlib, sys
from leader import clock
real = clock.wall_ns
shift = pathlib.Path(sys.argv.pop(1))
clock.wall_ns = lambda: real() + int(shift.read_text())
from leader.__main__ import main
main()
"""
"""Runs `leader` with a wall clock that is ahead by what a file says, nanoseconds."""
LONG_LEASE_S = 3


class WallClock:
    """The wall clock of one node, which can be set."""

    def __init__(self, directory: Path, node: Node) -> None:
        """Let this node's agent, which does not run yet, read it."""
        self._shift, script = directory / "shift", directory / "shifted.py"
        self._seconds = 0
        self._set()
        script.write_text(SHIFTED)
        command = node.command
        node.command = lambda *words: [command()[0], str(script), str(self._shift), *words]  # type: ignore[method-assign]

    def jump(self, seconds: int) -> None:
        """Set it, ahead or back by so much."""
        self._seconds += seconds
        self._set()

    def _set(self) -> None:
        beside = self._shift.with_suffix(".new")
        beside.write_text(str(self._seconds * NS_PER_S))
        beside.replace(self._shift)


@contextmanager
def alone(quorum: EmbeddedQuorum, lease_s: int = 2) -> Iterator[tuple[Node, WallClock]]:
    """The only node of a cluster, which leads, and its wall clock."""
    with short_directory() as directory:
        cluster = Cluster(directory, Settings(quorum.urls, f"{lease_s}s"), "a", quorum)
        node = cluster.nodes["a"]
        clock = WallClock(directory, node)
        try:
            node.start()
            cluster.wait_for_leader()
            yield node, clock
        finally:
            cluster.__exit__()


def ended(node: Node, term: int) -> tuple[str, str]:
    """By which cause the leadership of that term has ended, and why, as this node has it."""
    history: Any = node.client(5.0).history()
    return next(
        ((one["cause"], one["reason"]) for one in history["leaderships"] if one["term"] == term), ("", "")
    )


def leads_anew(node: Node, term: int, cause: str) -> str:
    """Why the leadership of that term ended, once it did so by that cause and this node leads again."""
    until(lambda: node.leads() and term_of(node) > term, "it leads under a new term")
    until(lambda: ended(node, term)[0] == cause, f"term {term} has ended by {cause}")
    return ended(node, term)[1]


@pytest.mark.parametrize(("seconds", "words"), [(30, "30.0 s ahead"), (-30, "30.0 s back")])
def test_a_wall_clock_that_jumps_unseats_the_leader_which_wins_again(
    quorum: EmbeddedQuorum, seconds: int, words: str
) -> None:
    """Either way, as after a freeze that stopped its clocks; history, log and metrics have the cause."""
    with alone(quorum) as (node, clock):
        term = term_of(node)
        clock.jump(seconds)
        assert leads_anew(node, term, "clock-jumped") == (
            f"the wall clock jumped {words}, and its lease may be over by the clocks of others"
        )
        assert f"the wall clock jumped {words}" in node.log()
        assert "cause=clock-jumped" in node.log()
        told = scrape(node)
        assert 'leader_leaderships_lost_total{cause="clock-jumped",election="default"} 1.0' in told
        assert 'leader_clock_incidents_total{kind="clock-jumped"} 1.0' in told


def test_a_clock_that_is_set_three_times_in_a_row_costs_as_many_terms_and_no_more(
    quorum: EmbeddedQuorum,
) -> None:
    """As chrony may do after a boot; then the leadership stands."""
    with alone(quorum) as (node, clock):
        for seconds in (3600, -20, 2):
            term = term_of(node)
            clock.jump(seconds)
            leads_anew(node, term, "clock-jumped")
        always(node.leads, "it leads on", 2 * LEASE_S)
        history: Any = node.client(5.0).history()
        assert sum(one["cause"] == "clock-jumped" for one in history["leaderships"]) == 3


@pytest.fixture(scope="module")
def patient() -> Iterator[Node]:
    """A node that leads alone, with a lease long enough to stop it for parts of it."""
    with quorum_of(3) as quorum, alone(quorum, LONG_LEASE_S) as (node, _):
        yield node


@pytest.mark.parametrize(("share", "who"), [(0.8, "this agent"), (1.1, "this node")])
def test_a_leader_that_was_stopped_for_most_of_its_lease_or_longer_leads_under_a_new_term(
    patient: Node, share: float, who: str
) -> None:
    """SIGSTOP just after a renewal: the deadline, at 0.9 of the lease, is still to come, or has passed."""
    term = stopped(patient, share)
    reason = leads_anew(patient, term, "frozen")
    assert reason.startswith(who)
    assert "stood still for" in reason
    assert "INCIDENT" in patient.run("history").output


def test_a_leader_that_was_stopped_for_less_than_a_beat_leads_on(patient: Node) -> None:
    """Its term stays: a beat that is lost is nothing."""
    term = stopped(patient, 0.25)
    always(patient.leads, "it leads", LONG_LEASE_S / 2)
    assert term_of(patient) == term


def stopped(node: Node, share: float) -> int:
    """Stop this leader right after a renewal, for a part of its lease; its term."""
    until(lambda: sure_for_ms(node) > LONG_LEASE_S * 870, "it has just been renewed")
    term, wakes_ns = term_of(node), now_ns() + int(share * LONG_LEASE_S * NS_PER_S)
    with node.paused():
        until(lambda: now_ns() > wakes_ns, "it has stood still for so long")
    return term


def scrape(node: Node) -> str:
    """What its agent says to Prometheus."""
    connection = UnixConnection(str(node.socket), now_ns() + int(PATIENCE_S * NS_PER_S))
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def sure_for_ms(node: Node) -> int:
    """How long its lease is sure, as it says."""
    answer = node.leadership()
    return answer.remaining_ms if answer else 0
