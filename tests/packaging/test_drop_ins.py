"""The drop-ins that open the service for what it is closed to by default."""

import pytest

from tests.packaging.installed import lead
from tests.packaging.machine import Machine
from tests.support.node import PROJECT
from tests.support.polling import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("packages"),
    pytest.mark.needs("root", "systemctl", "unshare", "nsenter", "dpkg", "redis-server", "ip"),
    pytest.mark.timeout(300),
]
EXAMPLES = "/usr/share/doc/leader/examples/systemd"
OWN = "/etc/systemd/system/leader.service.d"
HOOK = PROJECT / "examples" / "address" / "address.sh"
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
    """And takes it away when the leadership ends: the hook of the example of a virtual address."""
    add(node, "address.conf")
    node.write("/usr/local/lib/leader/address.sh", HOOK.read_text(), 0o755)
    hook = f'["/usr/local/lib/leader/address.sh {ADDRESS}/32 lo"]'
    lead(node, f"[elections.default]\non_gained = {hook}\non_lost = {hook}\n")
    until(lambda: ADDRESS in node.do("ip address"), f"it has the address:\n{node.log('leader')}")
    node.do("leader pause")
    until(lambda: ADDRESS not in node.do("ip address"), f"it has it no more:\n{node.log('leader')}")
