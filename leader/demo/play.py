"""Plays chapters one after the other, and keeps what came of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from leader.demo.chapters import Chapter, Measure, seconds
from leader.demo.stage import Failed, Stage
from leader.demo.tally import Count
from leader.tui.demo import ResultLine


@dataclass(slots=True)
class Outcome:
    """What was measured, and what failed: chapter and reason."""

    measures: list[Measure] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)


def play_one(stage: Stage, chapter: Chapter, outcome: Outcome) -> bool:
    """Play one chapter; whether its promise came true."""
    try:
        outcome.measures += chapter.play(stage)
    except Failed as failure:
        outcome.failures.append((chapter.title, str(failure)))
        stage.tell(f"failed: {failure}")
        for node in stage.nodes.values():
            stage.tell(f"the log of {node.name} ends: {node.last_words()}")
        return False
    return True


def result_lines(outcome: Outcome, count: Count) -> list[ResultLine]:
    """The closing table: each time that was measured, each failure, and the ticks."""
    lines = [_measured(what, measures) for what, measures in _by_what(outcome.measures).items()]
    lines += [ResultLine(title, "", "", good=False) for title, _ in outcome.failures]
    return [
        *lines,
        ResultLine("ticks", str(count.ticks), "", good=True),
        ResultLine("ticks run twice", str(count.doubles), "0", good=count.doubles == 0),
        ResultLine("ticks without a run", str(count.idle), "", good=True),
    ]


def _by_what(measures: Iterable[Measure]) -> dict[str, list[Measure]]:
    grouped: dict[str, list[Measure]] = {}
    for measure in measures:
        grouped.setdefault(measure.what, []).append(measure)
    return grouped


def _measured(what: str, measures: list[Measure]) -> ResultLine:
    """The longest of the times that the same thing took."""
    worst = max(measures, key=lambda measure: measure.took_ms)
    times = f"{what} (longest of {len(measures)})" if len(measures) > 1 else what
    return ResultLine(
        times, seconds(worst.took_ms), seconds(worst.limit_ms), good=worst.took_ms <= worst.limit_ms
    )
