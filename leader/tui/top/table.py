"""A list of rows with a cursor, of which only the lines that changed and can be seen are drawn.

Knows nothing of what the rows tell.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from leader.tui.top.panes import Row

GAP = "  "
WIDEST = 32


class Table(ScrollView, can_focus=True):
    """Titles, rows and a cursor that stays on its row when others come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,right", "app.turn(1)", show=False),
        Binding("shift+tab,left", "app.turn(-1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "move(-1000000)", show=False),
        Binding("end,G", "move(1000000)", show=False),
    ]
    DEFAULT_CSS = "Table { height: 1fr; scrollbar-size: 0 0; overflow: hidden; }"

    def __init__(self, *, has_cursor: bool = True, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.dims = False
        self._has_cursor = has_cursor
        self._titles: tuple[str, ...] = ()
        self._rows: list[Row] = []
        self._lines: list[Text] = []
        self._cursor = 0
        self._top = 0

    @property
    def selected(self) -> str:
        """The key of the row under the cursor, or nothing."""
        return self._rows[self._cursor].key if self._rows else ""

    def show(self, titles: tuple[str, ...], rows: Sequence[Row], *, dims: bool) -> None:
        """Draw what differs from what stands there."""
        key = self.selected
        self._titles, self._rows = titles, list(rows)
        keys = [row.key for row in rows]
        self._cursor = keys.index(key) if key in keys else max(0, min(self._cursor, len(rows) - 1))
        self._redraw(everything=dims is not self.dims, dims=dims)

    def begin(self) -> None:
        """Put the cursor on the first row, for other rows."""
        self._rows, self._cursor, self._top = [], 0, 0

    def render_line(self, y: int) -> Strip:
        """One line of what can be seen."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width)
        segments = list(self._lines[y].render(self.app.console))
        return Strip(segments).adjust_cell_length(self.size.width)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._redraw(everything=True, dims=self.dims)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._cursor = max(0, min(self._cursor + by, len(self._rows) - 1))
        self._redraw(everything=False, dims=self.dims)

    def action_page(self, by: int) -> None:
        """Move it by a screen."""
        self.action_move(by * max(1, self.size.height - 2))

    def _redraw(self, *, everything: bool, dims: bool) -> None:
        before, self.dims = self._lines, dims
        self._lines = self._drawn()
        for y, line in enumerate(self._lines):
            if everything or y >= len(before) or line != before[y] or line.spans != before[y].spans:
                self.refresh(Region(0, y, self.size.width, 1))
        if everything or len(before) > len(self._lines):
            self.refresh()
        self.virtual_size = Size(self.size.width, max(1, self.size.height))

    def _drawn(self) -> list[Text]:
        if not self._titles:
            return []
        height = max(1, self.size.height - 1)
        self._top = max(self._cursor - height + 1, min(self._top, self._cursor, len(self._rows) - height), 0)
        seen = self._rows[self._top : self._top + height]
        widths = [
            min(WIDEST, max([len(title), *(row.cells[i].cell_len for row in self._rows)]))
            for i, title in enumerate(self._titles)
        ]
        titles = self._line([Text(title) for title in self._titles], widths)
        titles.stylize("bold underline")
        lines = [self._line(row.cells, widths) for row in seen]
        for line in lines if self.dims else ():
            line.stylize("dim")
        if self._has_cursor and lines:
            line = lines[self._cursor - self._top]
            line.pad_right(max(0, self.size.width - line.cell_len))
            line.stylize("reverse")
        return [titles, *lines]

    def _line(self, cells: Sequence[Text], widths: list[int]) -> Text:
        line = Text(no_wrap=True, end="")
        for text, width in zip(cells[:-1], widths, strict=False):
            part = text.copy()
            part.truncate(width, pad=True, overflow="ellipsis")
            line.append_text(part).append(GAP)
        line.append_text(cells[-1])
        line.truncate(max(1, self.size.width), overflow="ellipsis")
        return line
