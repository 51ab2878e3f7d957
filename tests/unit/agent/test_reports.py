"""What must be written about runs reaches every instance, the later news last."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from leader.agent import reports as module
from leader.agent.job_lane import Heard, JobLane
from leader.agent.reports import Reports
from leader.clock import now_ns
from leader.protocol.quorum import Voters
from leader.protocol.runs import Report, Run, RunState, TickAnswer, TickCall, TickVerdict
from tests.support.polling import eventually

BEAT_NS = 1_000_000


class HandmadeLane(JobLane):
    """One instance that takes note, while it answers at all."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answers = asyncio.Event()
        self.answers.set()
        self.is_silent = False
        self.states: list[RunState] = []
        self.asked = 0

    async def ask(self, call: TickCall) -> Heard | None:
        """Take note, once it may."""
        self.asked += 1
        assert isinstance(call.operation, Report)
        await self.answers.wait()
        if self.is_silent:
            return None
        self.states.append(call.operation.run.state)
        return Heard(self.name, TickAnswer(TickVerdict.SEEN, ()))


def report(state: RunState) -> Report:
    """What is said of one run."""
    return Report(Run("report", "mine", state, "a", "default", 7, 0))


@asynccontextmanager
async def writing() -> AsyncIterator[tuple[Reports, list[HandmadeLane]]]:
    """Reports on their way to three instances."""
    reports, lanes = Reports(BEAT_NS, Voters((tuple("123"),))), [HandmadeLane(name) for name in "123"]
    task = asyncio.create_task(reports.run({lane.name: lane for lane in lanes}))
    try:
        yield reports, lanes
    finally:
        task.cancel()


async def test_an_end_is_not_replaced_by_news_from_before_it() -> None:
    """The connection of a run may be heard of after its end: both come at once, on two connections."""
    async with writing() as (reports, lanes):
        for lane in lanes:
            lane.answers.clear()
        ended = reports.put(report(RunState.DONE), now_ns())
        assert reports.put(report(RunState.RUNNING), now_ns()) is ended
        for lane in lanes:
            lane.answers.set()
        await ended.wait()
        assert [lane.states for lane in lanes] == [[RunState.DONE]] * 3


async def test_an_end_counts_as_written_only_when_it_is_itself() -> None:
    """Not when a majority has what was said of the run before."""
    async with writing() as (reports, lanes):
        for lane in lanes:
            lane.answers.clear()
        reports.put(report(RunState.RUNNING), now_ns())
        await eventually(lambda: all(lane.asked for lane in lanes))
        ended = reports.put(report(RunState.DONE), now_ns())
        for lane in lanes:
            lane.answers.set()
        await ended.wait()
        assert sum(lane.states[-1] is RunState.DONE for lane in lanes) >= 2


async def test_an_instance_that_was_silent_is_told_later_although_a_majority_has_it() -> None:
    """Else it would be the only one to remember the run, as running, when the others lose their data."""
    async with writing() as (reports, lanes):
        lanes[2].is_silent = True
        await reports.put(report(RunState.DONE), now_ns()).wait()
        await eventually(lambda: lanes[2].asked > 3)
        lanes[2].is_silent = False
        await eventually(lambda: lanes[2].states == [RunState.DONE])
        assert [lane.states for lane in lanes] == [[RunState.DONE]] * 3


async def test_an_instance_that_stays_silent_is_given_up_once_a_majority_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a while; whoever looks merges what the others show."""
    monkeypatch.setattr(module, "PATIENCE_NS", 20_000_000)
    async with writing() as (reports, lanes):
        lanes[2].is_silent = True
        await reports.put(report(RunState.DONE), now_ns()).wait()
        await eventually(lambda: reports.are_told)
        assert lanes[2].asked < 100
