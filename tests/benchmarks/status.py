"""How long `leader status` takes as a whole process, and how long its answer holds up an agent's loop.

    python -m tests.benchmarks.status --times 15

A server answers as an agent would that knows so many elections and nodes; the installed command is run piped
and on a terminal of 100 columns. Goals: 150 ms for 2 elections x 5 nodes, 400 ms for 50 x 200, and a loop
that is held for 20 ms at most. Beside the time on the wall stands that of the processor, which the load of
other programs changes little.
"""

import argparse
import asyncio
import fcntl
import json
import os
import pty
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from leader.agent.registry import Entry, Registry, encode
from leader.api.message import line
from leader.api.server import Server, bind_socket
from leader.clock import now_ns
from leader.protocol.calls import Registration
from leader.protocol.snapshot import AgentView
from tests.benchmarks.goals import exit_code, judge
from tests.unit.api.handmade import HandmadeSource
from tests.unit.tui.examples import large

SIZES = ((2, 5, 150), (50, 200, 400))
"""Elections, nodes, and the most milliseconds."""
LOOP_GOAL_MS = 20
NS_PER_MS = 1_000_000
COLUMNS = struct.pack("HHHH", 30, 100, 0, 0)
COMMAND = Path(sys.executable).with_name("leader")
BARE = [sys.executable, "-I", "-c", "pass"]


def main() -> int:
    """Measure and print; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--serve", nargs=3, metavar=("SOCKET", "ELECTIONS", "NODES"))
    options = parser.parse_args()
    if options.serve:
        path, elections, nodes = options.serve
        asyncio.run(serve(Path(path), large(int(elections), int(nodes))))
    bare = measured(lambda: piped(BARE), options.times)
    print(f"python -I -c pass: {bare}")
    for elections, nodes, goal in SIZES:
        compare(elections, nodes, goal, options.times, bare)
    hold(options.times)
    return exit_code()


@dataclass(frozen=True, slots=True)
class Took:
    """What several runs took, in milliseconds: on the wall median and worst, the processor's median."""

    wall: float
    worst: float
    processor: float

    def __str__(self) -> str:
        return f"median {self.wall:.1f} ms, worst {self.worst:.1f} ms, processor {self.processor:.1f} ms"


def compare(elections: int, nodes: int, goal: int, times: int, bare: Took) -> None:
    """The command of one size, piped and on a terminal."""
    with tempfile.TemporaryDirectory(prefix="lb-") as directory:
        path = Path(directory) / "s"
        with serving(path, elections, nodes):
            command = [str(COMMAND), "status", "--socket", str(path)]
            for how, run in (("piped", piped), ("on a terminal", on_terminal)):
                took = measured(lambda run=run: run(command), times)  # type: ignore[misc]
                what = f"{elections} x {nodes} {how}"
                ratio = took.processor / bare.processor
                print(f"{what}: {took}, {ratio:.1f} x bare; {judge(what, took.wall, goal, 'ms')}")


def measured(action: Callable[[], object], times: int, who: int = resource.RUSAGE_CHILDREN) -> Took:
    """What so many runs took, after one that warms the caches."""
    action()
    wall, processor = [], []
    for _ in range(times):
        began, used = now_ns(), used_ms(who)
        action()
        wall.append((now_ns() - began) / NS_PER_MS)
        processor.append(used_ms(who) - used)
    return Took(statistics.median(wall), max(wall), statistics.median(processor))


def used_ms(who: int) -> float:
    """The processor's time that this process, or those that it waited for, took until now."""
    usage = resource.getrusage(who)
    return (usage.ru_utime + usage.ru_stime) * 1000


def piped(command: list[str]) -> None:
    """Run it, and read what it prints."""
    subprocess.run(command, check=True, capture_output=True)


def on_terminal(command: list[str]) -> None:
    """Run it on a terminal, and read what it prints."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, COLUMNS)
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        drain(ours)
    os.close(ours)
    assert process.returncode == 0, process.returncode


def drain(descriptor: int) -> None:
    """Read until the other side is closed, which Linux tells as an error."""
    try:
        while os.read(descriptor, 65_536):
            pass
    except OSError:
        return


# What answers.


@dataclass
class Large(HandmadeSource):
    """Knows one view."""

    known: AgentView | None = None

    def view(self) -> AgentView:
        """It."""
        assert self.known is not None
        return self.known


async def serve(path: Path, view: AgentView) -> None:
    """Answer until ended; a line on standard output says that it has begun."""
    server = Server(Large(known=view))
    server.serve(bind_socket(path))
    print("serving", flush=True)
    await asyncio.Event().wait()


@contextmanager
def serving(path: Path, elections: int, nodes: int) -> Iterator[None]:
    """A process that answers there."""
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.status",
        "--serve",
        str(path),
        str(elections),
        str(nodes),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "serving\n"
            yield
        finally:
            server.kill()


# The agent's side.


def hold(times: int) -> None:
    """How long the answer of the larger size occupies the loop of an agent that heard of all nodes."""
    elections, nodes, _ = SIZES[-1]
    view = large(elections, nodes)
    registry = heard_of(view)
    took = measured(lambda: line(replace(view, nodes=registry.views(now_ns()))), times, resource.RUSAGE_SELF)
    what = f"{elections} x {nodes}: nodes and JSON on the agent's loop"
    print(f"{what}: {took}; {judge(what, took.wall, LOOP_GOAL_MS, 'ms')}")


def heard_of(view: AgentView) -> Registry:
    """The registry of an agent to which every instance showed all nodes."""
    registry = Registry()
    shown = [
        Registration(
            node.name,
            node.seen_ms_ago,
            encode(
                Entry(
                    node.name,
                    node.version,
                    1,
                    0,
                    "i",
                    contends=True,
                    sees_majority=True,
                    vitals=node.vitals,
                    priorities=node.priority,
                    roles=node.roles,
                )
            ),
        )
        for node in view.nodes
    ]
    for instance in view.instances:
        registry.learn(instance.name, shown, now_ns())
    assert len(registry.views(now_ns())) == len(json.loads(line(view))["nodes"])
    return registry


if __name__ == "__main__":
    sys.exit(main())
