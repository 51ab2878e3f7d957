"""What does a shell pay for the question who leads, as a whole process, and what would it pay elsewhere?

    python -m tests.benchmarks.question [--quick]

`leader is-leader` as it is installed by pip, in turns with the bare interpreter, with the shell and `true`,
and with what asks the same of a socket or of another system: `nc`, `curl`, a client of some lines in C, and
`redis-cli` and `etcdctl`, whose servers answer over loopback TCP. Goal: at most 1.2 times the interpreter.
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
MOST_RATIO, WARM_UP = 1.2, 5
CLIENT = Path(__file__).with_name("question.c")
REDIS_CLI = f"{os.environ.get('PATH', '')}:{Path(sys.executable).parent}"


@dataclass(frozen=True, slots=True)
class Contender:
    """A command, how it is shown, and what stands on its standard input."""

    command: Sequence[str]
    how: str
    asks: bytes = b""


def main() -> int:
    """Measure and tell; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    times = 10 if parser.parse_args().quick else 200
    with tempfile.TemporaryDirectory(prefix="lb-") as folder, contenders(Path(folder)) as (all_of_them, node):
        took = in_turns(all_of_them, {"PATH": os.defpath, "LEADER_SOCKET": str(node)}, times)
        for who, contender in all_of_them.items():
            tell(CASE, who, spread(took[who]) if who in took else (), contender.how)
        own, bare = (statistics.median(took[who]) for who in (OWN, "interpreter"))
        tell(f"{CASE}, beside the interpreter", OWN, [Figure("p50", own / bare, "times", most=MOST_RATIO)])
    return exit_code()


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
        yield made(programs, str(node.socket), compiled(folder), port, endpoint), node.socket


@contextmanager
def asked_etcd(folder: Path) -> Iterator[str]:
    """The endpoint of one of three nodes; empty where etcd is absent."""
    if not etcd.is_here():
        yield ""
        return
    with etcd.etcd_of(folder) as nodes:
        yield nodes.endpoints.split(",")[0]


def made(programs: Path, socket: str, client: str, port: str, endpoint: str) -> dict[str, Contender]:
    """The commands; one that is not there is empty, and its row says what to install."""
    python, request = str(programs / "python"), b"GET /leader HTTP/1.0\r\n\r\n"
    curl = ["-s", "-o", "/dev/null", "--unix-socket", socket, "http://x/leader"]
    return {
        OWN: Contender([str(programs / "leader"), "is-leader"], "`leader is-leader`"),
        "interpreter": Contender([python, "-I", "-c", "pass"], "`python -I -c pass`"),
        "sh": Contender(["sh", "-c", "true"], "`sh -c true`"),
        "true": Contender(["/bin/true"], "`/bin/true`"),
        "C client": Contender(
            [client, socket] if client else [], "tests/benchmarks/question.c, asks the agent"
        ),
        "nc": found("nc", ["-U", socket], "`nc -U SOCKET`, asks the agent", request, "netcat-openbsd"),
        "curl": found(
            "curl", curl, "`curl --unix-socket SOCKET http://x/leader`, asks the agent", b"", "curl"
        ),
        "redis-cli": found("redis-cli", ["-p", port, "ping"], "`redis-cli ping`", b"", "redis-tools"),
        etcd.version(): found(
            "etcdctl", [f"--endpoints={endpoint}", "get", "NAME"], "`etcdctl get NAME`", b"", "etcd-client"
        ),
    }


def found(program: str, words: Sequence[str], how: str, asks: bytes, package: str) -> Contender:
    """A program of this machine, if it has it."""
    path = shutil.which(program, path=REDIS_CLI)
    return Contender([path, *words], how, asks) if path else Contender([], f"absent: apt install {package}")


def compiled(folder: Path) -> str:
    """The client in C; empty where there is no compiler."""
    if shutil.which("cc") is None:
        return ""
    subprocess.run(["cc", "-O2", "-o", str(folder / "question"), str(CLIENT)], check=True)
    return str(folder / "question")


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
    """What its process takes."""
    began = now_ns()
    subprocess.run(
        contender.command, env=environment, input=contender.asks, stdout=subprocess.DEVNULL, check=True
    )
    return (now_ns() - began) / 1e6


if __name__ == "__main__":
    sys.exit(main())
