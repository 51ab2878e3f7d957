"""Text and tables for displays that rich redraws: the demo's, and top's."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from leader.foreign import printable
from leader.tui.table import NOTHING, Part, lines_of
from leader.tui.text import Cell


def cell(text: str, style: str = "") -> Text:
    """One value, taken literally; an empty one is shown as `-`."""
    return Text(printable(text) or NOTHING, style=style)


def drawn(line: Cell) -> Text:
    """The same text in the same style."""
    return Text(line.text, style=line.style)


class Page:
    """Parts one below the other, laid out anew for whatever width there is."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = tuple(parts)

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """Each line."""
        for line in lines_of(self._parts, options.max_width):
            yield Text.assemble(*((cell.text, cell.style) for cell in line), no_wrap=True)


def columns(*titles: str) -> Table:
    """An empty table without lines, whose last column takes what room is left."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in titles[:-1]:
        table.add_column(title, no_wrap=True)
    table.add_column(titles[-1], overflow="fold")
    return table
