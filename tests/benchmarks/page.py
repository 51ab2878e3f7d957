"""The page of the results: every figure, what is not reached and why, and where and when it was measured."""

from collections.abc import Sequence

from tests.benchmarks.reasons import why
from tests.benchmarks.rows import Row
from tests.benchmarks.runs import Run
from tests.benchmarks.table import markdown

INTRODUCTION = """\
# What was measured

`make bench` wrote this page and [results.svg](results.svg) from the rows in [results](results), which it
keeps as they are measured; edit none of them. `ratio` is a peer's first figure, divided by that of `leader`
in the same case; `how` is a contender's command line, or what else was done.

![bars of the main figures](results.svg)
"""


def page(runs: Sequence[Run], rows: Sequence[Row]) -> str:
    """The whole page."""
    return "\n".join(
        [
            INTRODUCTION,
            *surroundings(runs),
            markdown(rows, lambda part: part.replace("_", " ")),
            "",
            *not_reached(rows),
            *when(runs),
            "",
        ]
    )


def surroundings(runs: Sequence[Run]) -> list[str]:
    """Machine and versions, once where all have the same, and what is to be known of the runs."""
    quick = [run.step for run in runs if run.quick]
    failed = [run.step for run in runs if not run.is_complete]
    return [
        *(f"- Machine: {machine}" for machine in dict.fromkeys(run.machine for run in runs)),
        *(f"- Versions: {versions}" for versions in dict.fromkeys(run.versions for run in runs)),
        f"- {at_once(runs)}",
        *([f"- Measured with few repetitions (`QUICK=1`): {', '.join(quick)}."] if quick else []),
        *([f"- Failed, so that figures are missing: {', '.join(failed)}."] if failed else []),
        "",
    ]


def at_once(runs: Sequence[Run]) -> str:
    """Whether all of it comes from one run."""
    wholes = list(dict.fromkeys(run.whole for run in runs))
    if len(wholes) == 1:
        return f"Measured in one run, begun at {wholes[0]} UTC."
    parts = [
        f"{', '.join(run.step for run in runs if run.whole == whole)} in that of {whole} UTC"
        for whole in wholes
    ]
    return f"Measured in {len(wholes)} runs: {'; '.join(parts)}."


def not_reached(rows: Sequence[Row]) -> list[str]:
    """Each missed goal, with the reason if it is known."""
    missed = [
        f"- {row.part.replace('_', ' ')}, {row.case}: {figure} instead of {figure.bound}. {why(row, figure)}"
        for row in rows
        for figure in row.figures
        if figure.reached is False
    ]
    return ["## What is not reached", "", *(missed or ["Every goal is reached."]), ""]


def when(runs: Sequence[Run]) -> list[str]:
    """A line for each step."""
    return [
        "## When",
        "",
        "| step | began (UTC) | took | load before | side by side with |",
        "| --- | --- | ---: | ---: | --- |",
        *(
            f"| {run.step.replace('-', ' ')} | {run.began} | {run.seconds / 60:.1f} min | {run.load:.1f} "
            f"| {', '.join(other.replace('-', ' ') for other in run.beside)} |"
            for run in runs
        ),
    ]
