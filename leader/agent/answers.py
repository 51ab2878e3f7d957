"""What the local API is told of one agent: every answer is computed from its parts at the moment of asking.

It is the `leader.api.source.Source` of the agent, and changes nothing but what a call of `once` asks for.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from leader import __version__, clock
from leader.agent import view
from leader.agent.conductor import Conductor
from leader.agent.contention import Contention
from leader.agent.history import History
from leader.agent.jobs import Jobs
from leader.agent.journal import Journal, Listener
from leader.agent.lane import Lane, answering
from leader.agent.registry import Registry
from leader.agent.steering import Steering
from leader.agent.tally import Tally
from leader.api.control import Control
from leader.api.figures import Figures
from leader.api.peers import Peer, why_forbidden
from leader.api.source import About
from leader.config.model import Config
from leader.protocol.events import NS_PER_MS, Instant
from leader.protocol.runs import Run
from leader.protocol.snapshot import AgentView, HistoryView, JobView, Leadership
from leader.protocol.ticks import Tick, Wish


@dataclass(frozen=True, slots=True)
class Parts:
    """What an agent is made of."""

    config: Config
    conductor: Conductor
    contention: Contention
    lanes: Mapping[str, Lane]
    registry: Registry
    jobs: Jobs
    journal: Journal
    history: History
    steering: Steering


class Answers:
    """One agent, as the local API sees it."""

    def __init__(self, parts: Parts) -> None:
        self._config = parts.config
        self._lease_ms = parts.config.quorum.held_lease_ms
        self._voters = parts.config.quorum.voters()
        self._conductor = parts.conductor
        self._contention = parts.contention
        self._lanes = parts.lanes
        self._registry = parts.registry
        self._jobs = parts.jobs
        self._journal = parts.journal
        self._history = parts.history
        self._steering = parts.steering
        self._tally = Tally(parts.journal)

    def about(self) -> About:
        """What never changes."""
        return About(self._config.cluster, self._config.node.name, self._lease_ms)

    def forbids(self, peer: Peer | None) -> str:
        """Why that process may not change anything; empty for root, this agent's user, and `[api] group`."""
        return why_forbidden(peer, self._config.api.group)

    def control(self) -> Control:
        """What an operator may ask of this agent."""
        return self._steering

    async def claim(self, wish: Wish) -> Tick | None:
        """A tick, once it is decided; None if this agent ends before."""
        return await self._jobs.claim(wish)

    def why_not_claimed(self, election: str) -> str:
        """Why a tick of this election found nobody to claim it."""
        now = clock.now_ns()
        elector = self._conductor.electors[election]
        answer = view.leadership(elector, now)
        return view.why_not(elector, answer, now) if not answer.leader else "no majority took the claim"

    def run_connected(self, run: Run) -> Callable[[], None]:
        """Note that the `once` of a run is there, until the returned function is called."""
        return self._jobs.connect(run)

    def run_ended(self, run: Run) -> asyncio.Event:
        """Write down how a run has ended; the event is set once a majority has it."""
        return self._jobs.ended(run)

    async def jobs(self, only: str = "") -> tuple[JobView, ...]:
        """All jobs, or one, as the instances keep them now."""
        await self._jobs.look(only)
        return self._jobs.views(only)

    def elections(self) -> Collection[str]:
        """The names of the elections that this node takes part in."""
        return self._conductor.electors.keys()

    def leadership(self, election: str) -> Leadership:
        """Whether this node leads, computed now (rule R6)."""
        return view.leadership(self._conductor.electors[election], clock.now_ns())

    def view(self) -> AgentView:
        """All that this node knows."""
        now = clock.now_ns()
        quorum, pause = self._config.quorum, self._steering.pause_now
        spare = self._spare(now)
        elections = tuple(view.election_view(elector, now) for elector in self._conductor.electors.values())
        return AgentView(
            cluster=self._config.cluster,
            node=self._config.node.name,
            version=__version__,
            lease_ms=self._lease_ms,
            generation=quorum.generation,
            changes=quorum.changes,
            majority=quorum.majority,
            tolerates=max(-1, spare),
            verdict=verdict(len(answering(self._lanes, now)), len(self._lanes), spare),
            pause=pause.view() if pause else None,
            unfit=self._contention.unfit,
            elections=elections,
            instances=tuple(view.instance_view(lane, now) for lane in self._lanes.values()),
            nodes=view.with_roles_now(self._registry.views(now), elections),
            jobs=self._jobs.views(most=1),
        )

    def history(self) -> HistoryView:
        """What this node remembers."""
        return HistoryView(self._history.leaderships(clock.now_ns()), self._history.incidents())

    def figures(self) -> Figures:
        """What was counted since this agent started."""
        tally, counts = self._tally, self._jobs.ledger.counts
        return Figures(
            gained=tally.gained,
            resumed=tally.resumed,
            lost=tally.lost,
            failed_claims=tally.failed_claims,
            incidents=tally.incidents,
            round_trips={lane.name: lane.round_trips.histogram for lane in self._lanes.values()},
            runs={(job, str(state)): n for job, states in counts.items() for state, n in states.items()},
        )

    def unready(self) -> list[str]:
        """Why this agent is not ready; empty when a majority answers and accepts its configuration."""
        now = clock.now_ns()
        reasons = []
        if (spare := self._spare(now)) < 0:
            voting = len(answering(self._lanes, now))
            reasons.append(
                f"{voting} of {len(self._lanes)} instances answered within the last lease, {-spare} too few"
            )
        barred = (elector.electorate.bar(now) for elector in self._conductor.electors.values())
        reasons += {view.bar_sentence(bar): None for bar in barred if bar}
        return reasons

    def _spare(self, now: Instant) -> int:
        """How many more instances may fail; negative: how many are too few for a majority."""
        return self._voters.spare([lane.name for lane in answering(self._lanes, now)])

    def alive(self) -> bool:
        """Whether the loops turn: no elector is long overdue."""
        return clock.now_ns() - self._conductor.wake_at < self._lease_ms * NS_PER_MS

    def guard(self, election: str, listener: Listener) -> Callable[[], None]:
        """Wait for this job at a hand-over, until the returned function is called."""
        return self._conductor.guards.join(election, listener)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call the listener at each change until the returned function is called."""
        return self._journal.subscribe(listener)


def verdict(answering: int, instances: int, spare: int) -> str:
    """One line: whether there is a majority, and how many more instances may fail."""
    if spare < 0:
        return (
            f"no majority: {answering} of {instances} instances answer, and nobody can lead without "
            f"{-spare} more"
        )
    more = "none may fail" if spare == 0 else f"{spare} more may fail"
    return f"{answering} of {instances} instances answer; {more}"
