"""Houses in a street: machines as far as a network can tell, each a network namespace on one bridge.

A house stands as long as its process does; when that is killed, the house is gone with its address, as a
machine is that has lost its power. Names of the real machine's network are not touched.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.polling import until

NETWORK = "10.9.0"
HOLDER = ["unshare", "--net", "--fork", "--kill-child", "sleep", "infinity"]


class House:
    """One machine of the street, with the address `10.9.0.NUMBER` on its `eth0`."""

    def __init__(self, number: int) -> None:
        self.address = f"{NETWORK}.{number}"
        self._holder = subprocess.Popen(HOLDER)
        self.pid = until(self._first_process, "the namespace is there")
        self.entrance = ("nsenter", "--target", str(self.pid), "--net", "--")

    def _first_process(self) -> int | None:
        """The process in the namespace, once it is another one than ours."""
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        if not children or Path(f"/proc/{children[0]}/comm").read_text() != "sleep\n":
            return None
        return int(children[0])

    def run(self, *words: str) -> str:
        """What a command prints in there."""
        done = subprocess.run(
            [*self.entrance, *words], capture_output=True, text=True, check=False, timeout=30
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def addresses(self) -> set[str]:
        """Those of its network card."""
        lines = self.run("ip", "-4", "-oneline", "address", "show", "dev", "eth0").splitlines()
        return {line.split()[3].partition("/")[0] for line in lines}

    def lose_power(self) -> None:
        """End everything in there at once; the network card is gone too."""
        mine = Path(f"/proc/{self.pid}/ns/net").readlink()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "ns/net").readlink() == mine:
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:  # it has just ended
                continue
        self._holder.wait()

    def close(self) -> None:
        """Take it down, if it stands."""
        if self._holder.poll() is None:
            self._holder.kill()
            self._holder.wait()


@contextmanager
def street(count: int) -> Iterator[list[House]]:
    """So many houses that reach each other, and nothing else."""
    with ExitStack() as stack:
        middle = House(254)
        stack.callback(middle.close)
        middle.run("ip", "link", "add", "bridge", "type", "bridge")
        middle.run("ip", "link", "set", "bridge", "up")
        houses = []
        for number in range(1, count + 1):
            house = House(number)
            stack.callback(house.close)
            connect(middle, f"port{number}", house)
            houses.append(house)
        yield houses


def connect(middle: House, port: str, house: House) -> None:
    """Lay a cable between a house and the bridge."""
    peer = ("peer", "name", "eth0", "netns", str(house.pid))
    middle.run("ip", "link", "add", port, "type", "veth", *peer)
    middle.run("ip", "link", "set", port, "master", "bridge", "up")
    house.run("ip", "link", "set", "lo", "up")
    house.run("ip", "address", "add", f"{house.address}/24", "dev", "eth0")
    house.run("ip", "link", "set", "eth0", "up")
