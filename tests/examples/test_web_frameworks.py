"""The examples of Django and Flask: commands that work under a leadership, and are silent without one."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.agents import PROJECT, Cluster, Ended, Node, Settings, quorum_of, short_directory, term_of
from tests.support.examples import EXAMPLES, example
from tests.support.polling import PATIENCE_S, until

pytestmark = pytest.mark.xdist_group("examples-web")
DJANGO = EXAMPLES / "django"
APP = example("flask/app.py")
STOPPED, UNREACHABLE = 75, 3
ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
NARROW = 4096
"""Bytes of a pipe: whoever writes does not run far ahead of who reads."""


@dataclass(frozen=True)
class Framework:
    """How its example is started, and in which environment."""

    words: list[str]
    environment: dict[str, str]
    where: Path

    def start(self, node: Node, *names: str, **environment: str) -> "subprocess.Popen[str]":
        """The command `report`, on that node."""
        return subprocess.Popen(
            [sys.executable, "-m", *self.words, *names],
            env={**node.places(), **self.environment, **environment},
            cwd=self.where,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pipesize=NARROW,
            text=True,
        )

    def run(self, node: Node, *names: str, **environment: str) -> Ended:
        """The same, to its end."""
        with self.start(node, *names, **environment) as process:
            output, complaint = process.communicate(timeout=PATIENCE_S)
        return Ended(process.returncode, output, complaint)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two nodes with a lease that a loaded machine cannot outrun."""
    with ExitStack() as stack:
        quorum, directory = stack.enter_context(quorum_of()), stack.enter_context(short_directory())
        yield stack.enter_context(Cluster(directory, Settings(quorum.urls, lease="5s"), "ab", quorum))


def django(directory: Path) -> Framework:
    """A project with a database of its own."""
    place = {"DJANGO_SETTINGS_MODULE": "settings", "DATABASE": str(directory / "db")}
    framework = Framework(["django", "report"], {**ENVIRONMENT, **place}, DJANGO)
    migrate = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
    subprocess.run(migrate, env={**os.environ, **framework.environment}, cwd=DJANGO, check=True, timeout=60)
    return framework


def flask(directory: Path) -> Framework:
    """The application, from wherever one is."""
    return Framework(["flask", "--app", str(APP), "report"], ENVIRONMENT, directory)


@pytest.fixture(scope="module")
def frameworks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Framework]:
    """Both, with what they need."""
    directory = tmp_path_factory.mktemp("frameworks")
    return {"django": django(directory), "flask": flask(directory)}


@pytest.fixture(params=["django", "flask"])
def framework(request: pytest.FixtureRequest, frameworks: dict[str, Framework]) -> Framework:
    """One after the other."""
    return frameworks[request.param]


def test_the_command_works_where_this_node_leads_and_is_silent_elsewhere(
    cluster: Cluster, framework: Framework
) -> None:
    """No output is no mail from cron. Where nobody can say, there is one sentence and a code of its own."""
    leader = cluster.settle()
    (other,) = cluster.others(leader)
    ended = framework.run(leader, "daily", "weekly")
    assert (ended.code, ended.complaint) == (0, "")
    assert [line.split()[0] for line in ended.output.splitlines()] == [leader.name, leader.name]
    assert all(line.endswith(f"with term {term_of(leader)}") for line in ended.output.splitlines())
    assert framework.run(other, "daily") == Ended(0, "", "")
    ended = framework.run(leader, "daily", LEADER_SOCKET="/nowhere/leader.sock")
    assert (ended.code, ended.output) == (UNREACHABLE, "")
    assert "no agent has a socket at /nowhere/leader.sock" in ended.complaint
    assert ended.complaint.count("\n") == 1


def test_a_command_that_loses_the_leadership_stops_between_two_reports(
    cluster: Cluster, framework: Framework
) -> None:
    """The hand-over waits for that; it ends with 75, and says why.

    Nobody reads the pipe faster than a line at a time, so all the reports would take longer than a test may.
    """
    leader = cluster.settle()
    with framework.start(leader, *(f"n{number}" for number in range(10_000))) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        lines = process.stdout
        with subprocess.Popen(leader.command("step-down"), env=leader.places(), cwd=PROJECT) as step_down:
            until(lambda: not lines.readline(), "it stops")
        _, complaint = process.communicate(timeout=PATIENCE_S)
    assert step_down.returncode == 0
    assert process.returncode == STOPPED
    assert "stopped: " in complaint
    assert "hands its leadership over" in complaint


def test_a_report_of_django_is_not_overwritten_by_an_earlier_leader(
    cluster: Cluster, frameworks: dict[str, Framework]
) -> None:
    """The row keeps the term that wrote it; the command ends with 75, and nothing is changed."""
    leader, framework = cluster.settle(), frameworks["django"]
    assert framework.run(leader, "daily").code == 0
    with closing(sqlite3.connect(framework.environment["DATABASE"])) as database:
        database.execute("UPDATE reports_report SET text = 'later', term = term + 1 WHERE name = 'daily'")
        database.commit()
        ended = framework.run(leader, "daily")
        assert ended.code == STOPPED
        assert "a later leader has written daily" in ended.complaint
        assert database.execute("SELECT text FROM reports_report WHERE name = 'daily'").fetchone() == (
            "later",
        )
