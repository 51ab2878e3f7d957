"""The main job, for real: Debian's cron on three nodes, with `leader is-leader && job` and `leader once`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

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
GROUP = "games"
"""Whose members may claim: `USER` is made one of them, `OTHER_USER` is not."""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three agents with the default lease, whose sockets every user may reach."""
    with quorum_of(3) as quorum, short_directory() as directory:
        directory.chmod(0o755)
        settings = Settings(quorum.urls, lease="10s", more=f'[api]\ngroup = "{GROUP}"')
        with Cluster(directory, settings) as nodes:
            yield nodes


@pytest.fixture
def programs() -> Iterator[Path]:
    """The programs of a clean environment with the package in it, which every user may run."""
    with short_directory() as directory:
        directory.chmod(0o755)
        yield install(directory)


class Runs:
    """A job that notes, in a file that all nodes share, the minute and the node."""

    def __init__(self, directory: Path, name: str) -> None:
        self.notes = directory / f"{name}.notes"
        self.notes.touch()
        self.notes.chmod(0o666)
        self.job = directory / name
        self.job.write_text(f'#!/bin/sh\necho "$(date +%s) $1" >> {self.notes}\n')
        self.job.chmod(0o755)

    def all(self) -> list[tuple[int, str]]:
        """Each run: the minute, and the node."""
        pairs = (line.split() for line in self.notes.read_text().splitlines())
        return [(int(second) // MINUTE_S, node) for second, node in pairs]


class Crons:
    """The crons of three nodes: what they start, who ran it, and what they sent by mail."""

    def __init__(self, cluster: Cluster, directory: Path, programs: Path) -> None:
        self.asked, self.once, self.refused = (Runs(directory, name) for name in ("asked", "once", "refused"))
        self.machines = [
            self._machine(node, Machine(directory / node.name, programs)) for node in cluster.nodes.values()
        ]

    def _machine(self, node: Node, machine: Machine) -> Machine:
        """The node's cron: the lines in /etc/cron.d or in users' crontabs, and one that prints."""
        socket = f"LEADER_SOCKET={node.socket}"
        asked = f"{socket} leader is-leader && {self.asked.job} {node.name}"
        once = f"* * * * * {socket} leader once job -- {self.once.job} {node.name}\n"
        refused = (
            f"* * * * * {socket} leader once refused -- {self.refused.job} {node.name} || echo exit $?\n"
        )
        machine.add_member(USER, GROUP)
        machine.add_for_user(USER, once)
        if node.name == "b":
            machine.add_for_user(OTHER_USER, f"* * * * * {asked}\n{refused}")
            machine.add_for_all(f"* * * * * {USER} echo printed\n")
        else:
            machine.add_for_user(OTHER_USER, refused)
            machine.add_for_all(f"* * * * * {USER} {asked}\n* * * * * {USER} echo printed\n")
        return machine

    def __enter__(self) -> Self:
        for machine in self.machines:
            machine.start()
        return self

    def __exit__(self, *_: object) -> None:
        for machine in self.machines:
            machine.stop()

    def have_ticked(self, times: int) -> bool:
        """Whether each cron ran its entries so often: each tick prints something once, and refuses one."""
        for machine in self.machines:
            machine.check()
        mails = all(len(machine.subjects()) >= 2 * times for machine in self.machines)
        return mails and all(len(runs.all()) >= times for runs in (self.asked, self.once))


def in_the_minute() -> int:
    """How many seconds of the present minute have passed."""
    return wall_ms() // 1000 % MINUTE_S


def test_one_node_runs_each_job_each_minute_and_the_others_are_silent(
    cluster: Cluster, programs: Path
) -> None:
    """As ordinary users, with the PATH that cron gives, and nobody gets mail about it.

    The leader is killed in between: no minute is missed, and none has two runs. The lease is the default,
    as in production: a leader that stalls for a second or two, on a loaded machine, stays leader. A user who
    may not claim is told by mail what to do, each time, and starts nothing.
    """
    with short_directory() as directory:
        directory.chmod(0o755)
        first = cluster.settle()
        until(lambda: in_the_minute() < MINUTE_S - 10, "all three start within one minute")
        with Crons(cluster, directory, programs) as crons:
            until(lambda: crons.have_ticked(1), "each cron has had a minute, and each job ran", TWO_MINUTES_S)
            first.kill()
            second = cluster.wait_for_leader(other_than=first)
            first.start()
            until(lambda: crons.have_ticked(2), "each cron has had another, and each job ran", TWO_MINUTES_S)
        for runs in (crons.asked, crons.once):
            (one, ran_first), (other, ran_second) = runs.all()
            assert (ran_first, ran_second) == (first.name, second.name), cluster.logs()
            assert other == one + 1
        assert not crons.refused.all()
        for machine in crons.machines:
            told = sorted(subject.rpartition(" ")[2] for subject in machine.subjects())
            assert told == ["$?", "$?", "printed", "printed"], "who may ask or claim gets no mail"
            sentence = f"put it in the group {GROUP}: adduser {OTHER_USER} {GROUP}\nexit 75\n"
            assert machine.mail_file.read_text().count(sentence) == 2
