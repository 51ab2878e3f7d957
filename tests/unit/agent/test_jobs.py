"""What the agent does about ticks beside deciding them."""

import asyncio
from dataclasses import replace

import pytest

from leader.agent import jobs as desk
from leader.agent.guards import Guards
from leader.agent.job_lane import Heard, JobLane
from leader.agent.jobs import Jobs, Quorum, Sight
from leader.agent.journal import Journal
from leader.protocol.quorum import Voters
from leader.protocol.record import Holder
from leader.protocol.runs import ClaimTick, Report, Run, RunState, TickAnswer, TickCall, TickVerdict
from leader.protocol.ticks import Wish
from tests.support.polling import eventually

NAMES = ("1", "2", "3")


class HandmadeLane(JobLane):
    """One instance: grants a claim, or does not answer it until it is let; notes what is reported."""

    def __init__(self, name: str, *, answers: bool) -> None:
        self.name = name
        self.lets_go = asyncio.Event()
        if answers:
            self.lets_go.set()
        self.reports: list[Run] = []

    async def run(self) -> None:
        """Nothing waits here."""

    async def ask(self, call: TickCall) -> Heard | None:
        """Grant, or take note."""
        match call.operation:
            case ClaimTick(run=run):
                await self.lets_go.wait()
                return Heard(self.name, TickAnswer(TickVerdict.GRANTED, (run,)))
            case Report(run=run):
                self.reports.append(run)
        return Heard(self.name, TickAnswer(TickVerdict.SEEN, ()))


async def test_a_tick_that_is_still_being_decided_is_not_called_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One instance has it, the others are slow: the job starts in the end, and may not be run again."""
    monkeypatch.setattr(desk, "RETURN_NS", 1_000_000)
    lanes = {name: HandmadeLane(name, answers=name == "1") for name in NAMES}
    sight = Sight(
        lambda _: Holder("a", "i", 7), lambda _: False, lambda: frozenset(NAMES), lambda: frozenset("a")
    )
    jobs = Jobs(Quorum("a", lanes, Voters((NAMES,)), 10_000), sight, Guards(), Journal("a"))
    caring = asyncio.create_task(jobs.run())
    deciding = asyncio.create_task(jobs.claim(Wish("report", "mine", "a", "default", 0, 45_000, 20_000)))
    await eventually(lambda: any(view.runs[0].ms_ago > 50 for view in jobs.views("report")))
    assert [view.runs[0].state for view in jobs.views("report")] == [RunState.RUNNING]
    for lane in lanes.values():
        lane.lets_go.set()
    assert await deciding is not None
    caring.cancel()
    assert not any(run.state is RunState.INTERRUPTED for run in lanes["1"].reports)


async def test_a_run_that_is_heard_of_after_its_end_has_ended() -> None:
    """Its connection and its end come on two connections, and may be read in either order."""
    lanes = {name: HandmadeLane(name, answers=True) for name in NAMES}
    sight = Sight(
        lambda _: Holder("a", "i", 7), lambda _: False, lambda: frozenset(NAMES), lambda: frozenset("a")
    )
    jobs = Jobs(Quorum("a", lanes, Voters((NAMES,)), 10_000), sight, Guards(), Journal("a"))
    caring = asyncio.create_task(jobs.run())
    run = Run("report", "mine", RunState.RUNNING, "a", "default", 7, 0)
    await jobs.ended(replace(run, state=RunState.DONE)).wait()
    jobs.connect(run)()
    await jobs.ended(replace(run, nonce="later", state=RunState.DONE)).wait()
    caring.cancel()
    assert {report.state for lane in lanes.values() for report in lane.reports} == {RunState.DONE}
    assert [view.runs[0].state for view in jobs.views("report")] == [RunState.DONE]
