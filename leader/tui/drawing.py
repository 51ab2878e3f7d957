"""Text and tables for a display that rich redraws, as the demo's."""

from rich.table import Table
from rich.text import Text

from leader.tui.table import NOTHING
from leader.tui.words import printable


def cell(text: str, style: str = "") -> Text:
    """One value, taken literally; an empty one is shown as `-`."""
    return Text(printable(text) or NOTHING, style=style)


def columns(*titles: str) -> Table:
    """An empty table without lines, whose last column takes what room is left."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in titles[:-1]:
        table.add_column(title, no_wrap=True)
    table.add_column(titles[-1], overflow="fold")
    return table
