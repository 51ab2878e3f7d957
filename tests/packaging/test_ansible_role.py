"""The example of an Ansible role, applied to a machine: it installs, configures and starts a node."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.packaging.installed import PORTS, SERVER, term
from tests.packaging.machine import SHARED, Machine, machine
from tests.support.node import PROJECT
from tests.support.polling import until

LONG_S = 240
"""A run of a playbook is some seconds of computing, which a busy machine may take minutes for."""
pytestmark = [
    pytest.mark.xdist_group("packages"),
    pytest.mark.needs("root", "ansible-playbook", "ansible-lint", "nsenter", "redis-server", "systemctl"),
    pytest.mark.timeout(3 * LONG_S),
]
ROLE = PROJECT / "examples" / "ansible"
FILES = [
    "ansible/site.yml",
    "ansible/hosts.yml",
    "ansible/roles/leader/defaults/main.yml",
    "ansible/roles/leader/handlers/main.yml",
    "ansible/roles/leader/tasks/main.yml",
    "ansible/roles/leader/templates/leader.toml.j2",
]
HOST = "web-1"
SAID = {
    "leader_package": f"{SHARED}/leader.deb",
    "leader_instances": [f"redis://127.0.0.1:{port}" for port in PORTS],
    "leader_lease": "5s",
    "ansible_python_interpreter": "/usr/bin/python3",
}


@dataclass(frozen=True)
class Target:
    """A machine that the playbook is run on."""

    machine: Machine

    def play(self, **said: object) -> int:
        """How many things it has changed, as its last line says."""
        self.machine.write("/root/said.json", json.dumps(SAID | said))
        line = f"HOME=/root ansible-playbook -i hosts.yml -l {HOST} -c local -e @/root/said.json site.yml"
        output = self.machine.do(f"cd {SHARED}/ansible; {line}", within_s=LONG_S)
        (changed,) = re.findall(rf"^{HOST} .* changed=(\d+) ", output, re.MULTILINE)
        return int(changed)


@pytest.fixture
def target(deb: Path) -> Iterator[Target]:
    """A machine with three servers, and without leader."""
    with machine() as booted:
        shutil.copytree(ROLE, booted.shared / "ansible")
        shutil.copy(deb, booted.shared / "leader.deb")
        booted.write("/etc/systemd/system/redis@.service", SERVER)
        booted.do("systemctl daemon-reload; systemctl start " + " ".join(f"redis@{port}" for port in PORTS))
        yield Target(booted)


def test_the_role_makes_a_node_and_a_change_keeps_its_leadership(target: Target) -> None:
    """Another run does nothing but what was changed: it writes the configuration, and has it read."""
    assert target.play() >= 4
    assert target.machine.do("leader is-leader --verbose").startswith(f"{HOST} leads")
    before = term(target.machine)
    assert target.play(leader_elections={"default": 50, "reports": 100}) == 2
    until(lambda: target.machine.says("leader is-leader reports"), "the agent has read the change")
    assert term(target.machine) == before
    assert target.machine.do("systemctl is-enabled leader") == "enabled"


def test_ansible_lint_has_nothing_to_say() -> None:
    """With all its rules."""
    command = ["ansible-lint", "--offline", "--profile", "production"]
    done = subprocess.run(command, cwd=ROLE, check=False, timeout=LONG_S, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES)
def test_each_file_of_the_role_is_known_here(path: str) -> None:
    """The list is complete, and no file in it is gone."""
    assert (PROJECT / "examples" / path).is_file()
    assert len(FILES) == sum(1 for file in ROLE.rglob("*") if file.is_file())
