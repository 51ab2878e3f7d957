"""Where the demo plays: servers, agents and crontab as processes, set up, watched, healed and taken down.

Every wait here is for a condition, with a deadline; every process is known by its id and belongs to a
group that ends with the demo, even when that is killed.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from leader import clock
from leader.demo.crontab import Crontab
from leader.demo.node import Node, configuration
from leader.instances.embedded import EmbeddedQuorum
from leader.instances.group import OwnedGroup

LEASE_MS = 2000
NODES = ("node-1", "node-2", "node-3")
INSTANCES = "abcde"
NS_PER_MS = 1_000_000
POLL_S = 0.02
FINE_POLL_S = 0.003
START_WITHIN_MS = 60_000

UP, KILLED, HUNG, EMPTIED = "up", "killed", "hung", "emptied"


T = TypeVar("T")


class Failed(Exception):
    """What a chapter promises did not come true; the text says what happened instead."""


class Stopped(Exception):
    """The demo is to end, so nobody waits any longer."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Who leads, with which term."""

    node: str
    term: int


def nothing() -> None:
    """What there is to check while waiting, by default."""


def elapsed_ms(since_ns: int) -> int:
    """The time since an instant."""
    return (clock.now_ns() - since_ns) // NS_PER_MS


class Stage:
    """Servers run from `__enter__` to `__exit__`; agents and crontab are started by the first chapter."""

    def __init__(self, directory: Path, tell: Callable[[str], None]) -> None:
        """`tell` is called with one sentence for each thing that happens.

        Raises:
            InstanceError: no server program is found.
        """
        self.tell = tell
        self.quorum = EmbeddedQuorum(directory / "servers", len(INSTANCES))
        self.states = dict.fromkeys(INSTANCES, UP)
        urls = dict(zip(INSTANCES, self.quorum.urls, strict=True))
        self.nodes = {
            name: Node(name, directory / name, configuration(name, urls, LEASE_MS)) for name in NODES
        }
        self._group = OwnedGroup()
        self._stack = ExitStack()
        self._ends = threading.Event()
        self.crontab = Crontab(list(self.nodes.values()), directory / "ticks")

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._group.close)
            stack.enter_context(self.quorum)
            stack.callback(self._kill_agents)
            stack.callback(self.crontab.stop)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._stack.close()

    def end(self) -> None:
        """Let whoever waits here wait no longer."""
        self._ends.set()

    # Waiting.

    def until(
        self,
        what: str,
        condition: Callable[[], T | None],
        within_ms: int,
        *,
        meanwhile: Callable[[], None] = nothing,
        poll_s: float = POLL_S,
    ) -> T:
        """The first answer of `condition` that is neither None nor False.

        Raises:
            Failed: there was none in time, or `meanwhile` says so.
            Stopped: the demo ends.
        """
        started = clock.now_ns()
        while True:
            meanwhile()
            found = condition()
            if found is not None and found is not False:
                return found
            if elapsed_ms(started) > within_ms:
                raise Failed(f"{what}: not within {within_ms / 1000:g} s")
            if self._ends.wait(poll_s):
                raise Stopped

    def pass_time(self, milliseconds: int, meanwhile: Callable[[], None] = nothing) -> None:
        """Return after so long; `meanwhile` is checked all the time."""
        started = clock.now_ns()
        self.until("time", lambda: elapsed_ms(started) >= milliseconds, milliseconds * 2, meanwhile=meanwhile)

    # Who leads.

    def leader(self, among: Iterable[str] = NODES) -> Lead | None:
        """Who answers that it leads, of these nodes.

        They are asked one after the other, so leadership may change hands in between: two at once are two
        that both say so again.

        Raises:
            Failed: two do.
        """
        leads = self._leads(among)
        if len(leads) > 1:
            leads = self._leads(lead.node for lead in leads)
        if len(leads) > 1:
            raise Failed(f"two nodes lead at once: {leads[0].node} and {leads[1].node}")
        return leads[0] if leads else None

    def _leads(self, among: Iterable[str]) -> list[Lead]:
        answers = (self.nodes[name].leadership() for name in among)
        return [Lead(answer.node, answer.term) for answer in answers if answer and answer.leader]

    def wait_for_leader(self) -> Lead:
        """Who leads, now or soon.

        Raises:
            Failed: nobody does.
        """
        return self.until("a leader", self.leader, START_WITHIN_MS)

    def stays(self, lead: Lead) -> Callable[[], None]:
        """A check that this leader still leads, with the same term."""

        def check() -> None:
            now = self.leader()
            if now != lead:
                instead = f"{now.node} leads with term {now.term}" if now else "nobody leads"
                raise Failed(f"{lead.node} led with term {lead.term}, and now {instead}")

        return check

    # Agents.

    def start_agents(self) -> None:
        """Start every agent that does not run."""
        for node in self.nodes.values():
            if node.process is None:
                node.start(self._group.id)

    def agents_answer(self) -> bool:
        """Whether every agent does."""
        return all(node.leadership() is not None for node in self.nodes.values())

    def start_crontab(self) -> None:
        """Let the jobs begin."""
        self.crontab.start(self._group.id)

    def rejoin(self, name: str, lead: Lead) -> None:
        """Start an agent again; return when the leader knows it as a candidate.

        Raises:
            Failed: that takes too long.
        """
        self.nodes[name].start(self._group.id)
        self.until(
            f"{name} back as a candidate",
            lambda: self._is_candidate(name, lead),
            START_WITHIN_MS,
            meanwhile=self.stays(lead),
        )

    def _is_candidate(self, name: str, lead: Lead) -> bool:
        answer = self.nodes[name].leadership()
        if answer is None or answer.holder != lead.node:
            return False
        known = self.view(lead)["nodes"]
        return any(node["name"] == name and node["sees_majority"] for node in known)

    def _kill_agents(self) -> None:
        for node in self.nodes.values():
            node.kill()

    # Instances, by name.

    def kill_instance(self, name: str) -> None:
        """End a server as `kill -9` does."""
        self.quorum.kill(INSTANCES.index(name))
        self.states[name] = KILLED

    def hang_instance(self, name: str) -> None:
        """Stop a server (SIGSTOP)."""
        self.quorum.hang(INSTANCES.index(name))
        self.states[name] = HUNG

    def empty_instance(self, name: str) -> None:
        """Take all data from a server (FLUSHALL)."""
        self.quorum.flush(INSTANCES.index(name))
        self.states[name] = EMPTIED

    def heal_instance(self, name: str) -> None:
        """Start a killed server, with no data; let a stopped one go on."""
        if self.states[name] == KILLED:
            self.quorum.restart(INSTANCES.index(name), keep_data=False)
        elif self.states[name] == HUNG:
            self.quorum.resume(INSTANCES.index(name))
        self.states[name] = UP

    def heal(self) -> None:
        """Bring back whatever is down."""
        for name in INSTANCES:
            self.heal_instance(name)
        self.start_agents()

    def view(self, lead: Lead) -> dict[str, Any]:
        """All that the leader's agent knows.

        Raises:
            Failed: it does not answer.
        """
        status = self.nodes[lead.node].status()
        if status is None:
            raise Failed(f"the agent of {lead.node} does not answer")
        return status

    def is_missed(self, name: str, lead: Lead) -> bool:
        """Whether the leader noticed that this instance does not answer, or lost its record."""
        vote, instance = self._sight(name, lead)
        return bool(instance["problem"]) or vote["state"] == "fresh"

    def has_lost_record(self, name: str, lead: Lead) -> bool:
        """Whether the leader saw a new record there, which nobody may take for one lease."""
        return bool(self._sight(name, lead)[0]["state"] == "fresh")

    def votes_for(self, name: str, lead: Lead) -> bool:
        """Whether this instance answers, and granted the leader's last request."""
        vote, instance = self._sight(name, lead)
        return bool(vote["granted"] and vote["state"] == "held" and not instance["problem"])

    def _sight(self, name: str, lead: Lead) -> tuple[dict[str, Any], dict[str, Any]]:
        view = self.view(lead)
        votes = {vote["instance"]: vote for vote in view["elections"][0]["votes"]}
        instances = {instance["name"]: instance for instance in view["instances"]}
        return votes[name], instances[name]
