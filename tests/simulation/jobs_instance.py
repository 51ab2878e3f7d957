"""What one instance does with runs of jobs: `leader/instances/jobs.lua` once more, in Python.

It knows nothing of time but the wall clock that it is handed, and of leases but the records beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leader.protocol.record import Record
from leader.protocol.runs import (
    LONGEST_LEDGER,
    ClaimTick,
    Report,
    Run,
    RunState,
    TickAnswer,
    TickCall,
    TickVerdict,
)

MOST_JOBS = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """A run as it is kept: with a moment of the instance's wall clock in the place of its age."""

    run: Run
    at_ms: int

    def is_near(self, at_ms: int, gap_ms: int) -> bool:
        """Whether it belongs to the same tick: in either direction, for clocks are set."""
        return abs(at_ms - self.at_ms) < gap_ms

    def shown(self, wall_ms: int) -> Run:
        """The run with its age."""
        return replace(self.run, age_ms=wall_ms - self.at_ms)


class Ledger:
    """The last runs of each job at one instance, and what each call does to them."""

    def __init__(self, most_jobs: int = MOST_JOBS) -> None:
        self.jobs: dict[str, tuple[Kept, ...]] = {}
        self.most_jobs = most_jobs
        self.written: set[str] = set()
        """The nonces of all claims that were ever granted here: for checkers, no data."""

    def shown(self, job: str, wall_ms: int) -> tuple[Run, ...]:
        """The runs of a job, or of all where it has no name, with their ages."""
        jobs = [job] if job else list(self.jobs)
        return tuple(kept.shown(wall_ms) for name in jobs for kept in self.jobs.get(name, ()))

    def carry_out(
        self,
        calls: Sequence[TickCall],
        process: str,
        wall_ms: int,
        records: Mapping[str, Record],
        *,
        as_of_ms: int = 0,
    ) -> tuple[tuple[TickAnswer, ...], tuple[Run, ...]]:
        """The answers to all calls of one script call, and what it publishes.

        `as_of_ms` is the wall clock's time from which the ages in the calls count; 0 is now.
        """
        answers, published = [], []
        for call in calls:
            verdict = TickVerdict.SEEN
            written = None
            if isinstance(call.operation, ClaimTick):
                verdict, written = self._claim(call.operation, process, wall_ms, records, as_of_ms)
            elif isinstance(call.operation, Report):
                written = self._report(call.operation, wall_ms, as_of_ms)
            if written is not None:
                published.append(written.shown(wall_ms))
            answers.append(TickAnswer(verdict, self.shown(call.job, wall_ms)))
        return tuple(answers), tuple(published)

    def _claim(
        self, claim: ClaimTick, process: str, wall_ms: int, records: Mapping[str, Record], as_of_ms: int
    ) -> tuple[TickVerdict, Kept | None]:
        runs, new = self.jobs.get(claim.run.job, ()), _kept(claim.run, as_of_ms or wall_ms)
        if any(kept.run.nonce == new.run.nonce and kept.run.state.is_start for kept in runs):
            return TickVerdict.YOURS, None
        record = records.get(claim.run.election)
        if record is None or record.process != process or not record.names(claim.holder):
            return TickVerdict.NOT_HOLDER, None
        for kept in runs:
            is_passed_over = kept.run.nonce == claim.instead_of or not kept.run.state.is_start
            if not is_passed_over and kept.is_near(new.at_ms, claim.gap_ms):
                return TickVerdict.STARTED, None
        left = tuple(kept for kept in runs if not _gives_way(kept, new, claim.gap_ms))
        self._store(claim.run.job, (*left, new), wall_ms)
        self.written.add(new.run.nonce)
        return TickVerdict.GRANTED, new

    def _report(self, report: Report, wall_ms: int, as_of_ms: int) -> Kept | None:
        job, new = report.run.job, _kept(report.run, as_of_ms or wall_ms)
        runs = self.jobs.get(job, ())
        old = next((kept for kept in runs if kept.run.nonce == new.run.nonce), None)
        if old is not None:
            if new.run.state.rank < old.run.state.rank:
                return None
            told = new.run
            run = replace(old.run, state=told.state, duration_ms=told.duration_ms, code=told.code)
            new = Kept(run, old.at_ms)
        elif new.run.state is RunState.MISSED and any(
            kept.is_near(new.at_ms, report.gap_ms) for kept in runs
        ):
            return None
        self._store(job, (*(kept for kept in runs if kept is not old), new), wall_ms)
        return new

    def _store(self, job: str, runs: tuple[Kept, ...], wall_ms: int) -> None:
        """Keep those nearest to now: what a clock that was set back left in the future must not stay."""
        ordered = sorted(runs, key=lambda kept: abs(wall_ms - kept.at_ms))
        self._make_room(job)
        self.jobs[job] = tuple(ordered[:LONGEST_LEDGER])

    def _make_room(self, job: str) -> None:
        """A job that was not started for the longest time makes room for a new one."""
        if job not in self.jobs and len(self.jobs) >= self.most_jobs:
            del self.jobs[min(self.jobs, key=lambda name: self.jobs[name][0].at_ms)]


def _gives_way(old: Kept, new: Kept, gap_ms: int) -> bool:
    """Whether what was missed was not missed after all."""
    is_same = old.run.nonce == new.run.nonce or old.is_near(new.at_ms, gap_ms)
    return not old.run.state.is_start and is_same


def _kept(run: Run, now_ms: int) -> Kept:
    return Kept(replace(run, age_ms=0), now_ms - run.age_ms)
