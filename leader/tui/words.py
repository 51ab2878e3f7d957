"""How single values are shown: durations for people, roles, text that other machines wrote."""

from rich.table import Table
from rich.text import Text

from leader.durations import format_duration

NOTHING = "-"
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


def printable(text: str) -> str:
    """The text without what would steer a terminal or break a line; others wrote it."""
    return "".join(char if char.isprintable() else "?" for char in text)


def cell(text: str, style: str = "") -> Text:
    """One value, taken literally; an empty one is shown as `-`."""
    return Text(printable(text) or NOTHING, style=style)


def role_cell(role: str) -> Text:
    """A role in its colour."""
    return cell(role, ROLE_STYLES.get(role, ""))


def columns(*titles: str) -> Table:
    """An empty table without lines, whose last column takes what room is left."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in titles[:-1]:
        table.add_column(title, no_wrap=True)
    table.add_column(titles[-1], overflow="fold")
    return table
