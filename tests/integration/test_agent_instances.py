"""Instances that are killed, hung, emptied, restarted: nothing happens while a majority stands."""

import statistics
from collections.abc import Callable

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import BEAT_S, LEASE_S, Cluster, Node, record_of, term_of
from tests.support.notices import Ear
from tests.support.polling import NS_PER_S, always, until
from tests.support.watch import Watch

pytestmark = pytest.mark.xdist_group("agent-instances")
BEATS = 4
BEAT_NS = int(BEAT_S * NS_PER_S)

Harm = Callable[[EmbeddedQuorum, int], None]
HARMS: dict[str, Harm] = {
    "killed": lambda quorum, index: quorum.kill(index),
    "hung": lambda quorum, index: quorum.hang(index),
    "emptied": lambda quorum, index: quorum.flush(index),
    "restarted with its data": lambda quorum, index: _restart(quorum, index, keep_data=True),
    "restarted without data": lambda quorum, index: _restart(quorum, index, keep_data=False),
}


def _restart(quorum: EmbeddedQuorum, index: int, *, keep_data: bool) -> None:
    quorum.save_now(index)
    quorum.restart(index, keep_data=keep_data)


def heal(quorum: EmbeddedQuorum, index: int) -> None:
    """Let the server run and answer again, whatever was done to it."""
    quorum.start()
    quorum.resume(index)


def renewals(ear: Ear, since: int) -> list[int]:
    """When renewals were published there, from that one on."""
    return [heard.at for heard in ear.all(lambda heard: heard.state == "held")][since:]


def phase_ns(moments: list[int]) -> int:
    """Where in the beat they are published, as a rule: the median, nearest to zero."""
    return int(statistics.median((moment + BEAT_NS // 2) % BEAT_NS - BEAT_NS // 2 for moment in moments))


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS.keys())
def test_one_instance_of_three_does_not_matter(cluster: Cluster, quorum: EmbeddedQuorum, harm: Harm) -> None:
    """The same leader with the same term goes on, and renews at the others at the same moments.

    Source: redlock-py (3.4 s, and both keys leaked), redsync#140, redlock-rb#129: one dead or hung server
    delayed the round, or failed it.
    """
    leader = cluster.settle()
    term = term_of(leader)
    with Ear(quorum.urls[0]) as ear, Watch(cluster.nodes.values()) as watch:
        until(lambda: len(renewals(ear, 0)) > BEATS, "renewals before")
        before = renewals(ear, 1)
        harm(quorum, 2)
        try:
            until(lambda: len(renewals(ear, 0)) > 2 * BEATS + 1, "renewals afterwards")
        finally:
            heal(quorum, 2)
        after = renewals(ear, len(before) + 2)
    assert watch.leaders() == [leader.name]
    assert (term_of(leader), cluster.leader()) == (term, leader)
    origin = before[0]
    shift = phase_ns([at - origin for at in after]) - phase_ns([at - origin for at in before])
    assert abs(shift) < BEAT_NS // 10, "the others are renewed at the same moments as before"


@pytest.mark.parametrize("keep_data", [True, False], ids=["with its data", "without data"])
def test_a_restarted_instance_is_voted_in_again(
    cluster: Cluster,
    quorum: EmbeddedQuorum,
    keep_data: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """It counts again one lease after its restart, so the next failure does not end the leadership.

    Source: redsync#147: a restarted server was never voted in again, so the next restart lost the lock.
    """
    leader = cluster.settle()
    term = term_of(leader)
    process = record_of(quorum, 0)["process"]
    _restart(quorum, 0, keep_data=keep_data)

    def is_in() -> bool:
        """Whether the new process was taken."""
        record = record_of(quorum, 0)
        return record.get("state") == "held" and record["process"] != process

    until(is_in, "the restarted instance is taken")
    quorum.kill(1)
    try:
        always(leader.leads, f"{leader} leads", 1.5 * LEASE_S)
        assert term_of(leader) == term
    finally:
        heal(quorum, 1)


def test_scripts_that_an_instance_forgot_are_loaded_again(cluster: Cluster, quorum: EmbeddedQuorum) -> None:
    """SCRIPT FLUSH at every instance, as after a restart of all: nobody notices.

    Only the leader runs meanwhile, so that no other node loads them for it.

    Source: resque-scheduler#298: NOSCRIPT after a restart was never recovered from.
    """
    leader = cluster.settle()
    term = term_of(leader)
    lines = len(leader.log().splitlines())
    with cluster.alone(leader), Watch([leader]) as watch, Ear(quorum.urls[0]) as ear:
        for index in range(3):
            assert quorum.ask(index, "SCRIPT", "FLUSH") == b"+OK\r\n"
        until(lambda: len(renewals(ear, 0)) > 3, "renewals go on")
    assert watch.leaders() == [leader.name]
    assert term_of(leader) == term
    assert leader.log().splitlines()[lines:] == []


def test_a_dead_instance_does_not_fill_the_log(cluster: Cluster, quorum: EmbeddedQuorum) -> None:
    """One line when it is lost, with the remedy, one when it is back; none for each beat in between."""
    leader = cluster.settle()
    name = quorum.urls[2].removeprefix("unix://")
    before = {node: len(node.log().splitlines()) for node in cluster.nodes.values()}

    def lines(node: Node) -> list[str]:
        return [line for line in node.log().splitlines()[before[node] :] if name in line]

    with Ear(quorum.urls[0]) as ear:
        quorum.kill(2)
        try:
            until(lambda: len(renewals(ear, 0)) > 2 * BEATS, "many beats")
        finally:
            heal(quorum, 2)
    for node in cluster.nodes.values():
        until(lambda node=node: any("votes again" in line for line in lines(node)), "it is back")  # type: ignore[misc]
        assert len(lines(node)) <= 3, "lost, refused, back"
        assert "start its server" in lines(node)[-2]
    assert "instance=" in lines(leader)[0]


def test_the_problem_of_an_instance_is_shown_with_the_remedy(
    cluster: Cluster, quorum: EmbeddedQuorum
) -> None:
    """Status says which instance is missing and what to do, and how many more may fail."""
    leader = cluster.settle()
    quorum.kill(2)
    try:
        name = quorum.urls[2].removeprefix("unix://")
        until(lambda: "start its server" in leader.problems()[name], "status shows the problem")
        assert leader.status()["tolerates"] == 0
        assert "start its server" in leader.run("status").output
    finally:
        heal(quorum, 2)
    until(lambda: not any(leader.problems().values()), "the problem is gone")
