"""A machine that runs one agent at a time: its clocks, its disk, its starts and ends."""

from dataclasses import dataclass, field
from typing import Protocol

from leader.protocol.calls import Configuration
from leader.protocol.events import Announced, Cause, ContentionChanged, StepDownAsked
from leader.protocol.quorum import Voters
from leader.protocol.resume import Place
from tests.simulation.agent import Agent
from tests.simulation.clock import BootClock
from tests.simulation.machine import Disk, Habits, Setup
from tests.simulation.network import Network
from tests.simulation.promises import Promises
from tests.simulation.timeline import LEASE_MS, LEASE_NS, WALL_MS


class Job(Protocol):
    """What else runs on a machine."""

    def die(self) -> None:
        """End with the machine."""


@dataclass(slots=True)
class Node:
    """One machine. `place` tells it from a copy that has the same node name."""

    name: str
    network: Network
    promises: Promises
    elections: tuple[str, ...]
    voters: Voters
    configuration: Configuration
    clock: BootClock = field(default_factory=BootClock)
    priority: int = 100
    wall_ms: int = WALL_MS
    habits: Habits = field(default_factory=Habits)
    place: str = ""
    machine: str = ""
    boot: int = 1
    directory: int = 1
    preempt: bool = False
    preempt_delay_ms: int = 3 * LEASE_MS
    allowed: bool = True
    fit: bool = True
    disk: Disk = field(default_factory=Disk)
    agent: Agent | None = None
    agent_type: type[Agent] = Agent
    jobs: list[Job] = field(default_factory=list)
    """What was started here beside the agent; the agent's end is nothing to it."""

    def __post_init__(self) -> None:
        self.place = self.place or self.name
        self.machine = self.machine or self.place

    @property
    def resume_place(self) -> Place:
        """Where this node's file of holders stands."""
        return Place(
            boot=f"{self.machine}-{self.boot}",
            machine=self.machine,
            directory=str(self.directory),
            cluster="simulated",
            node=self.name,
            configuration=self.configuration,
        )

    # Starts and ends of its agent.

    def start(self) -> None:
        """Start an agent, if none runs."""
        if self.agent is not None:
            return
        self.network.time.tell(f"{self.place} starts")
        agent = self.agent_type(self._setup(), self.place, self.network, self.promises, self.disk)
        self.agent = self.network.recipients[self.place] = agent
        agent.start()
        if not (self.allowed and self.fit):
            self._tell_contention()

    def _setup(self) -> Setup:
        return Setup(
            node=self.name,
            incarnation=self.network.time.unique(self.place),
            resume_place=self.resume_place,
            clock=self.clock,
            wall_ms=self.wall_ms,
            priority=self.priority,
            elections=self.elections,
            voters=self.voters,
            configuration=self.configuration,
            habits=self.habits,
            preempt=self.preempt,
            preempt_delay_ms=self.preempt_delay_ms,
        )

    def crash(self) -> None:
        """End the agent at once, whatever it was doing."""
        if self.agent is not None:
            self.network.time.tell(f"{self.place} crashes")
            self._end()

    def _end(self) -> None:
        if self.agent is not None:
            self.agent.die()
            self.agent = None
            del self.network.recipients[self.place]

    def reboot(self) -> None:
        """Crash with all that runs here, and lose the boot that the file of holders is worth something in."""
        self.crash()
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            job.die()
        self.boot += 1
        self.network.time.tell(f"{self.place} has rebooted")

    def stop(self) -> None:
        """Stop cleanly: hand over, and end when all is settled, two leases later at the latest."""
        agent = self.agent
        if agent is not None:
            agent.tell(ContentionChanged(allowed=False, reason="stopping"))
            self._end_when_settled(agent, self.network.time.now + 2 * LEASE_NS)

    def _end_when_settled(self, agent: Agent, at_last: int) -> None:
        if self.agent is not agent:
            return
        if agent.settled or self.network.time.now >= at_last:
            self.network.time.tell(f"{self.place} has stopped")
            self._end()
        else:
            self.network.time.after(LEASE_NS // 1000, self._end_when_settled, agent, at_last)

    # What its operator does.

    def announce(self) -> None:
        """Tell the agent that the leader is about to hand over to it."""
        if self.agent is not None:
            self.agent.tell(Announced())

    def step_down(self, successor: str | None = None) -> None:
        """Tell the agent to hand over, whatever it knows of the others."""
        if self.agent is not None:
            self.agent.tell(StepDownAsked("asked", successor))

    def ask_to_step_down(self, to: str | None = None) -> None:
        """Ask the agent to hand over; it refuses where it sees nobody that could follow."""
        if self.agent is not None:
            self.agent.ask_to_step_down(to)

    def allow(self, *, allowed: bool) -> None:
        """Let this node contend, or pause it."""
        self.allowed = allowed
        self._tell_contention()

    def turn(self, *, fit: bool) -> None:
        """Let this node be fit to lead, or unfit."""
        self.fit = fit
        self._tell_contention()

    def _tell_contention(self) -> None:
        if self.agent is not None:
            self.agent.allowed, self.agent.fit = self.allowed, self.fit
            cause = Cause.UNFIT if self.allowed else Cause.PAUSED
            contends = self.allowed and self.fit
            self.agent.tell(ContentionChanged(contends, "" if contends else str(cause), cause))

    def copied(self, place: str) -> "Node":
        """The same node once more, on the same machine, with a copy of its runtime directory."""
        return Node(
            name=self.name,
            network=self.network,
            promises=self.promises,
            elections=self.elections,
            voters=self.voters,
            configuration=self.configuration,
            clock=self.clock,
            priority=self.priority,
            place=place,
            machine=self.machine,
            boot=self.boot,
            directory=self.directory + 1,
            habits=self.habits,
            preempt=self.preempt,
            preempt_delay_ms=self.preempt_delay_ms,
            disk=Disk(runtime=self.disk.runtime),
            agent_type=self.agent_type,
        )
