"""The drop-ins that open the service for what it is closed to by default."""

import pytest

from tests.packaging.installed import lead
from tests.packaging.machine import Machine
from tests.support.polling import until

pytestmark = [
    pytest.mark.xdist_group("packages"),
    pytest.mark.needs("root", "systemctl", "unshare", "nsenter", "dpkg", "redis-server", "ip"),
    pytest.mark.timeout(180),
]
EXAMPLES = "/usr/share/doc/leader/examples/systemd"
OWN = "/etc/systemd/system/leader.service.d"
ADDRESS = "192.0.2.7"


def add(node: Machine, name: str) -> None:
    """Take a drop-in into use."""
    node.do(f"mkdir -p {OWN}; rm -f {OWN}/*; cp {EXAMPLES}/{name} {OWN}; systemctl daemon-reload")


def test_watchdog_device_can_be_opened(node: Machine) -> None:
    """Here it is no watchdog, as the agent finds when it has opened it; without the drop-in it finds none."""
    node.do("mknod --mode=600 /dev/watchdog c 1 3")
    guarded = '[watchdog]\nmode = "automatic"\n'
    lead(node, guarded)
    assert "/dev/watchdog cannot be opened" in node.log("leader")
    node.do("systemctl stop leader; : > /var/log/leader.log")
    add(node, "watchdog.conf")
    lead(node, guarded)
    assert "/dev/watchdog is no watchdog" in node.log("leader")


def test_hook_can_give_the_leader_an_address(node: Machine) -> None:
    """And takes it away when the leadership ends."""
    add(node, "address.conf")
    hooks = [
        f'on_{event} = ["ip address {verb} {ADDRESS}/32 dev lo"]'
        for event, verb in (("gained", "add"), ("lost", "del"))
    ]
    lead(node, "\n".join(["[elections.default]", *hooks, ""]))
    until(lambda: ADDRESS in node.do("ip address"), f"it has the address:\n{node.log('leader')}")
    node.do("leader pause")
    until(lambda: ADDRESS not in node.do("ip address"), f"it has it no more:\n{node.log('leader')}")
