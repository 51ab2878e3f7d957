"""What was measured: a row for each case and each contender, with figures, goals and how it was done.

A program tells its rows with `tell`; when `make bench` runs it, they also go, a line of JSON each, to the
file that the environment names. Knows nothing of how they are shown.
"""

import json
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from leader.clock import utc_iso, wall_ms

RECORD = "LEADER_BENCH_RECORD"
MISSED = 3
"""The exit code of a program that measured all, and missed a goal."""
OWN = "leader"
"""Who is measured; all others are peers."""

_missed: list[str] = []


@dataclass(frozen=True, slots=True)
class Figure:
    """One value, and what it is to reach: at most or at least so much."""

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether it reaches its goal; None if it has none."""
        if self.most is not None:
            return self.value <= self.most
        return None if self.least is None else self.value >= self.least

    def __str__(self) -> str:
        return f"{self.name} {number(self.value)} {self.unit}".strip()

    @property
    def goal(self) -> str:
        """Its goal in words; empty if it has none."""
        if self.reached is None:
            return ""
        told = "reached" if self.reached else "MISSED"
        return f"{self.name} {self.bound}: {told}".strip()

    @property
    def bound(self) -> str:
        """What it is to reach, such as `≤ 4 ms`; only if it has a goal."""
        sign, bound = ("≤", self.most) if self.most is not None else ("≥", self.least)
        assert bound is not None
        return f"{sign} {number(bound)} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Row:
    """One contender in one case of one part; the first figure is the one that contenders are compared by.

    `how` is the command line, or what else was done; without figures it begins with what happened instead:
    `absent: …`, `failed: …`.
    """

    part: str
    case: str
    who: str
    figures: tuple[Figure, ...]
    how: str = ""

    def __str__(self) -> str:
        goals = [figure.goal for figure in self.figures if figure.goal]
        return f"{self.case}: {self.who}: {'; '.join([shown(self), *goals])}"


def number(value: float) -> str:
    """A value with as many digits as say something."""
    if value == 0:
        return "0"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    said = f"{value:,.{digits}f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def shown(row: Row) -> str:
    """All figures of a row, in a line; or why there are none."""
    return ", ".join(str(figure) for figure in row.figures) or row.how.partition(":")[0]


def spread(
    times_ms: Sequence[float], *, p50: float | None = None, p99: float | None = None
) -> tuple[Figure, ...]:
    """Median, 99th percentile and worst of some times in milliseconds, and how many there are."""
    ordered = sorted(times_ms)
    rank = -(-len(ordered) * 99 // 100) - 1
    return (
        Figure("p50", statistics.median(ordered), "ms", most=p50),
        Figure("p99", ordered[rank], "ms", most=p99),
        Figure("worst", ordered[-1], "ms"),
        Figure("of", len(ordered), "times"),
    )


def tell(case: str, who: str, figures: Sequence[Figure], how: str = "") -> None:
    """Print a row of the program that runs, with the time, and have it recorded."""
    row = Row(part(), case, who, tuple(figures), how)
    say(str(row))
    record(row)


def say(what: str) -> None:
    """Print a line about the progress, with the time."""
    print(f"{utc_iso(wall_ms())[11:19]} {what}", flush=True)


def record(row: Row) -> None:
    """Remember the goals that it missed, and write it down if a record is kept."""
    _missed.extend(figure.goal for figure in row.figures if figure.reached is False)
    if path := os.environ.get(RECORD):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(to_line(row))


def part() -> str:
    """The program that runs, as `make bench` calls it."""
    return Path(sys.argv[0]).stem


def exit_code() -> int:
    """`MISSED` if a goal was missed in this process."""
    return MISSED if _missed else 0


def to_line(row: Row) -> str:
    """A row as a line of JSON."""
    return json.dumps(asdict(row), ensure_ascii=False) + "\n"


def from_line(line: str) -> Row:
    """The row of a line."""
    found = json.loads(line)
    figures = tuple(Figure(**figure) for figure in found["figures"])
    return Row(found["part"], found["case"], found["who"], figures, found["how"])
