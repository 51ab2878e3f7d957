"""The main job, for real: Debian's cron on three nodes, `leader is-leader && job` in each crontab."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from leader.clock import wall_ms
from tests.e2e.crontabs import Machine
from tests.e2e.installed import install
from tests.support.agents import Cluster, Node, Settings, quorum_of, short_directory
from tests.support.polling import until

pytestmark = [
    pytest.mark.cron,
    pytest.mark.needs("root", "cron", "unshare", "mount"),
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("cron"),
]
MINUTE_S = 60
TWO_MINUTES_S = 130.0
USER = "nobody"
OTHER_USER = "daemon"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three agents with the default lease, whose sockets every user may reach."""
    with quorum_of(3) as quorum, short_directory() as directory:
        directory.chmod(0o755)
        with Cluster(directory, Settings(quorum.urls, lease="10s")) as nodes:
            yield nodes


@pytest.fixture
def programs() -> Iterator[Path]:
    """The programs of a clean environment with the package in it, which every user may run."""
    with short_directory() as directory:
        directory.chmod(0o755)
        yield install(directory)


class Runs:
    """A job that notes, in a file that all nodes share, the minute and the node."""

    def __init__(self, directory: Path) -> None:
        self.notes = directory / "notes"
        self.notes.touch()
        self.notes.chmod(0o666)
        self.job = directory / "job"
        self.job.write_text(f'#!/bin/sh\necho "$(date +%s) $1" >> {self.notes}\n')
        self.job.chmod(0o755)

    def all(self) -> list[tuple[int, str]]:
        """Each run: the minute, and the node."""
        pairs = (line.split() for line in self.notes.read_text().splitlines())
        return [(int(second) // MINUTE_S, node) for second, node in pairs]


def machine_of(node: Node, directory: Path, programs: Path, line: str) -> Machine:
    """The node's cron: the job's line in /etc/cron.d or in a user's crontab, and one that prints."""
    machine = Machine(directory / node.name, programs)
    if node.name == "b":
        machine.add_for_user(OTHER_USER, f"{line}\n")
        machine.add_for_all(f"* * * * * {USER} echo printed\n")
    else:
        text = line.replace("* * * * * ", f"* * * * * {USER} ")
        machine.add_for_all(f"{text}\n* * * * * {USER} echo printed\n")
    return machine


def in_the_minute() -> int:
    """How many seconds of the present minute have passed."""
    return wall_ms() // 1000 % MINUTE_S


def test_one_node_runs_the_job_each_minute_and_the_others_are_silent(
    cluster: Cluster, programs: Path
) -> None:
    """As ordinary users, with the PATH that cron gives, and nobody gets mail about it.

    The leader is killed in between: no minute is missed, and none has two runs. The lease is the default,
    as in production: a leader that stalls for a second or two, on a loaded machine, stays leader.
    """
    with short_directory() as directory, ExitStack() as stack:
        directory.chmod(0o755)
        runs = Runs(directory)
        first = cluster.settle()
        until(lambda: in_the_minute() < MINUTE_S - 10, "all three start within one minute")
        machines = []
        for node in cluster.nodes.values():
            line = f"* * * * * LEADER_SOCKET={node.socket} leader is-leader && {runs.job} {node.name}"
            machine = machine_of(node, directory, programs, line)
            stack.callback(machine.stop)
            machine.start()
            machines.append(machine)

        def ticked(times: int) -> bool:
            """Whether each cron ran its entries so often: each tick prints something once."""
            for machine in machines:
                machine.check()
            return all(len(machine.subjects()) >= times for machine in machines) and len(runs.all()) >= times

        until(lambda: ticked(1), "each cron has had a minute, and one job ran", TWO_MINUTES_S)
        first.kill()
        second = cluster.wait_for_leader(other_than=first)
        first.start()
        until(lambda: ticked(2), "each cron has had another, and one job ran", TWO_MINUTES_S)
        (one, ran_first), (other, ran_second) = runs.all()
        subjects = [subject for machine in machines for subject in machine.subjects()]
    assert (ran_first, ran_second) == (first.name, second.name), cluster.logs()
    assert other == one + 1
    assert len(subjects) == 2 * len(machines)
    assert all(subject.endswith("echo printed") for subject in subjects), "is-leader says nothing"
