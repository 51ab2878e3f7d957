"""What the service may not do, and what it must: a hook of the agent tries each, under the real restrictions.

Each attempt that must fail for the hook is made by root outside as well, where it must succeed: so it is
the service that refuses it. Some lines refuse the same, such as ProtectHostname and CapabilityBoundingSet:
then both would have to go before a test fails. ProtectClock, ProtectKernelLogs and ProtectKernelTunables are
not tried: this machine's clock, log and tunables are those of the real one.
"""

import pytest

from tests.packaging.installed import configure
from tests.packaging.machine import Machine
from tests.support.polling import until

pytestmark = [
    pytest.mark.xdist_group("packages"),
    pytest.mark.needs("root", "systemctl", "unshare", "nsenter", "dpkg", "redis-server"),
    pytest.mark.timeout(300),
]
PYTHON = "/usr/bin/python3 -c"
REFUSED = {
    "NoNewPrivileges": "grep -q 'NoNewPrivs:.0' /proc/self/status",
    "CapabilityBoundingSet": "grep -q 'CapBnd:.*[1-9a-f]' /proc/self/status",
    "ProtectSystem": "touch /etc/written",
    "ProtectHome": "touch /home/written",
    "PrivateTmp": "test -e /tmp/of-the-machine",
    "PrivateDevices": "test -e /dev/of-the-machine",
    "ProtectControlGroups": "mkdir /sys/fs/cgroup/made",
    "ProtectHostname": "hostname another",
    "ProtectKernelModules": 'test -n "$(ls /usr/lib/modules)"',
    "RestrictAddressFamilies": f"{PYTHON} 'import socket as s; s.socket(s.AF_PACKET, s.SOCK_RAW)'",
    "RestrictNamespaces": "unshare --uts true",
    "RestrictRealtime": f"{PYTHON} 'import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))'",
    "RestrictSUIDSGID": "f=$(mktemp); chmod u+s $f",
    "LockPersonality": "setarch --addr-no-randomize true",
    "SystemCallFilter": f"{PYTHON} 'import ctypes as c; exit(c.CDLL(None).ptrace(0, 0, 0, 0) != 0)'",
    "LimitCORE": 'test "$(ulimit -Hc)" != 0',
    "UMask": 'f=/tmp/written; touch $f; test "$(find $f -perm -o=r)"',
}
"""The line of the service, and what it must refuse."""

ALLOWED = {
    "its state": "touch $STATE_DIRECTORY/written",
    "its runtime directory": "touch $RUNTIME_DIRECTORY/written",
    "temporary files": "mktemp",
    "homes to be read": "test -e /home/of-the-machine",
    "the boot clock": f"{PYTHON} 'import time; time.clock_gettime(time.CLOCK_BOOTTIME)'",
    "the load": 'read load rest < /proc/loadavg && test "$load"',
    "processes of other users": "pgrep --uid root systemd",
    "a file for a group of its own": "f=$(mktemp) && chgrp leader $f",
    "addresses of the network": f"{PYTHON} 'import socket as s; s.socket(s.AF_NETLINK, s.SOCK_RAW)'",
    "names": "getent hosts localhost",
    "asking its own agent": "leader status",
    "a user of its own": "test $(id -un) = leader",
}
"""What hooks, fitness commands and the agent itself need."""

ATTEMPTS = REFUSED | ALLOWED
SCRIPT = "/usr/local/bin/attempts"
NOTES = "/var/lib/leader/attempts"


def script() -> str:
    """Makes each attempt, and notes how it ended."""
    tries = [f"( {line} ) >/dev/null 2>&1 && ok '{name}' || no '{name}'" for name, line in ATTEMPTS.items()]
    return "\n".join(['ok() { echo "$1"; }', "no() { :; }", *tries, "echo end", ""])


@pytest.fixture(scope="module")
def succeeded(node: Machine) -> set[str]:
    """The attempts that succeed for a hook."""
    node.do("mkdir -p /usr/lib/modules/1; touch /tmp/of-the-machine /dev/of-the-machine /home/of-the-machine")
    node.write(SCRIPT, script())
    configure(node, f'[elections.default]\non_gained = ["sh {SCRIPT} > {NOTES}"]\n')
    node.do("systemctl start leader")
    until(lambda: node.says(f"grep -q ^end {NOTES}"), f"the hook has run:\n{node.log('leader')}")
    return set(node.do(f"cat {NOTES}").splitlines())


@pytest.fixture(scope="module")
def possible(node: Machine, succeeded: set[str]) -> set[str]:
    """The attempts that succeed for root, outside of the service."""
    assert "end" in succeeded
    return set(node.do(f"ulimit -Hc 99; sh {SCRIPT}").splitlines())


@pytest.mark.parametrize("name", REFUSED)
def test_service_refuses_what_it_has_no_use_for(name: str, succeeded: set[str], possible: set[str]) -> None:
    """Each line of the service that takes something away does so."""
    assert name in possible
    assert name not in succeeded


@pytest.mark.parametrize("name", ALLOWED)
def test_service_leaves_what_agent_and_hooks_need(name: str, succeeded: set[str]) -> None:
    """Nothing of it fails because of a line of the service."""
    assert name in succeeded
