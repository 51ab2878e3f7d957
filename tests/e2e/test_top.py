"""`leader top` in a real terminal, with real keys, against real agents."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from leader.clock import now_ns
from leader.tui.top.app import AWAY
from tests.e2e.terminal import on_terminal
from tests.support.agents import PROJECT, Cluster, Node, Settings, quorum_of, short_directory
from tests.support.polling import NS_PER_S, until

pytestmark = [pytest.mark.xdist_group("agents"), pytest.mark.needs("tmux")]


class Screen:
    """A terminal of a private tmux server."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        self._name, self._environment = name, environment

    def tmux(self, *words: str) -> str:
        """What one tmux command says."""
        command = ["tmux", "-L", self._name, "-f", "/dev/null", *words]
        done = subprocess.run(
            command,
            env=self._environment,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.stdout

    def press(self, *keys: str) -> None:
        """Type."""
        self.tmux("send-keys", *keys)

    def text(self) -> str:
        """What stands there."""
        return self.tmux("capture-pane", "-p")

    def shows(self, *texts: str) -> str:
        """All that stands there, once these do."""
        try:
            until(lambda: all(text in self.text() for text in texts), f"top shows {texts}")
        except AssertionError as error:
            raise AssertionError(f"{error}, and not:\n{self.text()}") from None
        return self.text()


@contextmanager
def top_of(node: Node, directory: Path, **more: str) -> Iterator[Screen]:
    """Top for this node in 60 columns of 15 lines."""
    environment = {**node.places(), "PATH": "/usr/bin:/bin", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    screen = Screen(f"leader-{uuid4().hex[:12]}", {**environment, "TMUX_TMPDIR": str(directory), **more})
    command = f"{shlex.join(node.command('top'))}; echo ended with $?; read -r _"
    screen.tmux("new-session", "-d", "-x", "60", "-y", "15", "sh", "-c", command)
    try:
        yield screen
    finally:
        screen.tmux("kill-server")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two agents on three servers."""
    with (
        quorum_of(3) as quorum,
        short_directory() as directory,
        Cluster(directory, Settings(quorum.urls), "ab") as cluster,
    ):
        yield cluster


def row(screen: Screen) -> list[str]:
    """The words of the election's line."""
    return next(
        (line.split() for line in screen.text().splitlines() if line.startswith("default ")), [""] * 3
    )


def shows_within_a_second(screen: Screen, leader: Node) -> None:
    """Return once top names that leader, which has just begun to lead."""
    changed = now_ns()
    until(lambda: row(screen)[1] == leader.name, "top names the next leader")
    assert now_ns() - changed < NS_PER_S


def test_a_step_down_by_key_hands_over_and_shows_within_a_second(cluster: Cluster) -> None:
    """After a yes."""
    leader = cluster.settle()
    with top_of(leader, cluster.directory) as screen:
        screen.shows("default", "holder")
        screen.press("d")
        screen.shows("y: do it")
        screen.press("y")
        shows_within_a_second(screen, cluster.wait_for_leader(other_than=leader))


def test_it_follows_a_change_of_leader_a_restart_and_a_new_size(cluster: Cluster) -> None:
    """A killed agent is waited for, with the last state on the screen; Ctrl-C ends top with 0."""
    leader = cluster.settle()
    (other,) = cluster.others(leader)
    with top_of(other, cluster.directory) as screen:
        screen.shows("default", "candidate")
        leader.kill()
        shows_within_a_second(screen, cluster.wait_for_leader(other_than=leader))
        screen.tmux("resize-window", "-x", "120", "-y", "40")
        screen.shows("UTC", "gained", "WHY IT DOES NOT LEAD")
        other.kill()
        screen.shows(AWAY, "default")
        other.start()
        until(lambda: AWAY not in screen.text() and "default" in screen.text(), "top goes on")
        screen.press("C-c")
        screen.shows("ended with 0")


def test_without_colour_nothing_is_coloured(cluster: Cluster) -> None:
    """By NO_COLOR; the cursor is seen all the same."""
    leader = cluster.settle()
    with top_of(leader, cluster.directory, NO_COLOR="1") as screen:
        screen.shows("default", "holder")
        told = screen.tmux("capture-pane", "-p", "-e")
        assert re.search(r"\x1b\[[0-9;]*7m(\x1b\[[0-9;]*m)*default ", told), repr(told)
        assert "\x1b[32m" not in told
        assert "\x1b[38;" not in told


def test_without_a_terminal_it_points_to_status(cluster: Cluster) -> None:
    """Piped, or on a terminal that shows no screens."""
    node = next(iter(cluster.nodes.values()))
    with on_terminal(node.command("top"), {**node.places(), "TERM": "dumb"}) as terminal:
        assert terminal.ends() == 2
    assert "leader status" in terminal.output
    said = node.run("top")
    assert said.code == 2
    assert "leader status" in said.complaint
    assert said.complaint.count("\n") == 1
