"""What does this node know of the runs of jobs? All that instances have shown or published, merged by run.

For people, and for calls of `once`, which ask at once when they hear of a start. Asks nobody.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from leader import clock
from leader.protocol.events import NS_PER_MS, Instant
from leader.protocol.runs import LONGEST_LEDGER, Run, RunState
from leader.protocol.snapshot import JobView, RunView

MOST_JOBS = 500
COUNTED = tuple(state for state in RunState if state not in (RunState.RUNNING, RunState.TAKEN))


@dataclass(frozen=True, slots=True)
class Known:
    """A run, and since when: on this host's clock."""

    run: Run
    since: Instant


class Ledger:
    """The last runs of each job, as this node knows them."""

    def __init__(self) -> None:
        self._jobs: dict[str, dict[str, Known]] = {}
        self._began = clock.now_ns()
        self.counts: dict[str, Counter[RunState]] = {}
        """What became of ticks since this node's start, by job; with too many jobs, the first are dropped."""

    def learn(self, runs: Iterable[Run], now: Instant) -> None:
        """Take in runs that were seen at this moment; of two news about one run the later counts."""
        for run in runs:
            known = self._jobs.setdefault(run.job, {})
            before = known.get(run.nonce)
            self._count(run, before, now)
            if before is None:
                known[run.nonce] = Known(run, now - run.age_ms * NS_PER_MS)
                self._bound(run.job)
            elif before.run.state.rank <= run.state.rank:
                known[run.nonce] = Known(run, before.since)

    def _count(self, run: Run, before: Known | None, now: Instant) -> None:
        """Count what is news: not what was over before this node's start."""
        counts = self.counts.setdefault(run.job, Counter(dict.fromkeys(COUNTED, 0)))
        if len(self.counts) > MOST_JOBS:
            del self.counts[next(iter(self.counts))]
        is_news = before is None or before.run.state.rank < run.state.rank
        is_recent = before is not None or now - run.age_ms * NS_PER_MS >= self._began
        if run.state in COUNTED and is_news and is_recent:
            counts[run.state] += 1

    def drop_missed(self, kept: Iterable[str], only: str = "") -> None:
        """Forget missed ticks, of one job or all, that no instance keeps: they were started in the end."""
        nonces = set(kept)
        for job, known in tuple(self._jobs.items()):
            if only not in ("", job):
                continue
            for nonce, item in tuple(known.items()):
                if item.run.state is RunState.MISSED and nonce not in nonces:
                    del known[nonce]
            if not known:
                del self._jobs[job]

    def _bound(self, job: str) -> None:
        """Forget the oldest runs of a job, and the job that was not called for the longest time."""
        known = self._jobs[job]
        while len(known) > LONGEST_LEDGER:
            del known[min(known, key=lambda nonce: known[nonce].since)]
        if len(self._jobs) > MOST_JOBS:
            del self._jobs[min(self._jobs, key=self._newest)]

    def _newest(self, job: str) -> Instant:
        return max(known.since for known in self._jobs[job].values())

    def has_ended(self, job: str, nonce: str) -> bool:
        """Whether the end of this run was told."""
        known = self._jobs.get(job, {}).get(nonce)
        return known is not None and known.run.state.is_end

    def runs(self, job: str, now: Instant) -> list[Run]:
        """What is known of a job now, the newest first."""
        known = sorted(self._jobs.get(job, {}).values(), key=lambda item: item.since, reverse=True)
        return [replace(item.run, age_ms=(now - item.since) // NS_PER_MS) for item in known]

    def all_runs(self, now: Instant) -> list[Run]:
        """What is known of every job now."""
        return [run for job in self._jobs for run in self.runs(job, now)]

    def views(
        self, alive: Collection[str], now: Instant, only: str = "", most: int = LONGEST_LEDGER
    ) -> tuple[JobView, ...]:
        """The jobs for display, sorted by name, each with its last runs, at most so many.

        What runs on a node that is not alive was interrupted; what another call's run has taken is not shown.
        """
        shown = (only,) if only else sorted(self._jobs)
        return tuple(_job_view(job, known, alive, now, most) for job in shown if (known := self._shown(job)))

    def _shown(self, job: str) -> list[Known]:
        return [item for item in self._jobs.get(job, {}).values() if item.run.state is not RunState.TAKEN]


def _job_view(job: str, known: list[Known], alive: Collection[str], now: Instant, most: int) -> JobView:
    known.sort(key=lambda item: item.since, reverse=True)
    states = [_state(item.run, alive) for item in known]
    missed, interrupted = states.count(RunState.MISSED), states.count(RunState.INTERRUPTED)
    views = tuple(_view(item, state, now) for item, state in zip(known[:most], states, strict=False))
    return JobView(job, known[0].run.election, missed, interrupted, views)


def _state(run: Run, alive: Collection[str]) -> RunState:
    is_dead = run.state is RunState.RUNNING and run.node not in alive
    return RunState.INTERRUPTED if is_dead else run.state


def _view(known: Known, state: RunState, now: Instant) -> RunView:
    run, has_ended = known.run, known.run.state.is_end
    return RunView(
        tick=clock.utc_iso(run.tick_ms),
        state=state,
        node=run.node,
        term=run.term,
        ms_ago=(now - known.since) // NS_PER_MS,
        duration_ms=run.duration_ms if has_ended else None,
        code=run.code if has_ended else None,
    )
