"""What makes a machine or a network slow, on purpose, while something else is measured.

    python -m tests.benchmarks.burdens spin | write DIRECTORY | slow URL

Each is a process: one that uses up a core, one that keeps the disk busy, one that stands before an instance
and adds 200 ms to each round trip. Loss of packets is the kernel's, in a namespace of its own.
"""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

from tests.faults.proxy import Proxy

DELAY_S = 0.1
"""In each direction."""
BLOCK, BLOCKS = b"x" * 1_000_000, 64
LOSS = """table inet bench {
  chain arriving {
    type filter hook input priority 0
    numgen random mod 100 0 counter drop
  }
}"""
"""One packet in a hundred that arrives is dropped; on the loopback device each packet arrives once."""


def spin() -> None:
    """Use a core for ever."""
    while True:
        pass


def write(directory: Path) -> None:
    """Write a file and have it on the disk, over and over."""
    path = directory / f"burden{os.getpid()}"
    while True:
        with path.open("wb") as file:
            for _ in range(BLOCKS):
                file.write(BLOCK)
            file.flush()
            os.fsync(file.fileno())


async def slow(url: str) -> None:
    """Stand before an instance, say where, and delay all that passes."""
    async with Proxy(url, delay_s=DELAY_S) as proxy:
        print(proxy.own_url, flush=True)
        await asyncio.Event().wait()


@contextmanager
def burdened(*commands: tuple[str, ...]) -> Iterator[list["Popen[str]"]]:
    """These run meanwhile, a process each."""
    with ExitStack() as stack:
        processes = []
        for command in commands:
            words = [sys.executable, "-m", "tests.benchmarks.burdens", *command]
            process = stack.enter_context(Popen(words, stdout=PIPE, text=True, start_new_session=True))
            stack.callback(process.kill)
            processes.append(process)
        yield processes
        assert all(process.poll() is None for process in processes), "a burden has ended by itself"


@contextmanager
def slowed(urls: list[str]) -> Iterator[list[str]]:
    """The URLs of the same instances, of which the first is slow."""
    with burdened(("slow", urls[0])) as (process,):
        assert process.stdout is not None
        yield [process.stdout.readline().strip(), *urls[1:]]


def lose_packets() -> bool:
    """Have this network namespace lose one packet in a hundred; false where the kernel or nft cannot."""
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["nft", "-f", "-"], input=LOSS, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@contextmanager
def losing() -> Iterator[None]:
    """Packets have been lost meanwhile, as the kernel counts them."""
    before = lost_packets()
    yield
    assert lost_packets() > before, "no packet was lost"


def lost_packets() -> int:
    """How many this network namespace has lost."""
    said = subprocess.run(
        ["nft", "list", "table", "inet", "bench"], capture_output=True, text=True, check=True
    )
    found = re.search(r"counter packets (\d+)", said.stdout)
    assert found, said.stdout
    return int(found[1])


def main() -> None:
    """Be one of them, until killed."""
    match sys.argv[1:]:
        case ["spin"]:
            spin()
        case ["write", directory]:
            write(Path(directory))
        case ["slow", url]:
            asyncio.run(slow(url))


if __name__ == "__main__":
    main()
