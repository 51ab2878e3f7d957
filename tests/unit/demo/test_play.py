"""Chapters and the closing table: what fails is told, and fails the demo."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from leader.demo.chapters import Chapter, Measure, seconds
from leader.demo.play import Outcome, play_one, result_lines
from leader.demo.stage import Failed, Stage, Stopped
from leader.demo.tally import Count
from tests.support.agents import short_directory

NO_TICKS = Count(ticks=0, runs=0, doubles=0, idle=0)


@contextmanager
def bare_stage() -> Iterator[tuple[Stage, list[str]]]:
    """A stage on which nothing was started, and what is told on it."""
    told: list[str] = []
    with short_directory() as directory:
        yield Stage(directory, told.append), told


def chapter_that_measures(took_ms: int) -> Chapter:
    """Takes so long, of one second that it may."""

    def play(_stage: Stage) -> Sequence[Measure]:
        return [Measure("something", took_ms, 1000)]

    return Chapter("measured", play)


def fails(_stage: Stage) -> Sequence[Measure]:
    """Never comes true."""
    raise Failed("the sky fell")


def test_a_chapter_that_comes_true_adds_its_measures() -> None:
    """And the table says ok."""
    with bare_stage() as (stage, _):
        outcome = Outcome()
        assert play_one(stage, chapter_that_measures(12), outcome)
        first, *_ = result_lines(outcome, NO_TICKS)
    assert (first.what, first.measured, first.allowed, first.good) == ("something", "12 ms", "1.00 s", True)


def test_a_time_that_is_too_long_fails() -> None:
    """Also when the chapter itself had more patience; of several times the longest counts."""
    with bare_stage() as (stage, _):
        outcome = Outcome()
        play_one(stage, chapter_that_measures(1001), outcome)
        play_one(stage, chapter_that_measures(10), outcome)
        first, *_ = result_lines(outcome, NO_TICKS)
    assert (first.what, first.measured, first.good) == ("something (longest of 2)", "1.00 s", False)


def test_a_chapter_that_fails_is_told_and_fails_the_demo() -> None:
    """With the reason, and the last words of each agent."""
    with bare_stage() as (stage, told):
        outcome = Outcome()
        assert not play_one(stage, Chapter("the sky", fails), outcome)
        first, *_ = result_lines(outcome, NO_TICKS)
    assert told[0] == "failed: the sky fell"
    assert told[1] == "the log of node-1 ends: nothing"
    assert (first.what, first.good) == ("the sky", False)


def test_double_runs_fail_the_demo() -> None:
    """A single one is enough."""
    ticks, doubles, idle = result_lines(Outcome(), Count(ticks=40, runs=39, doubles=1, idle=2))
    assert (ticks.measured, ticks.good) == ("40", True)
    assert (doubles.measured, doubles.allowed, doubles.good) == ("1", "0", False)
    assert (idle.measured, idle.good) == ("2", True)


def test_waiting_ends_with_the_demo() -> None:
    """A thread that waits is told to stop instead of waiting out its time."""
    with bare_stage() as (stage, _):
        stage.end()
        with pytest.raises(Stopped):
            stage.until("nothing", lambda: None, 60_000)


def test_waiting_is_bounded() -> None:
    """And says what did not come."""
    with bare_stage() as (stage, _), pytest.raises(Failed, match=r"the tide: not within 0\.01 s"):
        stage.until("the tide", lambda: None, 10)


@pytest.mark.parametrize(("milliseconds", "shown"), [(0, "0 ms"), (999, "999 ms"), (1789, "1.79 s")])
def test_a_measured_time_is_shown_as_exactly_as_it_deserves(milliseconds: int, shown: str) -> None:
    """Hand-overs in milliseconds, fail-overs in seconds."""
    assert seconds(milliseconds) == shown
