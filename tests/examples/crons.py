"""A crontab of the examples under real cron on the two nodes of a cluster, for one minute."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leader.clock import wall_ms
from tests.e2e.crontabs import Machine
from tests.examples.site import USER, Site
from tests.support.agents import Cluster
from tests.support.examples import example
from tests.support.node import Node

GROUP = "games"
"""Whose members may claim ticks: one that is there, in the place of `leader`."""
MINUTE_MS = 60_000
SCHEDULE = re.compile(r"^(?![#A-Z])\S+ \S+ \S+ \S+ \S+(?= )", re.MULTILINE)
PRINTS = "echo printed"
TO_START_MS = 10_000
"""So long before they tick, at least, crons are started."""


class Crons:
    """The crontab of one form on the nodes of a cluster; each line ticks once, at the minute that is set."""

    def __init__(self, form: str, place: Site, cluster: Cluster, programs: Path) -> None:
        """`programs` holds the installed `leader`."""
        self.form, self.place, self.cluster = form, place, cluster
        nodes = cluster.nodes.items()
        self.machines = {name: Machine(node.directory / "cron", programs) for name, node in nodes}

    def set(self, minute: int) -> None:
        """Install the crontabs; that is the minute of the hour."""
        for name, machine in self.machines.items():
            machine.add_member(USER, GROUP)
            text = SCHEDULE.sub(f"{minute} * * * *", self._text(self.cluster.nodes[name]))
            if self.form == "system":
                machine.add_for_all(text)
            else:
                machine.add_for_user(USER, text)

    def _text(self, node: Node) -> str:
        """The crontab for this node, and a line that prints: by that its cron is known to have ticked."""
        text = self.place.of_this_site(example(f"crontab/{self.form}").read_text())
        servers = self.place.environment | {"LEADER_SOCKET": str(node.socket)}
        settings = "".join(f"{name}={value}\n" for name, value in servers.items())
        user = f"{USER} " if self.form == "system" else ""
        return f"{settings}{text}* * * * * {user}{PRINTS}\n"

    def mails(self, name: str) -> list[str]:
        """The commands on that node that cron sent mail about, in the order of the alphabet."""
        subjects = self.machines[name].subjects()
        return sorted(re.sub(r"^Subject: Cron <.*?> +", "", subject) for subject in subjects)

    def have_ticked(self) -> bool:
        """Whether each node's cron has been through its lines."""
        for machine in self.machines.values():
            machine.check()
        return all(PRINTS in self.mails(name) for name in self.machines)

    def are_done(self, leader: Node) -> bool:
        """Whether all that was started has ended, as far as `leader once`, the mail and a file can tell."""
        states = {state for runs in self.runs(leader).values() for _, state in runs}
        is_published = (self.place.shared / "catalogue").exists()
        return states == {"done"} and is_published and len(self.mails(leader.name)) > 1

    def runs(self, leader: Node) -> dict[str, list[tuple[str, str]]]:
        """What `leader once` ran: by job, on which node, and with which result."""
        entries: list[dict[str, Any]] = leader.client(5).jobs()
        return {entry["job"]: [(run["node"], run["state"]) for run in entry["runs"]] for entry in entries}


def next_minute() -> int:
    """The minute of the hour that begins when crons have had the time to start."""
    return time.localtime((wall_ms() + TO_START_MS + MINUTE_MS) / 1000).tm_min


@contextmanager
def running(crons: list[Crons]) -> Iterator[None]:
    """All of these crons run, and tick once, in the same minute."""
    machines = [machine for each in crons for machine in each.machines.values()]
    minute = next_minute()
    try:
        for each in crons:
            each.set(minute)
        for machine in machines:
            machine.start()
        yield
    finally:
        for machine in machines:
            machine.stop()
