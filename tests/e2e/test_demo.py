"""`leader demo`: the story comes true, the live display ends when told to, and nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.e2e.terminal import INTERRUPT, on_terminal
from tests.support.agents import PROJECT, short_directory
from tests.support.polling import until

pytestmark = pytest.mark.xdist_group("demo")

DEMO = [sys.executable, "-m", "leader", "demo"]
STORY_MS = 40_000
CHAPTERS = 9
TIMES = {
    "three agents run to the first leader",
    "kill -9 of the leading agent to the next leader",
    "SIGTERM to the leading agent to the next leader",
    "one instance killed: back to its vote",
    "one instance hung: back to its vote",
    "one instance emptied: back to its vote",
    "majority killed to nobody leading",
    "majority back to the next leader",
}


@pytest.fixture
def place() -> Iterator[Path]:
    """Where the demo keeps its files, with a path that leaves room for sockets."""
    with short_directory() as directory:
        yield directory


@contextmanager
def demo(place: Path, *options: str) -> "Iterator[subprocess.Popen[str]]":
    """The demo, piped."""
    with subprocess.Popen(
        [*DEMO, *options],
        env=environment(place),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def environment(place: Path, **more: str) -> dict[str, str]:
    """What the demo is given: with the settings of another cluster, which must not reach its agents."""
    foreign = {"LEADER_CLUSTER": "other", "LEADER_NODE": "other", "NOTIFY_SOCKET": "/nowhere"}
    return {"PATH": os.environ["PATH"], "TMPDIR": str(place), "TERM": "xterm-256color", **foreign, **more}


def left_behind(place: Path) -> list[str]:
    """The processes that have to do with that directory: servers, agents, jobs, watchers."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.cwd()]
        except psutil.Error:
            continue
        if process.pid != os.getpid() and any(str(place) in word for word in words):
            found.append(" ".join(words))
    return found


def wait_until_all_are_gone(place: Path) -> None:
    """Return when nothing that the demo started runs any more."""
    until(lambda: not left_behind(place), f"nothing is left: {left_behind(place)}")


def read_until(process: "subprocess.Popen[str]", text: str) -> None:
    """Return when a line with this text was told."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"the demo ended without telling {text!r}")


@pytest.mark.timeout(120)
def test_the_story_comes_true_in_under_40_seconds(place: Path) -> None:
    """Piped, the demo tells its story, measures each time, counts the ticks, and leaves nothing."""
    with demo(place) as process:
        told, _ = process.communicate(timeout=100)
    assert process.returncode == 0, told
    assert re.findall(r"^(\d)\. ", told, re.MULTILINE) == [str(n) for n in range(1, CHAPTERS + 1)]
    table = told.partition("MEASURED")[2].splitlines()[1:]
    rows = {row[0]: row[1:] for row in (re.split(r"  +", line) for line in table)}
    assert rows.keys() >= TIMES
    assert all(row[-1] == "ok" for row in rows.values()), told
    assert all(re.fullmatch(r"\d+ ms|\d+\.\d\d s", rows[what][0]) for what in TIMES)
    assert rows["ticks run twice"][0] == "0"
    assert int(rows["ticks"][0]) > 40
    assert "\x1b" not in told
    last = max(float(moment) for moment in re.findall(r"^ +(\d+\.\d) s  ", told, re.MULTILINE))
    assert last * 1000 < STORY_MS
    assert left_behind(place) == []
    assert list(place.iterdir()) == []


def test_on_a_terminal_it_is_live_until_ctrl_c(place: Path) -> None:
    """Ctrl-C is its ordinary end: exit 0, a closing table, and nothing left."""
    with on_terminal(DEMO, environment(place)) as terminal:
        terminal.shows("node-1")
        terminal.shows("leads with term")
        terminal.shows("kill -9 of the agent")
        terminal.press(INTERRUPT)
        assert terminal.ends() == 0
    assert "ticks run twice" in terminal.output
    assert "Traceback" not in terminal.output
    assert left_behind(place) == []
    assert list(place.iterdir()) == []


def test_the_live_display_ends_after_the_seconds_it_is_given(place: Path) -> None:
    """For recordings."""
    with on_terminal([*DEMO, "--seconds", "1"], environment(place)) as terminal:
        assert terminal.ends() == 0
    assert "ticks run twice" in terminal.output


def test_ctrl_c_ends_the_story_with_130(place: Path) -> None:
    """It was not told to its end; nothing is left all the same."""
    with on_terminal([*DEMO, "--story"], environment(place)) as terminal:
        terminal.shows("leads with term")
        terminal.press(INTERRUPT)
        assert terminal.ends() == 130
    assert "Traceback" not in terminal.output
    assert left_behind(place) == []
    assert list(place.iterdir()) == []


def test_sigterm_ends_it_and_takes_everything_down(place: Path) -> None:
    """As a service manager would end it."""
    with demo(place) as process:
        read_until(process, "three agents run")
        process.terminate()
        assert process.wait(30) == 128 + signal.SIGTERM
    assert left_behind(place) == []
    assert list(place.iterdir()) == []


def test_after_kill_9_no_server_and_no_agent_stays(place: Path) -> None:
    """They belong to a group that ends with its owner, however that ends."""
    with demo(place) as process:
        read_until(process, "leads with term")
        assert len(left_behind(place)) >= 8
        process.kill()
        process.wait()
        wait_until_all_are_gone(place)


def test_a_reader_that_leaves_ends_it_without_a_traceback(place: Path) -> None:
    """`leader demo | head -1`."""
    with demo(place) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 1
    assert left_behind(place) == []
    assert list(place.iterdir()) == []


def test_without_a_server_program_it_says_what_to_install(place: Path) -> None:
    """One sentence, and exit 1."""
    done = subprocess.run(
        DEMO,
        env=environment(place, LEADER_TEST_SERVER=str(place / "none")),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("leader: ")
    assert done.stderr.count("\n") == 1
    assert "redis-server" in done.stderr


def test_seconds_are_for_the_live_display_only(place: Path) -> None:
    """A story has its own end."""
    done = subprocess.run(
        [*DEMO, "--story", "--seconds", "5"],
        env=environment(place),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "--seconds" in done.stderr
