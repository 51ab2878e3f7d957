"""A machine on which the package is installed, with three servers of its own as the quorum."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.packaging.machine import SHARED, Machine, machine
from tests.support.polling import until

PORTS = (7001, 7002, 7003)
"""In the machine's own network, so they are free."""

INSTALLER = {".deb": "dpkg --install", ".rpm": "rpm --install --nodeps"}
"""What an RPM needs is not looked up: this distribution has it under other names."""

SERVER = """\
[Service]
ExecStart=/usr/bin/redis-server --port %i --bind 127.0.0.1 --save "" --dir /tmp
"""
CONFIGURATION = """\
cluster = "test"
[quorum]
instances = {instances}
lease = "6s"
"""
"""A lease that an agent can die and come back in, also on a loaded machine."""

FILE = "/etc/leader/leader.toml"


@contextmanager
def installed(package: Path) -> Iterator[Machine]:
    """The machine; there is no configuration yet, so nothing runs."""
    with machine() as booted:
        shutil.copy(package, booted.shared / f"leader{package.suffix}")
        booted.do(f"{INSTALLER[package.suffix]} {SHARED}/leader{package.suffix}")
        booted.write("/etc/systemd/system/redis@.service", SERVER)
        booted.do("systemctl daemon-reload; systemctl start " + " ".join(f"redis@{port}" for port in PORTS))
        yield booted


def configure(booted: Machine, more: str = "") -> None:
    """Write the configuration, for the next start or reload."""
    instances = json.dumps([f"redis://127.0.0.1:{port}" for port in PORTS])
    booted.write(FILE, CONFIGURATION.format(instances=instances) + more)


def lead(booted: Machine, more: str = "") -> None:
    """Start the service with this configuration, and wait until the machine leads."""
    configure(booted, more)
    booted.do("systemctl daemon-reload; systemctl restart leader")
    until(lambda: booted.says("leader is-leader"), f"it leads; its log says:\n{booted.log('leader')}")


def answer(booted: Machine) -> dict[str, Any]:
    """What the agent says of the default election."""
    return dict(json.loads(booted.do("leader status --json"))["elections"][0])


def term(booted: Machine) -> int:
    """The number of the present leadership."""
    return int(answer(booted)["term"])
