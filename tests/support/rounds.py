"""Ticks of several jobs, a misfortune around each group of them, and the account of what was started.

Half of the jobs tick in each round, the other half in the next, so that a job's period is two rounds. What
befalls a round does so within a second of a tick of it, and is over before the next round begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from leader.clock import now_ns, utc_iso, wall_ms
from leader.errors import AgentUnreachable
from leader.instances.embedded import EmbeddedQuorum
from leader.protocol.events import Instant
from tests.support.agents import Cluster
from tests.support.misfortunes import Misfortunes
from tests.support.polling import until
from tests.support.ticker import NS_PER_S, Agenda, Tick, Ticker

LEAD_IN_S = 3.0
"""From the begin to the first tick: more than a clock is ahead."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The times of a run, in seconds; `skews` is by how much each node starts its lines too late."""

    round_s: float = 12.0
    stagger_s: float = 0.5
    jobs_per_round: int = 4
    skews: Mapping[str, float] = field(default_factory=lambda: {"a": 0.0, "b": -1.5, "c": 1.5})

    @property
    def period_s(self) -> float:
        """From one tick of a job to its next."""
        return 2 * self.round_s

    def jobs(self, number: int) -> list[str]:
        """The jobs that tick in this round."""
        first = number % 2 * self.jobs_per_round
        return [f"job{first + index}" for index in range(self.jobs_per_round)]


@dataclass(frozen=True, slots=True)
class Round:
    """What befell one round, and the wall time of each job's tick in it."""

    misfortune: str
    tick_ms: Mapping[str, int]


class Rounds:
    """A whole run: `play` it, then ask what was started."""

    def __init__(
        self, cluster: Cluster, quorum: EmbeddedQuorum, ticker: Ticker, plan: Plan, random: Random
    ) -> None:
        self.agenda = Agenda()
        self.misfortunes = Misfortunes(cluster, quorum, self.agenda)
        self.rounds: list[Round] = []
        self.told: dict[tuple[str, str], dict[str, Any]] = {}
        """By job and tick, the newest that the ledger said."""
        self._cluster = cluster
        self._ticker = ticker
        self._plan = plan
        self._random = random

    def play(self, lines: Mapping[str, str], misfortunes: Sequence[str]) -> None:
        """Start each line, with its way of doing it, at each tick of a round for each of these."""
        begin, wall = now_ns() + int(LEAD_IN_S * NS_PER_S), wall_ms() + int(LEAD_IN_S * 1000)
        for number, misfortune in enumerate(misfortunes):
            offset_s = number * self._plan.round_s
            self.rounds.append(Round(misfortune, self._tick_times(number, wall + int(offset_s * 1000))))
            self._lay_out(number, lines, begin + int(offset_s * NS_PER_S))
        self.agenda.run(self._ticker.tend)
        until(self._ticker.is_idle, "every line has ended")
        self._cluster.settle()
        self.look()

    def _tick_times(self, number: int, begin_ms: int) -> dict[str, int]:
        jobs = self._plan.jobs(number)
        return {job: begin_ms + int(index * self._plan.stagger_s * 1000) for index, job in enumerate(jobs)}

    def _lay_out(self, number: int, lines: Mapping[str, str], begin: Instant) -> None:
        """Put one round on the agenda: the calls of each node, and what befalls it."""
        jobs = self._plan.jobs(number)
        moments = [begin + int(index * self._plan.stagger_s * NS_PER_S) for index in range(len(jobs))]
        for job, moment in zip(jobs, moments, strict=True):
            for node, skew_s in self._plan.skews.items():
                for way, line in lines.items():
                    deed = partial(self._ticker.start, line.format(job=job), Tick(way, job, number), node)
                    self.agenda.at(moment + int(skew_s * NS_PER_S), deed)
        near = self._random.choice(moments) + int(self._random.uniform(-1, 1) * NS_PER_S)
        self.agenda.at(near, self.misfortunes.all[self.rounds[number].misfortune])
        earliest_s = min(self._plan.skews.values(), default=0.0) - 1.0
        self.agenda.at(begin + int(earliest_s * NS_PER_S), self.look)

    def look(self) -> None:
        """Read the ledger: it keeps only the last ticks of each job."""
        try:
            jobs = next(iter(self._cluster.nodes.values())).client(5.0).jobs()
        except AgentUnreachable:
            return
        for entry in jobs:
            runs: Any = entry["runs"]
            for run in runs:
                self.told[str(entry["job"]), str(run["tick"])] = run

    # The account.

    def ticks(self, way: str) -> list[Tick]:
        """Every tick of this way, in order."""
        return [Tick(way, job, number) for number, each in enumerate(self.rounds) for job in each.tick_ms]

    def ledger(self, tick: Tick) -> list[dict[str, Any]]:
        """What the ledger says of a tick: the calls that a node's clock may have made at it."""
        at_ms = self.rounds[tick.number].tick_ms[tick.job]
        skews = self._plan.skews.values()
        first, last = at_ms // 1000 + int(min(skews)) - 1, at_ms // 1000 + int(max(skews)) + 3
        names = [utc_iso(second * 1000) for second in range(first, last)]
        return [self.told[tick.job, name] for name in names if (tick.job, name) in self.told]

    def report(self, tick: Tick) -> str:
        """All that is known of a tick, for the report of a run that went wrong."""
        mails = "\n".join(
            f"  {ended.node}: {ended.code} {ended.mail}" for ended in self._ticker.mails_of(tick)
        )
        return (
            f"{tick.job}, tick {tick.number}, {self.rounds[tick.number].misfortune}\n"
            f"  started on: {self._ticker.nodes_of(tick)}\n  ledger: {self.ledger(tick)}\n{mails}"
        )


def make_ticker(directory: Path, programs: Path, cluster: Cluster) -> Ticker:
    """A ticker for the nodes of this cluster."""
    sockets = {node.name: node.socket for node in cluster.nodes.values()}
    return Ticker(directory, programs, sockets, cluster.group.id)
