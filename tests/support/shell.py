"""A person at the shell of one node: a machine of its own, as far as its files, processes and name can tell.

Made of namespaces: what is written below /etc, /usr/bin, /var, /run and /opt is gone with it, and so is every
process that was started there. The nodes of one `Network` reach each other under the addresses that it has.
Needs root.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

WRITABLE = ("/etc", "/usr/bin", "/var", "/opt")
FURNISH = """
set -e
mount -t tmpfs tmpfs /mnt
for place in {writable}; do
    mkdir -p /mnt/changed$place /mnt/work$place
    mount -t overlay -o lowerdir=$place,upperdir=/mnt/changed$place,workdir=/mnt/work$place overlay $place
done
mount -t tmpfs -o mode=755 tmpfs /run
hostname {name}
set +e -m
cd {directory}
"""
DONE = "the block is done:"


class Answer(NamedTuple):
    """What a block of commands said, on both streams, and the exit code of its last command."""

    said: str
    code: int


class Shell:
    """One node's shell, which remembers its jobs from block to block."""

    def __init__(self, name: str, process: "subprocess.Popen[str]", directory: Path) -> None:
        self.name = name
        self._process = process
        self.run(FURNISH.format(writable=" ".join(WRITABLE), name=name, directory=directory))

    def run(self, block: str) -> Answer:
        """Type a block of commands; what it said, once it is done."""
        self.begin(block)
        return self.end()

    def begin(self, block: str) -> None:
        """Type a block of commands, and do not wait."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{block}\necho {DONE} $?\n")
        self._process.stdin.flush()

    def end(self) -> Answer:
        """What the block that was begun said, once it is done."""
        assert self._process.stdout is not None
        said = ""
        for line in self._process.stdout:
            if DONE in line:
                before, _, code = line.partition(DONE)
                return Answer(said + before, int(code))
            said += line
        raise AssertionError(f"the shell of {self.name} has ended: {said}")


@contextmanager
def network(addresses: Sequence[str]) -> Iterator[int]:
    """A network with these addresses and no way out; the process that keeps it."""
    adding = "; ".join(f"ip address add {address}/32 dev lo" for address in addresses)
    command = ["unshare", "--net", "sh", "-ec", f"ip link set lo up; {adding}; echo ready; read _"]
    keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == "ready\n"
        yield keeper.pid
    finally:
        keeper.kill()
        keeper.communicate()


@contextmanager
def shells(keeper: int, names: Sequence[str], directory: Path) -> Iterator[list[Shell]]:
    """The shells of nodes in a network, in that directory; all that they started ends with them."""
    with ExitStack() as stack:
        yield [Shell(name, stack.enter_context(_process(keeper)), directory) for name in names]


@contextmanager
def _process(keeper: int) -> Iterator["subprocess.Popen[str]"]:
    namespaces = ["--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
    process = subprocess.Popen(
        ["nsenter", "--target", str(keeper), "--net", "unshare", *namespaces, "bash", "--norc"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
