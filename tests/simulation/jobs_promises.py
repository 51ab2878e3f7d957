"""The checkers of once-only ticks: what the calls of `once` were told, against what really was.

A tick is one moment of the schedule, over all nodes. They know the calls, the answers and what the
instances keep, but nothing of what a `Tick` keeps inside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from leader.protocol.events import NS_PER_MS
from leader.protocol.record import Holder
from leader.protocol.runs import ClaimTick, Run, RunState, TickVerdict
from leader.protocol.ticks import Decision
from tests.simulation.instance import Executed
from tests.simulation.jobs_calls import WRITTEN_BEFORE
from tests.simulation.jobs_once import JOB, Once, Watch
from tests.simulation.network import REPLIES, REQUESTS, Sent
from tests.simulation.promises import Agent, BrokenPromise
from tests.simulation.server import Server
from tests.simulation.timeline import LEASE_NS, Timeline

ENOUGH_NS = LEASE_NS * 2 // 5
"""A call whose agent leads for so long, undisturbed, while it waits, must have been decided."""
STALE_NS = LEASE_NS * 2
"""So long after a run has ended, nothing may be said to overlap with it."""


@dataclass(slots=True)
class TickSeen:
    """All calls of one tick, and those that started the job."""

    calls: list[Once] = field(default_factory=list)
    starts: list[Once] = field(default_factory=list)
    able: Once | None = None
    """A call whose agent led long enough to claim the tick."""
    leaders: set[Agent | None] = field(default_factory=set)
    """Who led at the moments of the calls."""
    is_calm: bool = False
    """Whether nothing at all was wrong around it."""


class TickPromises(Watch):
    """All checkers of one schedule."""

    def __init__(self, time: Timeline, servers: Mapping[str, Server]) -> None:
        self.time = time
        self.servers = servers
        self.ticks: dict[int, TickSeen] = {}
        self.calls: dict[str, Once] = {}
        self.ages_hold = True
        """Whether no instance's wall clock is set by more than a little."""

    def called(self, once: Once) -> None:
        """Note a call."""
        once.losses = {name: server.runs_lost for name, server in self.servers.items()}
        self.ticks.setdefault(once.tick, TickSeen()).calls.append(once)
        self.calls[once.nonce] = once

    def _break(self, promise: str, what: str) -> None:
        self.time.tell(f"BROKEN {promise}: {what}")
        raise BrokenPromise(promise, what)

    def executed(self, server: Server, sent: Sent, executed: Executed) -> None:
        """Judge what an instance granted: only to the holder of its record."""
        assert executed.ticks is not None
        for call, answer in zip(sent.request.ticks, executed.ticks.answers, strict=True):
            if isinstance(call.operation, ClaimTick) and answer.verdict is TickVerdict.GRANTED:
                holder = call.operation.holder
                record = server.model.records.get(call.operation.run.election)
                if record is None or record.process != server.model.process or not record.names(holder):
                    self._break("only the leader", f"{server.name} granted a tick to {holder}")

    # At most one start.

    def started(self, once: Once) -> None:
        """Judge a start: there may have been none of that tick."""
        seen = self.ticks[once.tick]
        self.time.count("tick: started")
        for other in seen.starts:
            self._judge_second(other, once)
        seen.starts.append(once)

    def _judge_second(self, first: Once, second: Once) -> None:
        """Let a second start pass only if every instance that both relied on has forgotten the first."""
        what = f"{second.nonce} started after {first.nonce}"
        assert first.answered is not None
        assert second.answered is not None
        shown = [run for runs in second.answered.seen.values() for run in runs if run.state.is_start]
        if self.ages_hold and any(run.nonce == first.nonce for run in shown):
            self._break("once", f"{what}, which an instance had shown to it")
        voters = first.answered.voters
        shared = voters.keys() & second.answered.voters.keys()
        if not shared or not all(self._forgot(name, first, voters[name]) for name in shared):
            self._break("once", what)
        self.time.count("a second start that cannot be prevented")

    def _forgot(self, name: str, first: Once, losses: int) -> bool:
        """Whether an instance lost what it knew since it voted, or the clock by which it knows ages."""
        server = self.servers[name]
        before = first.losses[name] if losses == WRITTEN_BEFORE else losses
        return server.runs_lost > before or server.jumped_at > first.began - 2 * LEASE_NS

    # At least one, or it is told.

    def ended(self, once: Once) -> None:
        """Judge a call that ends without a start."""
        way = once.answered.in_the_way if once.answered else None
        if once.said is Decision.MISSED and once.waited_ns < once.schedule.wait_ms * NS_PER_MS:
            self._break("patience", f"{once.nonce} was given up early")
        if once.said is Decision.TAKEN:
            assert way is not None
            if way.nonce == once.nonce:
                self._break("once", f"{once.nonce} is held to be taken by itself")
            if self.calls[way.nonce].tick != once.tick and self.ages_hold:
                self._break("every tick", f"{once.nonce} is held to be taken by {way.nonce}, of another tick")

    def sample(self) -> None:
        """Note which calls wait at an agent that leads now, undisturbed."""
        for seen in self.ticks.values():
            for once in seen.calls:
                if once.is_open:
                    once.led_ns = once.led_ns + LEASE_NS // 50 if self._leads(once) else 0
                    if once.led_ns > ENOUGH_NS:
                        seen.able = seen.able or once

    def _leads(self, once: Once) -> bool:
        node = once.node
        agent = node.agent
        if agent is None or agent.frozen or agent.setup.node != node.name:
            return False
        weather = node.network.weather
        if weather.lost or weather.late:
            return False  # the few calls that fit in so short a time may all go unanswered
        election = node.elections[0]
        elector = agent.electors[election]
        if elector.tenure is None or not elector.leads(agent.now):
            return False
        holder = elector.tenure.holder
        reached = [name for name in node.voters.instances if self._obeys(name, node.place, election, holder)]
        return node.voters.spare(reached) >= 0

    def _obeys(self, name: str, place: str, election: str, holder: Holder) -> bool:
        """Whether an instance can be reached from there, and its record names this holder."""
        server = self.servers[name]
        model, cuts = server.model, server.network.cuts
        is_cut = any((place, name, way) in cuts for way in (REQUESTS, REPLIES))
        if not server.up or server.hung or is_cut or model.eligibility != "ok":
            return False
        record = model.records.get(election)
        return record is not None and record.process == model.process and record.names(holder)

    def judge(self, tick: int) -> None:
        """Judge a tick when all its calls have ended."""
        seen = self.ticks.pop(tick, None)
        if seen is None:
            return
        if seen.starts:
            self.time.count("tick: done")
            return
        if any(once.said is Decision.OVERLAPS for once in seen.calls):
            self.time.count("tick: overlaps")
            return
        self._judge_lost(tick, seen)

    def _judge_lost(self, tick: int, seen: TickSeen) -> None:
        if seen.is_calm and self.ages_hold:
            self._break("every tick", f"tick {tick} was not started although nothing was wrong")
        if seen.able is not None and self.ages_hold and not self._others_claimed(seen, seen.able):
            self._break("every tick", f"tick {tick} was not started although {seen.able.node.place} led")
        if any(once.is_dead for once in seen.calls):
            self.time.count("tick: lost with a machine")
        elif any(once.said is Decision.MISSED or once.is_undecided for once in seen.calls):
            self.time.count("tick: missed, and a call said so")
        elif self._is_told(seen):
            self.time.count("tick: told by the instances")
        elif self.ages_hold:
            self._break("told", f"tick {tick} was not started, and nobody says so")

    def _others_claimed(self, seen: TickSeen, able: Once) -> bool:
        """Whether another call's claim was ever written, so that a change of leaders cut it."""
        written = set().union(*(server.model.ledger.written for server in self.servers.values()))
        return any(once.nonce in written for once in seen.calls if once is not able)

    def _is_told(self, seen: TickSeen) -> bool:
        """Whether the instances say, all together, that it was interrupted or missed, or will be told so."""
        merged = merge([server.model.ledger.shown(JOB, server.wall_ms) for server in self.servers.values()])
        for once in seen.calls:
            run = merged.get(once.nonce)
            if run is not None and run.state in (RunState.INTERRUPTED, RunState.MISSED):
                return True
        pending = [once.node.agent for once in seen.calls if once.node.agent is not None]
        return any(once.nonce in getattr(agent, "tellings", {}) for agent in pending for once in seen.calls)


def merge(shown: list[tuple[Run, ...]]) -> dict[str, Run]:
    """What all instances know of each run: the latest news of it."""
    merged: dict[str, Run] = {}
    for runs in shown:
        for run in runs:
            known = merged.get(run.nonce)
            if known is None or known.state.rank < run.state.rank:
                merged[run.nonce] = run
    return merged
