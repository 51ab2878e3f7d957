"""Moving over to `leader`: the lines before, meanwhile and after, run on two nodes at the same tick.

`cronlock` and `consul` are not to be had where the tests run: of those, only the lines after are run.
"""

import re
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leader.doctor.crontab import examine
from tests.examples.as_told import environment_of, shell
from tests.examples.site import USER
from tests.support.agents import Cluster, Node, quorum_of
from tests.support.examples import example
from tests.support.polling import until
from tests.unit.doctor.crontab_cases import HOST

pytestmark = pytest.mark.xdist_group("examples")
SET_NX = "moving/from-set-nx.crontab"
CRONLOCK = "moving/from-cronlock.crontab"
CONSUL_LOCK = "moving/from-consul-lock.crontab"
ALL = [SET_NX, CRONLOCK, CONSUL_LOCK]
ENTRY = re.compile(r"(?:@reboot|[^\s#]\S* \S+ \S+ \S+ \S+)  +(.*)")


def commands(path: str, sign: str) -> list[str]:
    """What the lines start that begin with that sign: `#` for those that are not to stay, or nothing."""
    lines = [
        line.removeprefix(sign) for line in example(path).read_text().splitlines() if line.startswith(sign)
    ]
    return [match[1] for match in map(ENTRY.fullmatch, lines) if match]


class Job:
    """A job that notes that it was started."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._notes = directory / "notes"
        self._notes.touch()
        for name, wait in (("report.sh", ""), ("send-mail-for-ever", "exec sleep infinity\n")):
            script = directory / name
            script.write_text(f'#!/bin/sh\necho "$LEADER_NODE" >>{self._notes}\n{wait}')
            script.chmod(0o755)

    def starts(self) -> list[str]:
        """The nodes on which it was started; empty ones are those of a line before."""
        return self._notes.read_text().splitlines()

    def line(self, command: str, port: int = 0) -> str:
        """A command that starts this job; a tick of its own, and the Redis server at that port."""
        line = command.replace("/usr/local/bin/", f"{self.directory}/")
        line = line.replace("once report", f"once report-{self.directory.name}")
        return line.replace("-h redis.example.org", f"-h 127.0.0.1 -p {port}")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """One that has not been started yet."""
    return Job(tmp_path)


def at_once(nodes: Sequence[Node], lines: Sequence[str]) -> None:
    """Each of these lines, on the node of its place, at the same time."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(shell, nodes, lines))


@pytest.fixture
def nodes(agents: Cluster) -> list[Node]:
    """Both, the leader first."""
    leader = agents.settle()
    return [leader, *agents.others(leader)]


@pytest.mark.parametrize("path", ALL)
def test_the_lines_after_are_sound(path: str) -> None:
    """The doctor finds nothing wrong with them, and `crontab` would install the file."""
    assert commands(path, "#")
    assert {finding.code for finding in examine(USER, example(path).read_text(), (), HOST)} == {
        "crontab-mailed"
    }


@pytest.mark.parametrize("path", ALL)
def test_the_line_after_starts_the_job_on_one_node(path: str, nodes: list[Node], job: Job) -> None:
    """The one that leads."""
    at_once(nodes, [job.line(commands(path, "")[0])] * 2)
    assert job.starts() == [nodes[0].name]


@pytest.mark.needs("redis-cli")
def test_set_nx_starts_a_job_twice_when_its_server_has_forgotten_and_once_does_not(
    nodes: list[Node], job: Job
) -> None:
    """As the text says of it: the data of the one server are lost between the calls of two nodes."""
    with quorum_of(1, transport="tcp") as server:
        port = int(server.urls[0].rpartition(":")[2].partition("/")[0])
        before, meanwhile = (job.line(command, port) for command in commands(SET_NX, "#"))
        at_once(nodes, [before, before])
        assert job.starts() == [""]
        server.ask(0, "FLUSHALL")
        shell(nodes[1], before)
        assert job.starts() == ["", ""]
        at_once(nodes, [meanwhile, meanwhile])
        assert job.starts() == ["", ""], "who has the line before was first"
    shell(nodes[1], job.line(commands(SET_NX, "")[0]))
    assert job.starts() == ["", ""], "the tick is taken"


@pytest.mark.needs("redis-cli")
@pytest.mark.parametrize("first", ["before", "meanwhile"])
def test_while_nodes_move_over_one_after_the_other_there_is_no_second_start(
    nodes: list[Node], job: Job, first: str
) -> None:
    """Whoever comes first."""
    with quorum_of(1, transport="tcp") as server:
        port = int(server.urls[0].rpartition(":")[2].partition("/")[0])
        before, meanwhile = (job.line(command, port) for command in commands(SET_NX, "#"))
        calls: list[Callable[[], object]] = [
            lambda: shell(nodes[1], before),
            lambda: shell(nodes[0], meanwhile),
        ]
        for call in calls if first == "before" else reversed(calls):
            call()
    assert job.starts() == ["" if first == "before" else nodes[0].name]


def test_what_was_under_consul_lock_runs_where_the_leader_is(
    nodes: list[Node], job: Job, agents: Cluster
) -> None:
    """For as long as that leads; then on the next one."""
    line = job.line(commands(CONSUL_LOCK, "")[1])
    running = [subprocess.Popen(["sh", "-c", f"exec {line}"], env=environment_of(node)) for node in nodes]
    try:
        until(lambda: job.starts() == [nodes[0].name], "it runs on the leader")
        nodes[0].stop()
        until(lambda: job.starts() == [node.name for node in nodes], "it runs on the next one")
    finally:
        for process in running:
            process.terminate()
            process.wait()
    assert agents.wait_for_leader() is nodes[1]
