"""`on_gained` and `on_lost`: in order, never two at once, within their time, and waited for.

Source: keepalived#996, #568: hooks fired unordered and unbounded, and were not waited for at the stop.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import LEASE_S, SURE_S, Cluster, Node, Settings, short_directory, term_of
from tests.support.polling import NS_PER_S, always, until

pytestmark = pytest.mark.xdist_group("hooks")
ELECTION = "hooked"


class Diary:
    """What hooks wrote down, a line each: the event, the node, the term, the reason."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "diary"
        self.file.touch()

    def hook(self, before: str = "") -> str:
        """A command that writes a line, after something else."""
        return f'{before}echo "$LEADER_EVENT $LEADER_NODE $LEADER_TERM $LEADER_REASON" >>{self.file}'

    def lines(self) -> list[list[str]]:
        """The lines, in words."""
        return [line.split(maxsplit=3) for line in self.file.read_text().splitlines()]

    def events(self) -> list[str]:
        """The events with their nodes."""
        return [f"{words[0]} {words[1]}" for words in self.lines()]


@contextmanager
def hooked(
    quorum: EmbeddedQuorum, gained: list[str], lost: list[str], timeout: str = "5s", names: str = "ab"
) -> Iterator[Cluster]:
    """Nodes with these hooks, the first of which leads before the others start."""
    more = f'on_gained = {json.dumps(gained)}\non_lost = {json.dumps(lost)}\nhook_timeout = "{timeout}"'
    settings = Settings(quorum.urls, elections={ELECTION: 100}, more=more)
    with short_directory() as directory:
        cluster = Cluster(directory, settings, names)
        try:
            for node in cluster.nodes.values():
                node.start()
                until(lambda: cluster.leader(ELECTION), "one leads")
            yield cluster
        finally:
            cluster.__exit__()


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    """An empty one."""
    return Diary(tmp_path)


def other_leads(cluster: Cluster, leader: Node) -> Node:
    """The next leader, as soon as there is one."""
    return cluster.wait_for_leader(ELECTION, other_than=leader)


def test_a_hand_over_runs_on_lost_here_before_on_gained_there(quorum: EmbeddedQuorum, diary: Diary) -> None:
    """The release waits for `on_lost`, and the agent for its end; each hook knows term and reason."""
    with hooked(quorum, [diary.hook()], [diary.hook("sleep 0.3; ")]) as cluster:
        until(lambda: diary.events() == ["gained a"], "on_gained has run")
        first = cluster.nodes["a"]
        term = term_of(first, ELECTION)
        assert first.stop() == 0
        other_leads(cluster, first)
        until(lambda: len(diary.lines()) == 3, "all hooks have run")
    assert diary.events() == ["gained a", "lost a", "gained b"]
    assert [int(words[2]) for words in diary.lines()[:2]] == [term, term]
    assert diary.lines()[1][3] == "this node's agent is stopping"


def test_hooks_of_one_election_run_one_after_the_other(quorum: EmbeddedQuorum, diary: Diary) -> None:
    """All of a list, in its order; `on_lost` begins when a slow `on_gained` has ended."""
    gained = ["echo one >>{0}", "sleep 0.5; echo two >>{0}", "echo three >>{0}"]
    with hooked(
        quorum, [line.format(diary.file) for line in gained], [f"echo lost >>{diary.file}"]
    ) as cluster:
        assert cluster.nodes["a"].stop() == 0
    assert diary.file.read_text().split()[:4] == ["one", "two", "three", "lost"]


def test_a_hook_that_hangs_is_ended_in_time_and_delays_no_renewal(
    quorum: EmbeddedQuorum, diary: Diary
) -> None:
    """What ignores SIGTERM too; the leadership goes on meanwhile, and the log says which hook it was."""
    hang = f"trap '' TERM; echo $$ >>{diary.file}; while :; do sleep 0.1; done"
    with hooked(quorum, [hang], [], timeout="1s", names="a") as cluster:
        node = cluster.nodes["a"]
        always(lambda: node.leads(ELECTION), "it leads", 1.5 * LEASE_S)
        until(lambda: "it ran longer than hook_timeout" in node.log(), "the log says so")
        (pid,) = diary.file.read_text().split()
        until(lambda: not Path(f"/proc/{pid}").exists(), "it is gone")
        assert node.leads(ELECTION)


def test_a_hanging_on_lost_delays_a_hand_over_by_its_time_at_most(quorum: EmbeddedQuorum) -> None:
    """Then it is ended, and the lease is released."""
    with hooked(quorum, [], ["sleep 1000"], timeout="500ms") as cluster:
        first = cluster.nodes["a"]
        asked_at = now_ns()
        first.signal(signal.SIGTERM)
        other_leads(cluster, first)
        took_s = (now_ns() - asked_at) / NS_PER_S
        assert first.wait() == 0
    assert 0.4 < took_s < SURE_S


def test_a_leadership_that_goes_on_after_a_restart_runs_no_hook(quorum: EmbeddedQuorum, diary: Diary) -> None:
    """A reload, and an agent that was killed and resumes: nothing was gained or lost."""
    with hooked(quorum, [diary.hook()], [diary.hook()], names="a") as cluster:
        node = cluster.nodes["a"]
        term = term_of(node, ELECTION)
        node.signal(signal.SIGHUP)
        until(lambda: node.log().count("agent starts") == 2, "it has taken its own place")
        until(lambda: node.leads(ELECTION), "it leads again")
        node.kill()
        node.start()
        until(lambda: node.leads(ELECTION), "it leads again")
        assert term_of(node, ELECTION) == term
        assert diary.events() == ["gained a"]


def test_a_leadership_that_a_restart_cannot_resume_was_lost(quorum: EmbeddedQuorum, diary: Diary) -> None:
    """What `on_gained` set up has to be taken down, although the process that led is gone."""
    with hooked(quorum, [diary.hook()], [diary.hook()]) as cluster:
        until(lambda: diary.events() == ["gained a"], "on_gained has run")
        first = cluster.nodes["a"]
        first.kill()
        other_leads(cluster, first)
        first.start()
        until(lambda: len(diary.lines()) == 3, "on_lost has run")
        assert diary.events() == ["gained a", "gained b", "lost a"]
        assert diary.lines()[2][3] == "it could not be resumed after a restart"


def test_a_hook_that_fails_is_logged_and_harms_nothing(quorum: EmbeddedQuorum) -> None:
    """One line with what it ended with."""
    with hooked(quorum, ["exit 7", "no-such-command-at-all"], [], names="a") as cluster:
        node = cluster.nodes["a"]
        until(lambda: "the hook exit 7 ended with 7" in node.log(), "the log says so")
        until(lambda: "the hook no-such-command-at-all ended with 127" in node.log(), "and of the next one")
        assert node.leads(ELECTION)
