"""The example of a virtual address, on machines of their own: it answers on whichever node leads."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.examples.as_told import environment_of
from tests.examples.running import started
from tests.examples.street import House, street
from tests.support.agents import PROJECT, Cluster, Node, Settings, quorum_of, short_directory
from tests.support.examples import example
from tests.support.polling import until

pytestmark = [
    pytest.mark.timeout(240),  # many processes, on a machine that may be busy
    pytest.mark.xdist_group("examples-address"),
    pytest.mark.needs("root", "ip", "arping", "flock", "nsenter"),
]
HOOK, CONFIGURATION = example("address/address.sh"), example("address/leader.toml")
VIRTUAL = "10.9.0.100"
PORT = 8009
CALLER = f"""
import json, time
from http.client import HTTPConnection, HTTPException

while True:
    connection = HTTPConnection("{VIRTUAL}", {PORT}, timeout=0.5)
    try:
        connection.request("GET", "/leader")
        print(json.loads(connection.getresponse().read())["node"], flush=True)
    except (OSError, HTTPException, ValueError):
        print("nobody", flush=True)
    connection.close()
    time.sleep(0.02)
"""
"""Says all the time who answers at the virtual address, as a client on another machine sees it."""


class Town:
    """Three nodes in houses of their own, and a client in a fourth."""

    def __init__(self, cluster: Cluster, houses: dict[str, House], heard: Path) -> None:
        self.cluster = cluster
        self.houses = houses
        self._heard = heard

    def has_the_address(self, node: Node) -> bool:
        """Whether the address is on that node's card."""
        return VIRTUAL in self.houses[node.name].addresses()

    def arrives(self, other_than: Node | None = None) -> Node:
        """The node that leads, that alone has the address, and that the client's calls come to since then."""

        def arrived() -> Node | None:
            begin, leader = len(self._heard.read_text()), self.cluster.leader()
            if leader is None or leader is other_than or not self._is_only_at(leader):
                return None
            until(lambda: len(self._heard.read_text()) > begin + 2, "the client has called again")
            return leader if self._heard.read_text()[begin:].split()[-1] == leader.name else None

        return until(arrived, f"the address is with the leader, which is other than {other_than}")

    def _is_only_at(self, node: Node) -> bool:
        standing = [self.cluster.nodes[name] for name in self.houses]
        return [other for other in standing if self.has_the_address(other)] == [node]


@pytest.fixture
def town() -> Iterator[Town]:
    """The nodes with the example's hooks and its service, and a client that calls."""
    with ExitStack() as stack:
        quorum, directory = stack.enter_context(quorum_of()), stack.enter_context(short_directory())
        *houses, outside = stack.enter_context(street(4))
        hook = json.dumps([f"{HOOK} {VIRTUAL}/24 eth0"])
        more = f'on_gained = {hook}\non_lost = {hook}\n[api]\nlisten = "0.0.0.0:{PORT}"'
        settings = Settings(quorum.urls, elections={"default": 100}, more=more)
        cluster = Cluster(directory, settings, "abc", quorum)
        for node, house in zip(cluster.nodes.values(), houses, strict=True):
            node.entrance = house.entrance
            node.environment = environment_of(node)
        stack.enter_context(cluster)
        for node in cluster.nodes.values():
            service = [str(HOOK), f"{VIRTUAL}/24", "eth0"]
            stack.enter_context(started(node, service, {}, directory / "said"))
        heard = directory / "heard"
        caller = [*outside.entrance, sys.executable, "-c", CALLER]
        with heard.open("wb") as file, subprocess.Popen(caller, stdout=file) as client:
            stack.callback(client.kill)
            yield Town(cluster, dict(zip("abc", houses, strict=True)), heard)
            client.kill()


def test_the_address_follows_the_leader(town: Town) -> None:
    """By a hand-over, which waits until it is gone here; after kill -9 of the agent; after a power cut."""
    cluster = town.cluster
    town.arrives()
    first = cluster.settle()
    assert first.run("step-down").code == 0
    cluster.wait_for_leader(other_than=first)
    assert not town.has_the_address(first)
    second = town.arrives(other_than=first)

    second.kill()
    third = town.arrives(other_than=second)

    cluster.settle()
    town.houses.pop(third.name).lose_power()
    town.arrives(other_than=third)


def test_the_configuration_of_the_example_is_good() -> None:
    """Word by word as it stands, with the hooks in it."""
    command = [sys.executable, "-m", "leader", "config", "check", "--config", str(CONFIGURATION)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stdout + done.stderr
