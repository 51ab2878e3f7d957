"""The agent: one node's part in all elections, from the first call to the hand-over at its end.

Joins what the other files of this folder do: electors in a conductor, a lane per instance, the
registry, the local API's view. One task group holds every task; when one breaks, the agent ends.
"""

import asyncio
import contextlib
import logging
import secrets
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import SystemRandom

from leader import clock
from leader.agent.annals import Annals
from leader.agent.answers import Answers, Parts
from leader.agent.chronicler import Chronicler
from leader.agent.conductor import Conductor
from leader.agent.contention import Contention
from leader.agent.fitness import Fitness
from leader.agent.guards import Guards
from leader.agent.herald import Herald
from leader.agent.history import History
from leader.agent.hooks import Hooks
from leader.agent.inbox import TOGETHER_S, Inbox, Received
from leader.agent.introduction import Introduction
from leader.agent.job_lane import JobLane
from leader.agent.jobs import Jobs, Quorum, Sight
from leader.agent.journal import Journal
from leader.agent.lane import Lane, Surroundings, answering
from leader.agent.leases import Leases
from leader.agent.pause import PauseStore
from leader.agent.pulse import Happening, Pulse
from leader.agent.registry import Registry
from leader.agent.rota import Rota
from leader.agent.steering import Steered, Steering
from leader.agent.store import HolderStore, TermStore, boot_id, directory_id, machine_id
from leader.agent.watchdog import Guarded, Watchdog, device_of
from leader.config.model import Config, InstanceConfig
from leader.errors import ConfigurationError
from leader.instances.instance import Instance
from leader.instances.problems import Ineligible, Unanswered
from leader.protocol.calls import Registration
from leader.protocol.elector import Elector, Identity
from leader.protocol.events import NS_PER_MS, Cause, Noticed, RegistrySeen, StepDownAsked
from leader.protocol.record import Holder
from leader.protocol.resume import Place


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
        self._incarnation = secrets.token_hex(16)
        addresses = {instance.name: address_of(instance) for instance in config.quorum.all_instances}
        self.registry = Registry({address: name for name, address in addresses.items()})
        self._lease_ns = config.quorum.held_lease_ms * NS_PER_MS
        self._stopping = asyncio.Event()
        self._why_it_stops = ""
        self._started_at = clock.now_ns()
        about = {
            "LEADER_NODE": config.node.name,
            "LEADER_CLUSTER": config.cluster,
            "LEADER_SOCKET": str(socket),
        }
        self.hooks = Hooks(config.elections, about)
        self.conductor = self._make_conductor(directories, socket)
        self._annals = Annals(directories.state)
        self.history = History(self._annals, config.node.name)
        self._chronicler = Chronicler(self.history, self.conductor.electors, self.registry, self.journal)
        self._inbox = Inbox(config.node.name, self.conductor.electors, self._take_in, self._rest)
        self._pulse = Pulse(self._lease_ns, self._chronicler.look, self._happened)
        self.contention = Contention(self.conductor.feed_all)
        resumes = any(elector.tenure is not None for elector in self.conductor.electors.values())
        self.fitness = Fitness(config.fitness, about, self.contention, self.journal, resumes=resumes)
        self.lanes: dict[str, Lane] = {}
        self._herald = Herald(
            config.node.name, self.lanes, self.conductor.feed_each, self._rest, self._lease_ns // 10
        )
        around = self._make_surroundings(addresses)
        self.lanes |= {instance.name: Lane(instance, around) for instance in instances}
        self._jobs = self._make_jobs(instances, around)
        self._steering = self._make_steering(PauseStore(directories.state))
        self._watchdog = self._make_watchdog()
        self.answers = Answers(
            Parts(
                config,
                self.conductor,
                self.contention,
                self.lanes,
                self.registry,
                self._jobs,
                self.journal,
                self.history,
                self._steering,
            )
        )

    def _make_surroundings(self, addresses: Mapping[str, str]) -> Surroundings:
        introduction = Introduction(
            self.config,
            self._incarnation,
            addresses,
            self.conductor.electors,
            self.contention,
            self.fitness,
            self.history,
            self.lanes,
        )
        return Surroundings(
            feed=self.conductor.feed_each,
            registration=introduction.text,
            heard=self._check_distinct,
            learned=self._learned,
            rota=Rota(self.lanes, self._lease_ns // 3),
            journal=self.journal,
            lease_ns=self._lease_ns,
        )

    def _make_jobs(self, instances: Sequence[Instance], around: Surroundings) -> Jobs:
        lanes = {instance.name: JobLane(instance, around.patience_ns) for instance in instances}
        return Jobs(
            Quorum(
                self.config.node.name,
                lanes,
                self.config.quorum.voters(),
                self.config.quorum.held_lease_ms,
            ),
            Sight(self._holder, self._drains, self._not_silent, self._alive_nodes),
            self.conductor.guards,
            self.journal,
        )

    def _make_steering(self, pauses: PauseStore) -> Steering:
        steered = Steered(
            self.config.node.name,
            self.conductor,
            self.contention,
            self._jobs,
            self.registry,
            self.journal,
            self._forget,
            self._lease_ns,
            self._herald.announce,
        )
        return Steering(steered, pauses)

    def _make_watchdog(self) -> Watchdog | None:
        device = device_of(self.config.watchdog)
        guarded = Guarded(self.conductor, self.contention, self._lease_ns, self._started_at)
        return Watchdog(self.config.watchdog, device, guarded) if device else None

    def _make_conductor(self, directories: Directories, socket: Path) -> Conductor:
        terms = TermStore(directories.state, self.config.cluster)
        holders = HolderStore(directories.runtime, self._place(directories.runtime))
        resumable = holders.load()
        electors = {
            name: Elector(
                Identity(
                    election=name,
                    node=self.config.node.name,
                    incarnation=self._incarnation,
                    voters=self.config.quorum.voters(),
                    configuration=self.config.configuration(),
                    priority=election.priority,
                    preempt=election.preempt,
                    preempt_delay_ms=election.preempt_delay_ms,
                    beat_offset_ns=self._started_at % (self._lease_ns // 3),
                    reserve_ms=self.config.watchdog.reserve_ms(self.config.quorum.held_lease_ms),
                ),
                self._started_at,
                random=SystemRandom(),
                highest_term=terms.highest(name),
                resumable=resumable.get(name, ()),
            )
            for name, election in self.config.elections.items()
        }
        guards = Guards(returning_until=self._started_at + self._lease_ns // 10 if resumable else 0)
        open_to_all = self.config.api.socket_mode & stat.S_IWOTH != 0
        leases = Leases(socket, self.config.node.name, self._lease_ns, open_to_all=open_to_all)
        return Conductor(electors, (terms, holders, leases), (guards, self.hooks), self.journal)

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
                    lane.instance.listen(
                        partial(self._inbox.put, lane.name),
                        self._jobs.heard,
                        partial(self._herald.hear, self.conductor.electors),
                    ),
                    name=f"notices {lane.name}",
                )
                for lane in lanes
            ]
            tasks.append(group.create_task(self._jobs.run(), name="jobs"))
            tasks.append(group.create_task(self.conductor.keep_time(), name="time"))
            tasks.append(group.create_task(self.hooks.run(), name="hooks"))
            tasks.append(group.create_task(self.fitness.run(), name="fitness"))
            tasks.append(group.create_task(self._steering.run(), name="steering"))
            tasks.append(group.create_task(self._pulse.run(), name="pulse"))
            tasks.append(group.create_task(self._annals.run(), name="annals"))
            self.conductor.start(self.lanes)
            if self._watchdog is not None:
                self._watchdog.begin()
                tasks.append(group.create_task(self._watchdog.run(), name="watchdog"))
            self._steering.begin()
            self.fitness.begin()
            await self._stopping.wait()
            self.conductor.save_seen_terms()
            self._jobs.stop()
            if self._why_it_stops:
                await self._hand_over(self._why_it_stops)
            await self.hooks.ended()  # each ends within its time; what is held is renewed meanwhile
            for task in tasks:
                task.cancel()
        if self._watchdog is not None:
            self._watchdog.close(hands_on=not self._why_it_stops)
        self.conductor.close()
        if self._why_it_stops:
            self.conductor.take_leases_away()
        self._inbox.close()
        self._chronicler.close()
        self._annals.close()
        for lane in self.lanes.values():
            await lane.instance.close()

    def stop(self, reason: str) -> None:
        """Let `run` hand over what is held, leave the registry, and return."""
        self._why_it_stops = reason
        self._steering.leave("is stopping")
        self._stopping.set()

    async def _hand_over(self, reason: str) -> None:
        electors = self.conductor.electors
        holds = any(elector.tenure is not None for elector in electors.values())
        heirs = {election: elector.heir(None, clock.now_ns()).node for election, elector in electors.items()}
        await self._herald.announce({election: node for election, node in heirs.items() if node})
        self.contention.forbid(Cause.RELEASED, reason)
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
        self._steering.leave("takes its own place")
        self._stopping.set()

    def _take_in(self, notices: Sequence[Received]) -> None:
        self.conductor.feed_each((notice.election, Noticed(name, notice.record)) for name, notice in notices)
        for _, notice in notices:
            self._chronicler.notice(notice.election, notice.record)

    def _rest(self) -> None:
        """Listen to nobody for a moment: what follows is what another node does."""
        for lane in self.lanes.values():
            lane.instance.rest(TOGETHER_S)

    def _learned(self, instance: str, registrations: Sequence[Registration]) -> None:
        self.registry.learn(instance, registrations, clock.now_ns())
        node = self.config.node.name
        candidates = {e: self.registry.candidates(e, node) for e in self.conductor.electors}
        self.conductor.feed_each((election, RegistrySeen(seen)) for election, seen in candidates.items())

    def _happened(self, happening: Happening) -> None:
        """Tell what befell this agent, and give up what may be over already."""
        self.journal.tell(
            happening.kind, happening.sentence, level=logging.WARNING, duration_ms=happening.duration_ms
        )
        self.history.happened(happening.kind, happening.duration_ms, happening.sentence)
        if happening.unseats:
            reason = f"{happening.sentence}, and its lease may be over by the clocks of others"
            self.conductor.feed_all(StepDownAsked(reason, cause=happening.cause, rests=False))

    def _check_distinct(self, lane: Lane) -> None:
        """One server listed twice has one vote; at the start it is refused (rule R7)."""
        if clock.now_ns() - self._started_at >= self._lease_ns:
            return
        twins = [
            other.name for other in self.lanes.values() if other is not lane and other.process == lane.process
        ]
        if twins:
            raise ConfigurationError(
                f"{self.config.source}: [quorum] lists one server twice, as {twins[0]} and as "
                f"{lane.name}: list each server once"
            )

    async def _forget(self, node: str) -> dict[str, str]:
        """Have every instance drop a node; why not, by the name of each that did not."""
        patience_ns = self._lease_ns // 10
        failures = {}
        for name, lane in self.lanes.items():
            try:
                await lane.instance.forget(node, patience_ns)
            except (Unanswered, Ineligible) as error:
                failures[name] = error.problem.sentence
        return failures

    # What the jobs' desk sees.

    def _holder(self, election: str) -> Holder | None:
        """This node's leadership, computed now (rule R6)."""
        elector = self.conductor.electors[election]
        return elector.tenure.holder if elector.tenure and elector.leads(clock.now_ns()) else None

    def _drains(self, election: str) -> bool:
        return self._steering.drains(election)

    def _not_silent(self) -> frozenset[str]:
        return frozenset(lane.name for lane in answering(self.lanes, clock.now_ns()))

    def _alive_nodes(self) -> frozenset[str]:
        now = clock.now_ns()
        seen = {node for node, (at, _) in self.registry.nodes().items() if now - at < self._lease_ns}
        return frozenset(seen | {self.config.node.name})
