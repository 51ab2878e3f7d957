"""What a run leaves behind: a file of rows for each step, and made from these alone, page and picture.

A step that is run again replaces what was known of it. Nothing is written by hand: a test makes page and
picture anew and compares.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks.page import page
from tests.benchmarks.picture import drawn
from tests.benchmarks.plan import PROGRAMS, STEPS
from tests.benchmarks.rows import Row, from_line, to_line
from tests.benchmarks.runs import Run
from tests.benchmarks.stable import lowest_lease

HERE = Path(__file__).parent
DATA, PAGE, PICTURE = "results", "RESULTS.md", "results.svg"


@dataclass(frozen=True, slots=True)
class Results:
    """All that is known: the runs in the order of the plan, and the rows of each."""

    runs: tuple[Run, ...] = ()
    rows: tuple[Row, ...] = ()


def path_of(directory: Path, slug: str) -> Path:
    """Where a step's rows are kept."""
    return directory / DATA / f"{slug}.jsonl"


def keep(directory: Path, run: Run, rows: str) -> None:
    """Write what one step has measured, in lines of JSON."""
    path = path_of(directory, run.step)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(run), ensure_ascii=False) + "\n" + rows, encoding="utf-8")


def known(directory: Path, slug: str) -> tuple[Run, tuple[Row, ...]] | None:
    """What an earlier run left of a step; None if it was not run, or not to its end."""
    path = path_of(directory, slug)
    if not path.exists():
        return None
    first, *others = path.read_text(encoding="utf-8").splitlines()
    return Run.of(json.loads(first)), tuple(from_line(line) for line in others)


def load(directory: Path = HERE) -> Results:
    """What earlier runs left in that directory, and what follows from all of it."""
    found = [each for step in STEPS if (each := known(directory, step.slug))]
    rows = [row for _, rows in found for row in rows]
    rows = sorted([*rows, *lowest_lease(rows)], key=lambda row: PROGRAMS.index(row.part))
    return Results(tuple(run for run, _ in found), tuple(rows))


def save(directory: Path) -> None:
    """Make page and picture of what is there."""
    results = load(directory)
    (directory / PAGE).write_text(page(results.runs, results.rows), encoding="utf-8")
    (directory / PICTURE).write_text(drawn(results.rows), encoding="utf-8")


def as_lines(rows: tuple[Row, ...]) -> str:
    """Rows as a program records them."""
    return "".join(map(to_line, rows))
