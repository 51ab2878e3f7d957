"""The agent: one node's part in all elections, from the first call to the hand-over at its end.

Joins what the other files of this folder do: electors in a conductor, a lane per instance, the
registry, the local API's view. One task group holds every task; when one breaks, the agent ends.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from leader import __version__, clock
from leader.agent import view
from leader.agent.conductor import Conductor
from leader.agent.guards import Guards
from leader.agent.hooks import Hooks
from leader.agent.job_lane import JobLane
from leader.agent.jobs import Jobs, Quorum, Sight
from leader.agent.journal import Journal, Listener
from leader.agent.lane import Lane, Surroundings
from leader.agent.registry import Entry, Registry, encode
from leader.agent.store import HolderStore, TermStore, boot_id, directory_id, machine_id
from leader.api.peers import Peer, why_forbidden
from leader.api.source import About
from leader.config.model import Config, InstanceConfig
from leader.errors import ConfigurationError
from leader.instances.instance import Instance
from leader.protocol.calls import Notice, Reply
from leader.protocol.elector import Elector, Identity
from leader.protocol.events import NS_PER_MS, ContentionChanged, Noticed, RegistrySeen
from leader.protocol.record import Holder
from leader.protocol.resume import Place
from leader.protocol.snapshot import AgentView, JobView, Leadership
from leader.protocol.ticks import Run, Tick, Wish


@dataclass(frozen=True, slots=True)
class Directories:
    """Where the agent keeps what: both are locked by the caller."""

    runtime: Path
    state: Path


def address_of(instance: InstanceConfig) -> str:
    """What two nodes call the same server, whatever names they gave it."""
    host, port, db = instance.canonical
    return f"{host}:{port}/{db}"


class Agent:
    """One running agent; `run` returns when it was stopped, with everything handed over."""

    def __init__(
        self, config: Config, directories: Directories, socket: Path, instances: Sequence[Instance]
    ) -> None:
        """`socket` is where the agent is asked, for what its hooks start."""
        self.config = config
        self.journal = Journal(config.node.name)
        self.registry = Registry()
        self._incarnation = secrets.token_hex(16)
        self._addresses = {instance.name: address_of(instance) for instance in config.quorum.instances}
        self._names = {address: name for name, address in self._addresses.items()}
        self._lease_ns = config.quorum.lease_ms * NS_PER_MS
        self._stopping = asyncio.Event()
        self._why_it_stops = ""
        self._started_at = clock.now_ns()
        about = {
            "LEADER_NODE": config.node.name,
            "LEADER_CLUSTER": config.cluster,
            "LEADER_SOCKET": str(socket),
        }
        self.hooks = Hooks(config.elections, about)
        self.conductor = self._make_conductor(directories)
        around = Surroundings(
            feed=self.conductor.feed,
            registration=self._registration,
            heard=self._heard,
            journal=self.journal,
            patience_ns=self._lease_ns // 10,
            beat_ns=self._lease_ns // 3,
        )
        self.lanes = {instance.name: Lane(instance, around) for instance in instances}
        job_lanes = {instance.name: JobLane(instance, self._lease_ns // 10) for instance in instances}
        self.jobs_desk = Jobs(
            Quorum(config.node.name, job_lanes, config.quorum.lease_ms),
            Sight(self._holder, self._not_silent, self._alive_nodes),
            self.conductor.guards,
            self.journal,
        )

    def _make_conductor(self, directories: Directories) -> Conductor:
        terms = TermStore(directories.state, self.config.cluster)
        holders = HolderStore(directories.runtime, self._place(directories.runtime))
        resumable = holders.load()
        electors = {
            name: Elector(
                Identity(
                    election=name,
                    node=self.config.node.name,
                    incarnation=self._incarnation,
                    instances=tuple(self._addresses),
                    configuration=self.config.configuration(),
                    priority=election.priority,
                    beat_offset_ns=self._started_at % (self._lease_ns // 3),
                ),
                self._started_at,
                random=SystemRandom(),
                highest_term=terms.highest(name),
                resumable=resumable.get(name, ()),
            )
            for name, election in self.config.elections.items()
        }
        guards = Guards(returning_until=self._started_at + self._lease_ns // 10 if resumable else 0)
        return Conductor(electors, (terms, holders), (guards, self.hooks), self.journal)

    def _place(self, runtime: Path) -> Place:
        return Place(
            boot=boot_id(),
            machine=machine_id(),
            directory=directory_id(runtime),
            cluster=self.config.cluster,
            node=self.config.node.name,
            configuration=self.config.configuration(),
        )

    # The life of the agent.

    async def run(self) -> None:
        """Take part until `stop` or `leave_held` is called.

        Raises:
            ExceptionGroup: a part of the agent broke.
        """
        async with asyncio.TaskGroup() as group:
            lanes = self.lanes.values()
            tasks = [group.create_task(lane.run(), name=f"lane {lane.name}") for lane in lanes]
            tasks += [
                group.create_task(
                    lane.instance.listen(self._noticer(lane), self.jobs_desk.heard),
                    name=f"notices {lane.name}",
                )
                for lane in lanes
            ]
            tasks.append(group.create_task(self.jobs_desk.run(), name="jobs"))
            tasks.append(group.create_task(self.conductor.keep_time(), name="time"))
            tasks.append(group.create_task(self.hooks.run(), name="hooks"))
            self.conductor.start(self.lanes)
            await self._stopping.wait()
            self.conductor.save_seen_terms()
            self.jobs_desk.stop()
            if self._why_it_stops:
                await self._hand_over(self._why_it_stops)
            await self.hooks.ended()  # each ends within its time; what is held is renewed meanwhile
            for task in tasks:
                task.cancel()
        self.conductor.close()
        for lane in self.lanes.values():
            await lane.instance.close()

    def stop(self, reason: str) -> None:
        """Let `run` hand over what is held, leave the registry, and return."""
        self._why_it_stops = reason
        self._stopping.set()

    async def _hand_over(self, reason: str) -> None:
        holds = any(elector.tenure is not None for elector in self.conductor.electors.values())
        self.conductor.feed_all(ContentionChanged(allowed=False, reason=reason))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._lease_ns / 1e9):  # jobs may take until the deadline
                await self.conductor.settled()
        for lane in self.lanes.values():
            lane.leave()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._lease_ns / 1e9 / 4):
                for lane in self.lanes.values():
                    await lane.drained()
        silent = [lane.name for lane in self.lanes.values() if lane.problem or not lane.is_idle]
        if holds and silent:
            logging.getLogger("leader").warning(
                "%s did not answer at the end: what was held there runs out within one lease",
                ", ".join(silent),
            )

    def leave_held(self) -> None:
        """Let `run` return at once and keep what is held, for the process that takes this one's place."""
        self._stopping.set()

    def _noticer(self, lane: Lane) -> Callable[[Notice], None]:
        def hear(notice: Notice) -> None:
            if notice.election in self.conductor.electors:
                self.conductor.feed(notice.election, Noticed(lane.name, notice.record))

        return hear

    def _heard(self, lane: Lane, reply: Reply) -> None:
        self._check_distinct(lane)
        if reply.registry is None:
            return
        now = clock.now_ns()
        self.registry.learn(lane.name, reply.registry, now)
        for election in self.conductor.electors:
            candidates = self.registry.candidates(election, self.config.node.name, self._names)
            self.conductor.feed(election, RegistrySeen(candidates))

    def _check_distinct(self, lane: Lane) -> None:
        """One server listed twice has one vote; at the start it is refused (rule R7)."""
        twins = [
            other.name for other in self.lanes.values() if other is not lane and other.process == lane.process
        ]
        if twins and clock.now_ns() - self._started_at < self._lease_ns:
            raise ConfigurationError(
                f"{self.config.source}: quorum.instances lists one server twice, as {twins[0]} and as "
                f"{lane.name}: list each server once"
            )

    def _registration(self) -> str:
        now = clock.now_ns()
        electors = self.conductor.electors.items()
        return encode(
            Entry(
                node=self.config.node.name,
                version=__version__,
                incarnation=self._incarnation,
                contends=all(
                    elector.may_contend(now) and not elector.disk_fails(now)
                    for _, elector in electors
                    if elector.identity.priority > 0
                ),
                sees_majority=len(self._answering(now)) >= self.config.quorum.majority,
                priorities={name: elector.identity.priority for name, elector in electors},
                roles={name: str(elector.role(now)) for name, elector in electors},
                processes={self._addresses[lane.name]: lane.process for lane in self._answering(now)},
            )
        )

    # What the jobs' desk sees.

    def _holder(self, election: str) -> Holder | None:
        """This node's leadership, computed now (rule R6)."""
        elector = self.conductor.electors[election]
        return elector.tenure.holder if elector.tenure and elector.leads(clock.now_ns()) else None

    def _not_silent(self) -> frozenset[str]:
        return frozenset(lane.name for lane in self._answering(clock.now_ns()))

    def _alive_nodes(self) -> frozenset[str]:
        now = clock.now_ns()
        seen = {node for node, (at, _) in self.registry.nodes().items() if now - at < self._lease_ns}
        return frozenset(seen | {self.config.node.name})

    def _answering(self, now: int) -> list[Lane]:
        """The lanes whose instance voted within the last lease and has no problem now."""
        return [
            lane
            for lane in self.lanes.values()
            if lane.problem is None
            and lane.answered_at is not None
            and now - lane.answered_at < self._lease_ns
        ]

    # What the local API asks (leader.api.source.Source).

    def about(self) -> About:
        """What never changes."""
        return About(self.config.cluster, self.config.node.name, self.config.quorum.lease_ms)

    def forbids(self, peer: Peer | None) -> str:
        """Why that process may not change anything; empty for root, this agent's user, and `[api] group`."""
        return why_forbidden(peer, self.config.api.group)

    async def claim(self, wish: Wish) -> Tick | None:
        """A tick, once it is decided; None if this agent ends before."""
        return await self.jobs_desk.claim(wish)

    def why_not_claimed(self, election: str) -> str:
        """Why a tick of this election found nobody to claim it."""
        now = clock.now_ns()
        elector = self.conductor.electors[election]
        answer = view.leadership(elector, now)
        return view.why_not(elector, answer, now) if not answer.leader else "no majority took the claim"

    def run_connected(self, run: Run) -> Callable[[], None]:
        """Note that the `once` of a run is there, until the returned function is called."""
        return self.jobs_desk.connect(run)

    def run_ended(self, run: Run) -> asyncio.Event:
        """Write down how a run has ended; the event is set once a majority has it."""
        return self.jobs_desk.ended(run)

    async def jobs(self, only: str = "") -> tuple[JobView, ...]:
        """All jobs, or one, as the instances keep them now."""
        await self.jobs_desk.look(only)
        return self.jobs_desk.views(only)

    def elections(self) -> Collection[str]:
        """The names of the elections that this node takes part in."""
        return self.conductor.electors.keys()

    def leadership(self, election: str) -> Leadership:
        """Whether this node leads, computed now (rule R6)."""
        return view.leadership(self.conductor.electors[election], clock.now_ns())

    def view(self) -> AgentView:
        """All that this node knows."""
        now = clock.now_ns()
        quorum = self.config.quorum
        answering = len(self._answering(now))
        tolerates = answering - quorum.majority if answering >= quorum.majority else -1
        return AgentView(
            cluster=self.config.cluster,
            node=self.config.node.name,
            version=__version__,
            lease_ms=quorum.lease_ms,
            generation=quorum.generation,
            majority=quorum.majority,
            tolerates=tolerates,
            verdict=verdict(answering, len(self.lanes), quorum.majority),
            elections=tuple(view.election_view(elector, now) for elector in self.conductor.electors.values()),
            instances=tuple(view.instance_view(lane, now) for lane in self.lanes.values()),
            nodes=self.registry.views(now),
            jobs=self.jobs_desk.views(most=1),
        )

    def unready(self) -> list[str]:
        """Why this agent is not ready; empty when a majority answers and accepts its configuration."""
        now = clock.now_ns()
        answering, needed = len(self._answering(now)), self.config.quorum.majority
        reasons = []
        if answering < needed:
            reasons.append(
                f"{answering} of {len(self.lanes)} instances answered within the last lease, not {needed}"
            )
        barred = (elector.electorate.bar(now) for elector in self.conductor.electors.values())
        reasons += {view.bar_sentence(bar): None for bar in barred if bar}
        return reasons

    def alive(self) -> bool:
        """Whether the loops turn: no elector is long overdue."""
        return clock.now_ns() - self.conductor.wake_at < self._lease_ns

    def guard(self, election: str, listener: Listener) -> Callable[[], None]:
        """Wait for this job at a hand-over, until the returned function is called."""
        return self.conductor.guards.join(election, listener)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call the listener at each change until the returned function is called."""
        return self.journal.subscribe(listener)


def verdict(answering: int, instances: int, needed: int) -> str:
    """One line: whether there is a majority, and how many more instances may fail."""
    if answering < needed:
        return (
            f"no majority: {answering} of {instances} instances answer, and nobody can lead without {needed}"
        )
    spare = answering - needed
    more = "none may fail" if spare == 0 else f"{spare} more may fail"
    return f"{answering} of {instances} instances answer; {more}"
