"""Fit or not: how many checks in a row it takes, and what happens when they cannot be made."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from leader.agent import vitals
from leader.agent.contention import Contention
from leader.agent.fitness import Fitness, Judgement
from leader.agent.journal import Journal
from leader.config.model import FitnessConfig
from leader.protocol.events import Cause
from tests.support.polling import eventually


@pytest.mark.parametrize(
    ("fit", "checks", "then"),
    [
        (None, "+", True),
        (None, "-", False),
        (True, "--", True),
        (True, "---", False),
        (True, "--+--", True),
        (False, "+", False),
        (False, "++", True),
        (False, "+-+", False),
        (False, "++--", True),
        (False, "++---", False),
    ],
)
def test_so_many_checks_in_a_row_change_the_judgement(
    fit: bool | None,  # noqa: FBT001  a parameter of the test
    checks: str,
    then: bool,  # noqa: FBT001
) -> None:
    """Three bad ones make unfit, two good ones fit again, and the very first decides alone."""
    judgement = Judgement(rise=2, fall=3, fit=fit)
    for check in checks:
        judgement.take(is_good=check == "+")
    assert judgement.fit is then


def test_only_a_configuration_that_asks_for_something_can_make_unfit() -> None:
    """Counts and intervals alone ask for nothing."""
    assert not FitnessConfig(rise=5, fall=1).asks_for_something
    assert FitnessConfig(required_mounts=("/",)).asks_for_something
    assert FitnessConfig(max_load_per_cpu=8.0).asks_for_something


class Checked:
    """The checks of a node alone; `reason` is why it is unfit, or nothing."""

    def __init__(self, limits: FitnessConfig, *, leads: bool = False) -> None:
        self._contention = Contention(lambda _told: None)
        self.journal = Journal("a")
        self.fitness = Fitness(limits, {}, self._contention, self.journal, resumes=leads)

    @property
    def reason(self) -> str:
        return self._contention.reasons.get(Cause.UNFIT, "")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.fitness.begin()
        task = asyncio.create_task(self.fitness.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_a_disk_that_hangs_is_told_and_holds_up_neither_the_loop_nor_more_than_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a dead NFS server does it: five checks wait for one reading; once it is back, they are good."""
    back, readings, read = threading.Event(), [], vitals.read

    def hang(paths: list[str]) -> vitals.Found:
        readings.append(paths)
        back.wait()
        return read(paths)

    monkeypatch.setattr(vitals, "read", hang)
    limits = FitnessConfig(interval_ms=1, timeout_ms=20, fall=5, min_free_disk_percent={"/": 0.0})
    checked, threads = Checked(limits, leads=True), threading.active_count()
    async with checked.running():
        try:
            await eventually(lambda: "cannot be read within timeout" in checked.reason)
            assert len(readings) == 1
            assert threading.active_count() == threads + 1
        finally:
            back.set()
        await eventually(lambda: not checked.reason)
    assert [change["event"] for change in checked.journal.recent] == ["unfit", "fit"]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (FitnessConfig(required_mounts=("/",)), "the vitals cannot be read: "),
        (FitnessConfig(max_memory_percent=100.0), "let the agent see /proc/meminfo"),
    ],
)
async def test_a_machine_that_hides_what_is_limited_makes_unfit(
    limits: FitnessConfig, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It does not end the agent."""
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    checked = Checked(limits)
    async with checked.running():
        await eventually(lambda: reason in checked.reason)


async def test_a_machine_that_hides_what_is_not_limited_is_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Only nothing can be shown of it."""
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    checked = Checked(FitnessConfig(command=("/bin/true",)))
    async with checked.running():
        assert checked.reason
        await eventually(lambda: not checked.reason)
        assert checked.fitness.vitals is None
