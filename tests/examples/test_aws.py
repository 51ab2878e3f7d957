"""The example of an auto scaling group: its user data sets up machines of their own, until a spot notice."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from leader.api.client import Client
from leader.errors import AgentUnreachable
from leader.instances.answers import MINIMAL_ACL
from tests.examples.command import EXAMPLES
from tests.examples.machine import Machine, package
from tests.examples.street import street
from tests.support.agents import short_directory
from tests.support.polling import PATIENCE_S, until

pytestmark = [
    pytest.mark.timeout(240),  # many processes, on a machine that may be busy
    pytest.mark.xdist_group("examples-aws"),
    pytest.mark.needs("root", "ip", "curl", "dpkg-deb", "redis-server", "nsenter"),
]
REDIS, NODE = EXAMPLES / "aws" / "redis.sh", EXAMPLES / "aws" / "node.sh"
SERVICE = Path(__file__).with_name("metadata.py")
SERVERS = ["10.0.0.11/16", "10.0.1.11/16", "10.0.2.11/16"]
NODES = ["10.0.0.101/16", "10.0.1.101/16"]
STOPPED = 75
NOTICE = {"action": "terminate", "time": "2027-01-01T00:00:00Z"}
SHORTER = [('lease = "10s"', 'lease = "3s"'), ("--timeout 60s", "--timeout 1s")]
AWS = """#!/bin/sh
set -eu
: "$AWS_DEFAULT_REGION"
case "$1 $2" in
"ssm get-parameter") echo s3cret ;;
"s3 cp") cp {package} "$4" ;;
*) exit 1 ;;
esac
"""
"""Plays the command of AWS: a password, and a package from a bucket."""


class Node:
    """A machine of the group, and the metadata service as it sees it."""

    def __init__(self, machine: Machine, name: str, facts: Path) -> None:
        self.machine = machine
        self.name = name
        self._facts = facts
        (facts / "spot").mkdir(parents=True)
        (facts / "instance-id").write_text(name)
        machine.run("ip", "address", "add", "169.254.169.254/32", "dev", "lo")
        machine.run("sh", "-c", f"{sys.executable} {SERVICE} {facts} >/dev/null 2>&1 &")
        until(lambda: machine.ends("curl", "-s", "http://169.254.169.254/") == 0, "the service answers")

    @property
    def client(self) -> Client:
        """Asks its agent."""
        return Client(self.machine.socket)

    def leads(self) -> bool:
        """Whether its agent says so."""
        try:
            return self.client.is_leader()
        except AgentUnreachable:
            return False

    def is_to_be_taken_away(self) -> None:
        """What the service says two minutes before."""
        (self._facts / "spot" / "new").write_text(json.dumps(NOTICE))
        (self._facts / "spot" / "new").rename(self._facts / "spot" / "instance-action")


def user_data(script: Path, directory: Path) -> str:
    """The user data of that script, with times that tests have, in a file as cloud-init has it."""
    file = directory / script.name
    text = script.read_text()
    for old, new in SHORTER if script is NODE else ():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    file.chmod(0o700)
    return str(file)


@pytest.fixture
def nodes() -> Iterator[list[Node]]:
    """Three Redis servers and two nodes, each a machine that its user data has set up."""
    with ExitStack() as stack:
        directory = stack.enter_context(short_directory())
        aws = AWS.format(package=package(directory))
        machines = stack.enter_context(street(Machine, [*SERVERS, *NODES]))
        for machine in machines:
            machine.add("/usr/local/sbin/aws", aws)
        servers, group = machines[: len(SERVERS)], machines[len(SERVERS) :]
        for server in servers:
            server.run(user_data(REDIS, directory))
        nodes = [
            Node(machine, f"i-{number}", directory / str(number)) for number, machine in enumerate(group)
        ]
        for node in nodes:
            node.machine.run(user_data(NODE, directory))
        yield nodes


def leader(nodes: list[Node]) -> Node | None:
    """The node that leads."""
    return next((node for node in nodes if node.leads()), None)


def test_a_node_hands_over_at_the_notice_that_it_will_be_taken_away(nodes: list[Node]) -> None:
    """A job that does not end in time is stopped, the node rests, and is not missed when it is gone."""
    first = until(lambda: leader(nodes), "one leads")
    (other,) = [node for node in nodes if node is not first]
    doctor = json.loads(first.machine.run("sh", "-c", "leader doctor --json || :"))
    codes = {finding["code"] for finding in doctor["findings"]} - {"instance-slow"}  # a busy machine
    assert not {code for code in codes if code.startswith(("instance-", "configuration-", "agent-"))}

    job = [*first.machine.entrance, "leader", "run", "--", "sleep", "1000"]
    with subprocess.Popen(job, stderr=subprocess.DEVNULL) as running:
        until(first.client.work, "the job runs")
        first.is_to_be_taken_away()
        assert running.wait(PATIENCE_S) == STOPPED
    until(other.leads, "the other one leads")
    until(lambda: "this node is paused" in first.machine.log("leader-spot"), "it does not come back")
    assert "has stepped down from default" in first.machine.log("leader-spot")
    assert json.dumps(NOTICE) in first.machine.log("leader-spot")

    first.machine.lose_power()
    assert other.leads()


def test_the_servers_of_the_example_give_agents_the_rights_that_they_need() -> None:
    """No more, and no fewer."""
    assert f" {MINIMAL_ACL.format(cluster='prod')}\n" in REDIS.read_text()


@pytest.mark.needs("shellcheck")
def test_shellcheck_has_nothing_to_say_of_the_scripts_that_user_data_writes() -> None:
    """Those within are not seen from outside."""
    scripts = re.findall(r"<<'END'\n(#!/bin/sh\n.*?\n)END\n", NODE.read_text(), re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        done = subprocess.run(
            ["shellcheck", "-"], input=script, capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stdout) == (0, "")
