"""How single values are shown: durations for people, roles, text that other machines wrote."""

from leader.durations import format_duration
from leader.foreign import printable
from leader.tui.table import NOTHING, Column, Table
from leader.tui.text import Cell

SECOND_MS = 1000
FINE_BELOW_MS = 10 * SECOND_MS
MINUTES_FROM_MS = 600 * SECOND_MS
HOURS_FROM_MS = 48 * 3600 * SECOND_MS

ROLE_STYLES = {"holder": "bold green", "observer": "dim"}


def brief(milliseconds: int | None) -> str:
    """A duration as short as it may be and never longer than it is: `42ms`, `8.1s`, `3m12s`, `5h2m`."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < SECOND_MS:
        return f"{milliseconds}ms"
    if milliseconds < FINE_BELOW_MS:
        return f"{milliseconds // 100 / 10:.1f}s"
    unit_ms = SECOND_MS
    if milliseconds >= HOURS_FROM_MS:
        unit_ms = 3600 * SECOND_MS
    elif milliseconds >= MINUTES_FROM_MS:
        unit_ms = 60 * SECOND_MS
    return format_duration(milliseconds // unit_ms * unit_ms)


def ago(milliseconds: int | None) -> str:
    """How long ago something was; None is never."""
    return "never" if milliseconds is None else f"{brief(milliseconds)} ago"


def cell(text: str, style: str = "") -> Cell:
    """One value, taken literally; an empty one is shown as `-`."""
    return Cell(printable(text) or NOTHING, style)


def role_cell(role: str) -> Cell:
    """A role in its colour."""
    return cell(role, ROLE_STYLES.get(role, ""))


def columns(*titles: str) -> Table:
    """An empty table whose last column may be long."""
    *most, last = titles
    return Table(*(Column(title) for title in most), Column(last, folds=True))
