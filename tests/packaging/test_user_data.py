"""The example of an auto scaling group: its user data sets up machines of their own, until a spot notice.

All is real but what is Amazon's: the command `aws`, and the metadata service.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from leader.api.client import Client
from leader.errors import AgentUnreachable
from leader.instances.answers import MINIMAL_ACL
from tests.examples.street import connected
from tests.packaging.machine import SHARED, Machine, machine
from tests.support.node import PROJECT
from tests.support.polling import until

pytestmark = [
    pytest.mark.xdist_group("packages"),
    pytest.mark.needs("root", "ip", "curl", "redis-server", "nsenter", "shellcheck", "systemctl"),
    pytest.mark.timeout(240),
]
EXAMPLE = PROJECT / "examples" / "aws"
REDIS, NODE = EXAMPLE / "redis.sh", EXAMPLE / "node.sh"
SERVICE = Path(__file__).with_name("metadata.py")
SERVERS = ["10.0.0.11/16", "10.0.1.11/16", "10.0.2.11/16"]
NODES = ["10.0.0.101/16", "10.0.1.101/16"]
STOPPED = 75
NOTICE = json.dumps({"action": "terminate", "time": "2027-01-01T00:00:00Z"})
SHORTER = [('lease = "10s"', 'lease = "5s"'), ("--timeout 60s", "--timeout 1s")]
AWS = f"""#!/bin/sh
set -eu
: "$AWS_DEFAULT_REGION"
case "$1 $2" in
"ssm get-parameter") echo s3cret ;;
"s3 cp") cp {SHARED}/leader.deb "$4" ;;
*) exit 1 ;;
esac
"""
AWSCLI = """
Package: awscli
Status: install ok installed
Version: 99
Architecture: all
Maintainer: nobody
Description: plays the command of AWS: a password, and a package from a bucket

"""
PREPARE = """
rm -rf /etc/apt/sources.list* /var/lib/apt/lists/*
touch /etc/apt/sources.list /var/lib/dpkg/info/awscli.list
cat /root/awscli >>/var/lib/dpkg/status
"""
"""Without sources of packages, since there is no network: those that the user data wants are installed."""
REDIS_HERE = "[Service]\nPrivateUsers=no\n"
"""A machine of a test may not have namespaces of users, which the service of Redis wants."""


class Node:
    """A machine of the group, and what the metadata service says of it."""

    def __init__(self, booted: Machine, name: str) -> None:
        self.machine = booted
        self.name = name
        self.client = Client(f"/proc/{booted.first}/root/run/leader/leader.sock")
        self._facts = booted.shared / "facts"
        (self._facts / "spot").mkdir(parents=True)
        (self._facts / "instance-id").write_text(name)
        shutil.copy(SERVICE, booted.shared)
        booted.do("ip address add 169.254.169.254/32 dev lo")
        booted.do(f"systemd-run --unit metadata /usr/bin/python3 {SHARED}/{SERVICE.name} {SHARED}/facts")
        until(lambda: booted.says("curl -s http://169.254.169.254/"), "the service answers")

    def leads(self) -> bool:
        """Whether its agent says so."""
        try:
            return self.client.is_leader()
        except AgentUnreachable:
            return False

    def is_to_be_taken_away(self) -> None:
        """What the service says two minutes before."""
        (self._facts / "spot" / "new").write_text(NOTICE)
        (self._facts / "spot" / "new").rename(self._facts / "spot" / "instance-action")


def boot(booted: Machine, script: Path) -> None:
    """Run user data as cloud-init does, with times that tests have."""
    text = script.read_text()
    for old, new in SHORTER if script is NODE else ():
        assert old in text
        text = text.replace(old, new)
    booted.write("/root/user-data", text, 0o700)
    booted.do("PATH=/usr/local/sbin:/usr/local/bin:$PATH; /root/user-data")


@pytest.fixture
def nodes(deb: Path) -> Iterator[list[Node]]:
    """Three Redis servers and two nodes, each a machine that its user data has set up."""
    with ExitStack() as stack:
        machines = [stack.enter_context(machine()) for _ in (*SERVERS, *NODES)]
        stack.enter_context(connected([booted.first for booted in machines], [*SERVERS, *NODES]))
        for booted in machines:
            shutil.copy(deb, booted.shared / "leader.deb")
            booted.write("/usr/bin/aws", AWS, 0o755)
            booted.write("/root/awscli", AWSCLI)
            booted.write("/etc/systemd/system/redis-server.service.d/machine.conf", REDIS_HERE)
            booted.do(PREPARE)
        for booted in machines[: len(SERVERS)]:
            boot(booted, REDIS)
        nodes = [Node(booted, f"i-{number}") for number, booted in enumerate(machines[len(SERVERS) :])]
        for node in nodes:
            boot(node.machine, NODE)
        yield nodes


def leader(nodes: list[Node]) -> Node | None:
    """The node that leads."""
    return next((node for node in nodes if node.leads()), None)


def test_nodes_that_come_and_go_hand_over_before_they_go(nodes: list[Node]) -> None:
    """At a spot notice, where a job that does not end is stopped, and the node rests; and at a shutdown."""
    first = until(lambda: leader(nodes), "one leads")
    (other,) = [node for node in nodes if node is not first]
    codes = {
        finding["code"]
        for finding in json.loads(first.machine.run("leader doctor --json").output)["findings"]
    }
    busy = {"instance-slow"}
    assert not {code for code in codes - busy if code.startswith(("instance-", "configuration-", "agent-"))}

    first.machine.do("systemd-run --unit job leader run -- sleep 1000")
    until(first.client.work, "the job runs")
    first.is_to_be_taken_away()
    until(other.leads, "the other one leads")
    until(lambda: "this node is paused" in first.machine.log("leader-spot"), "it does not come back")
    assert f"hands over: {NOTICE}" in first.machine.log("leader-spot")
    assert first.machine.shown("job", "ExecMainStatus") == str(STOPPED)

    first.machine.do("leader resume")
    other.machine.run("systemctl poweroff")
    until(first.leads, "the first one leads again")
    until(lambda: other.name not in known(first), "the other one is forgotten")


def known(node: Node) -> set[str]:
    """The nodes that a node knows."""
    return {entry["name"] for entry in json.loads(node.machine.do("leader status --json"))["nodes"]}


def test_the_servers_of_the_example_give_agents_the_rights_that_they_need() -> None:
    """No more, and no fewer."""
    assert f" {MINIMAL_ACL.format(cluster='prod')}\n" in REDIS.read_text()


def test_shellcheck_has_nothing_to_say_of_the_scripts_that_user_data_writes() -> None:
    """Those within are not seen from outside."""
    scripts = re.findall(r"<<'END'\n(#!/bin/sh\n.*?\n)END\n", NODE.read_text(), re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        done = subprocess.run(
            ["shellcheck", "-"], input=script, capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stdout) == (0, "")
