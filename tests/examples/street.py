"""Houses in a street: machines as far as a network can tell, each a network namespace on one bridge.

A house stands as long as its process does; when that is killed, the house is gone with its address, as a
machine is that has lost its power. Names of the real machine's network are not touched.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from tests.support.polling import until

STAND = "exec sleep infinity"
PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""As a machine has it when it boots."""


class House:
    """One machine of the street, with this address on its `eth0`, such as `10.9.0.1/24`."""

    namespaces: tuple[str, ...] = ("--net",)
    furnish = STAND
    """The shell's lines that make it ready; it is when they have become a `sleep`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._holder = subprocess.Popen(
            ["unshare", *self.namespaces, "--fork", "--kill-child", "sh", "-ec", self.furnish],
            stdin=subprocess.DEVNULL,
        )
        self.pid = until(self._first_process, "the namespace is there")
        self.entrance = ("nsenter", "--target", str(self.pid), *self.namespaces, "--")

    def _first_process(self) -> int | None:
        """The process in the namespaces, once they are ready."""
        assert self._holder.poll() is None, f"{self.address} could not be furnished"
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        if not children or Path(f"/proc/{children[0]}/comm").read_text() != "sleep\n":
            return None
        return int(children[0])

    def run(self, *words: str) -> str:
        """What a command prints in there."""
        done = subprocess.run(
            [*self.entrance, *words], env=PATH, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def ends(self, *words: str) -> int:
        """What a command ends with in there."""
        command = [*self.entrance, *words]
        return subprocess.run(command, env=PATH, capture_output=True, check=False, timeout=60).returncode

    def addresses(self) -> set[str]:
        """Those of its network card."""
        lines = self.run("ip", "-4", "-oneline", "address", "show", "dev", "eth0").splitlines()
        return {line.split()[3].partition("/")[0] for line in lines}

    def lose_power(self) -> None:
        """End everything in there at once; the network card is gone too."""
        if self._holder.poll() is not None:
            return
        mine = Path(f"/proc/{self.pid}/ns/net").readlink()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "ns/net").readlink() == mine:
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:  # it has just ended
                continue
        self._holder.wait()


AnyHouse = TypeVar("AnyHouse", bound=House)


@contextmanager
def street(kind: type[AnyHouse], addresses: Sequence[str]) -> Iterator[list[AnyHouse]]:
    """Houses of one kind that reach each other, and nothing else."""
    with ExitStack() as stack:
        middle = House("")
        stack.callback(middle.lose_power)
        middle.run("ip", "link", "add", "bridge", "type", "bridge")
        middle.run("ip", "link", "set", "bridge", "up")
        houses = []
        for number, address in enumerate(addresses):
            house = kind(address)
            stack.callback(house.lose_power)
            connect(middle, f"port{number}", house)
            houses.append(house)
        yield houses


def connect(middle: House, port: str, house: House) -> None:
    """Lay a cable between a house and the bridge."""
    peer = ("peer", "name", "eth0", "netns", str(house.pid))
    middle.run("ip", "link", "add", port, "type", "veth", *peer)
    middle.run("ip", "link", "set", port, "master", "bridge", "up")
    house.run("ip", "link", "set", "lo", "up")
    house.run("ip", "address", "add", house.address, "dev", "eth0")
    house.run("ip", "link", "set", "eth0", "up")
