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

from tests.support.polling import until

STAND = ["unshare", "--net", "--fork", "--kill-child", "sleep", "infinity"]


class House:
    """One machine of the street; `pid` is a process in it, as the real machine counts."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(STAND, stdin=subprocess.DEVNULL)
        self.pid = until(self._first_process, "the namespace is there")
        self.entrance = ("nsenter", "--target", str(self.pid), "--net", "--")

    def _first_process(self) -> int | None:
        """The process in the namespace, once it is another one than ours."""
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        if not children or Path(f"/proc/{children[0]}/comm").read_text() != "sleep\n":
            return None
        return int(children[0])

    def addresses(self) -> set[str]:
        """Those of its network card."""
        lines = within(self.pid, "ip", "-4", "-oneline", "address", "show", "dev", "eth0").splitlines()
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


def within(pid: int, *words: str) -> str:
    """What a command prints in the network of that process."""
    command = ["nsenter", "--target", str(pid), "--net", "--", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def street(count: int) -> Iterator[list[House]]:
    """So many houses, which reach each other and nothing else: the first is 10.9.0.1."""
    with ExitStack() as stack:
        houses = [House() for _ in range(count)]
        for house in houses:
            stack.callback(house.lose_power)
        addresses = [f"10.9.0.{number}/24" for number in range(1, count + 1)]
        with connected([house.pid for house in houses], addresses):
            yield houses


@contextmanager
def connected(pids: Sequence[int], addresses: Sequence[str]) -> Iterator[None]:
    """Cables from a bridge to the network of each of these processes, whose `eth0` gets the address."""
    middle = House()
    try:
        within(middle.pid, "ip", "link", "add", "bridge", "type", "bridge")
        within(middle.pid, "ip", "link", "set", "bridge", "up")
        for number, (pid, address) in enumerate(zip(pids, addresses, strict=True)):
            peer = ("peer", "name", "eth0", "netns", str(pid))
            within(middle.pid, "ip", "link", "add", f"port{number}", "type", "veth", *peer)
            within(middle.pid, "ip", "link", "set", f"port{number}", "master", "bridge", "up")
            within(pid, "ip", "link", "set", "lo", "up")
            within(pid, "ip", "address", "add", address, "dev", "eth0")
            within(pid, "ip", "link", "set", "eth0", "up")
        yield
    finally:
        middle.lose_power()
