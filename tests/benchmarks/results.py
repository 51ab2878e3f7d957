"""What a run leaves behind: `results.jsonl`, and made from it alone, `RESULTS.md` and `results.svg`.

A run of some parts replaces what was known of those. Nothing of it is written by hand: a test makes both
files anew and compares.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks.picture import drawn
from tests.benchmarks.rows import Row, from_line, to_line
from tests.benchmarks.table import markdown

HERE = Path(__file__).parent
DATA, PAGE, PICTURE = "results.jsonl", "RESULTS.md", "results.svg"


@dataclass(frozen=True, slots=True)
class Run:
    """One part as it was run: when, for how long, on which machine with which versions, how loaded before."""

    part: str
    began: str
    seconds: float
    load: float
    quick: bool
    code: int
    machine: str
    versions: str


@dataclass(frozen=True, slots=True)
class Results:
    """All that is known: the runs in their order, and the rows of each."""

    runs: tuple[Run, ...] = ()
    rows: tuple[Row, ...] = ()

    def merged(self, newer: "Results", order: Sequence[str]) -> "Results":
        """These, with what is newer instead of the same parts, in that order of parts."""
        parts = {run.part for run in newer.runs}
        runs = [*(run for run in self.runs if run.part not in parts), *newer.runs]
        rows = [*(row for row in self.rows if row.part not in parts), *newer.rows]
        return Results(
            tuple(sorted(runs, key=lambda run: order.index(run.part))),
            tuple(sorted(rows, key=lambda row: order.index(row.part))),
        )


def load(directory: Path = HERE) -> Results:
    """What earlier runs left in that directory."""
    path = directory / DATA
    if not path.exists():
        return Results()
    runs, rows = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        if "case" in (found := json.loads(line)):
            rows.append(from_line(line))
        else:
            runs.append(Run(**found))
    return Results(tuple(runs), tuple(rows))


def save(results: Results, directory: Path = HERE) -> None:
    """Write all three files."""
    runs = "".join(json.dumps(asdict(run), ensure_ascii=False) + "\n" for run in results.runs)
    (directory / DATA).write_text(runs + "".join(map(to_line, results.rows)), encoding="utf-8")
    (directory / PAGE).write_text(page(results), encoding="utf-8")
    (directory / PICTURE).write_text(drawn(results.rows), encoding="utf-8")


def page(results: Results) -> str:
    """The page for people."""
    quick = [run.part for run in results.runs if run.quick]
    lines = [
        "# What was measured",
        "",
        (
            f"`make bench` wrote this page, [{PICTURE}]({PICTURE}) and [{DATA}]({DATA}); edit none of them. "
            "`ratio` is a peer's first figure, divided by that of `leader` in the same case."
        ),
        *([f"Measured with few repetitions (`QUICK=1`): {', '.join(quick)}."] if quick else []),
        "",
        markdown(results.rows, lambda part: part.replace("_", " ")),
        "",
        "## Where and when",
        "",
        "| part | began (UTC) | took | load before | machine | versions |",
        "| --- | --- | ---: | ---: | --- | --- |",
        *(
            f"| {run.part.replace('_', ' ')} | {run.began} | {run.seconds / 60:.1f} min | {run.load:.1f} "
            f"| {run.machine} | {run.versions} |"
            for run in results.runs
        ),
        "",
    ]
    return "\n".join(lines)
