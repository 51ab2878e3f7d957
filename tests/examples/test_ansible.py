"""The example of an Ansible role, applied to a machine: it installs, configures and starts a node."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from leader.api.client import Client
from leader.instances.embedded import EmbeddedQuorum
from tests.examples.command import EXAMPLES
from tests.examples.machine import Machine, package
from tests.examples.street import PATH, street
from tests.support.agents import quorum_of, short_directory
from tests.support.polling import until

pytestmark = [
    pytest.mark.xdist_group("examples-ansible"),
    pytest.mark.needs("root", "ip", "ansible-playbook", "ansible-lint", "dpkg-deb", "nsenter"),
]
ROLE = EXAMPLES / "ansible"
FILES = [
    "ansible/site.yml",
    "ansible/hosts.yml",
    "ansible/roles/leader/defaults/main.yml",
    "ansible/roles/leader/handlers/main.yml",
    "ansible/roles/leader/tasks/main.yml",
    "ansible/roles/leader/templates/leader.toml.j2",
]
HOST = "web-1"
LONG_S = 240
"""A run of a playbook is some seconds of computing, which a busy machine may take minutes for."""


@dataclass(frozen=True)
class Target:
    """A machine that the playbook is run on, and what it is told."""

    machine: Machine
    said: dict[str, Any]

    def play(self, **said: object) -> int:
        """How many things it has changed, as the last line says."""
        done = subprocess.run(
            [
                *self.machine.entrance,
                *("ansible-playbook", str(ROLE / "site.yml"), "--inventory", str(ROLE / "hosts.yml")),
                *("--limit", HOST, "--connection", "local", "--extra-vars", json.dumps(self.said | said)),
            ],
            env={**PATH, "HOME": "/root", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
            timeout=LONG_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (changed,) = re.findall(rf"^{HOST} .* changed=(\d+) ", done.stdout, re.MULTILINE)
        return int(changed)

    def term(self) -> int:
        """That of the leadership that the machine's node has."""
        leadership = Client(self.machine.socket, 5.0).leadership()
        assert leadership.leader
        assert leadership.node == HOST
        return leadership.term


@pytest.fixture
def target() -> Iterator[Target]:
    """A machine without leader, and servers for it."""
    with ExitStack() as stack:
        quorum: EmbeddedQuorum = stack.enter_context(quorum_of())
        directory = stack.enter_context(short_directory())
        (machine,) = stack.enter_context(street(Machine, ["10.9.0.1/24"]))
        said = {
            "leader_package": str(package(directory)),
            "leader_instances": list(quorum.urls),
            "leader_lease": "5s",
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        yield Target(machine, said)


@pytest.mark.timeout(2 * LONG_S)
def test_the_role_makes_a_node_and_a_change_keeps_its_leadership(target: Target) -> None:
    """Another run does nothing but what was changed: it writes the configuration, and has it read."""
    assert target.play() == 5
    term = target.term()
    assert target.play(leader_elections={"default": 50, "reports": 100}) == 2
    until(lambda: "reports" in names(target.machine), "the agent has read the change")
    assert target.term() == term
    assert "[quorum.previous]" not in (target.machine.root / "etc/leader/leader.toml").read_text()


def names(machine: Machine) -> list[str]:
    """The elections that the agent knows."""
    elections: Any = Client(machine.socket, 5.0).status()["elections"]
    return [view["election"] for view in elections]


def test_ansible_lint_has_nothing_to_say() -> None:
    """With all its rules."""
    command = ["ansible-lint", "--offline", "--profile", "production"]
    done = subprocess.run(
        command,
        cwd=ROLE,
        env={**os.environ, **PATH},
        check=False,
        timeout=LONG_S,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES)
def test_each_file_of_the_role_is_there(path: str) -> None:
    """The list is complete, and no file in it is gone."""
    assert (EXAMPLES / path).is_file()
    assert len(FILES) == sum(1 for file in ROLE.rglob("*") if file.is_file())
