"""What does a shell pay for the question who leads, as a whole process, and what would it pay elsewhere?

    python -m tests.benchmarks.question [--quick]

`leader is-leader` as it is installed by pip, in turns with the bare interpreter, with the shell and `true`,
and with what asks the same of a socket or of another system: `nc`, `curl`, a client of some lines in C, and
`redis-cli` and `etcdctl`, whose servers answer over loopback TCP. Goals: at most 1.2 times the interpreter;
where the shell answers, 1.5 times the shell.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks import etcd
from tests.benchmarks.rows import OWN, Figure, exit_code, spread, tell
from tests.e2e.installed import install
from tests.support.agents import Cluster, Settings
from tests.support.polling import until

CASE = "a question, as a whole process"
IN_PYTHON = f"{OWN}, in Python"
LIMITS = {IN_PYTHON: ("interpreter", 1.2), OWN: ("sh", 1.5)}
"""What is compared with what, and at most how many times as long it may take."""
WARM_UP = 5
TO_NOWHERE = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
CLIENT = Path(__file__).with_name("question.c")
REDIS_CLI = f"{os.environ.get('PATH', '')}:{Path(sys.executable).parent}"


@dataclass(frozen=True, slots=True)
class Contender:
    """A command, how it is shown, and the file that is its standard input."""

    command: list[str]
    how: str
    asks: str = os.devnull


def main() -> int:
    """Measure and tell; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    times = 10 if parser.parse_args().quick else 200
    with tempfile.TemporaryDirectory(prefix="lb-") as folder, contenders(Path(folder)) as (all_of_them, node):
        took = in_turns(all_of_them, {"PATH": os.defpath, "LEADER_SOCKET": str(node)}, times)
        for who, contender in all_of_them.items():
            tell(CASE, who, spread(took[who]) if who in took else (), contender.how)
    compare(took)
    return exit_code()


def compare(took: Mapping[str, list[float]]) -> None:
    """The rows of what may take so many times as much as something bare."""
    for who, (bare, most) in LIMITS.items():
        if who in took:
            ratio = statistics.median(took[who]) / statistics.median(took[bare])
            tell(f"a question beside the bare {bare}", who, [Figure("p50", ratio, "times", most=most)])


@contextmanager
def contenders(folder: Path) -> Iterator[tuple[Mapping[str, Contender], Path]]:
    """All of them, by name, and the socket of a leading agent; what they ask runs meanwhile."""
    programs = install(folder)
    with (
        EmbeddedQuorum(folder / "q", 3, "tcp") as quorum,
        Cluster(folder, Settings(quorum.urls, "10s"), "a") as cluster,
        asked_etcd(folder) as endpoint,
    ):
        node = cluster.nodes["a"]
        until(node.leads, "the only node leads")
        port = quorum.urls[0].rpartition(":")[2].partition("/")[0]
        (folder / "request").write_bytes(b"GET /leader HTTP/1.0\r\n\r\n")
        yield made(programs, node.socket, folder, port, endpoint), node.socket


@contextmanager
def asked_etcd(folder: Path) -> Iterator[str]:
    """The endpoint of one of three nodes; empty where etcd is absent."""
    if not etcd.is_here():
        yield ""
        return
    with etcd.etcd_of(folder) as nodes:
        yield nodes.endpoints.split(",")[0]


def made(programs: Path, place: Path, folder: Path, port: str, endpoint: str) -> dict[str, Contender]:
    """The commands; one that is not there is empty, and its row says what to install."""
    python, socket, client = str(programs / "python"), str(place), compiled(folder)
    curl = ["-s", "-o", "/dev/null", "--unix-socket", socket, "http://x/leader"]
    return {
        OWN: Contender([str(programs / "leader"), "is-leader"], "`leader is-leader`"),
        IN_PYTHON: found(
            str(programs / "leader-python"), ["is-leader"], "`leader-python is-leader`", "leader"
        ),
        "interpreter": Contender([python, "-I", "-c", "pass"], "`python -I -c pass`"),
        "sh": Contender(["/bin/sh", "-c", "true"], "`sh -c true`"),
        "true": Contender(["/bin/true"], "`/bin/true`"),
        "C client": found(client, [socket], "tests/benchmarks/question.c, asks the agent", "gcc"),
        "nc": found(
            "nc", ["-U", socket], "`nc -U SOCKET`, asks the agent", "netcat-openbsd", str(folder / "request")
        ),
        "curl": found("curl", curl, "`curl --unix-socket SOCKET http://x/leader`, asks the agent", "curl"),
        "redis-cli": found("redis-cli", ["-p", port, "ping"], "`redis-cli ping`", "redis-tools"),
        etcd.version(): found(
            "etcdctl", [f"--endpoints={endpoint}", "get", "NAME"], "`etcdctl get NAME`", "etcd-client"
        ),
    }


def found(program: str, words: Sequence[str], how: str, package: str, asks: str = os.devnull) -> Contender:
    """A program of this machine, if it has it."""
    path = shutil.which(program, path=REDIS_CLI)
    return Contender([path, *words], how, asks) if path else Contender([], f"absent: apt install {package}")


def compiled(folder: Path) -> str:
    """The client in C, if there is a compiler."""
    program = str(folder / "question")
    if shutil.which("cc"):
        subprocess.run(["cc", "-O2", "-o", program, str(CLIENT)], check=True)
    return program


def in_turns(
    contenders: Mapping[str, Contender], environment: dict[str, str], times: int
) -> dict[str, list[float]]:
    """The milliseconds of each run of each of them."""
    took: dict[str, list[float]] = {who: [] for who, contender in contenders.items() if contender.command}
    for turn in range(WARM_UP + times):
        for who in took:
            elapsed = timed_ms(contenders[who], environment)
            took[who] += [elapsed] if turn >= WARM_UP else []
    return took


def timed_ms(contender: Contender, environment: dict[str, str]) -> float:
    """What its process takes, with as little around it as there can be."""
    files = [(os.POSIX_SPAWN_OPEN, 0, contender.asks, os.O_RDONLY, 0), TO_NOWHERE]
    began = now_ns()
    pid = os.posix_spawn(contender.command[0], contender.command, environment, file_actions=files)
    _, status = os.waitpid(pid, 0)
    took_ms = (now_ns() - began) / 1e6
    assert status == 0, contender.command
    return took_ms


if __name__ == "__main__":
    sys.exit(main())
