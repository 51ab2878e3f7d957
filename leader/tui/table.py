"""How a table is laid out in the room there is: what is cut, what is left out, what goes under its row.

Without a width (a file, a program) nothing is: every column stands in every row, one line each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from leader.tui.text import Cell, Line, cut, fold, padded, width_of

NOTHING = "-"
GAP = "  "
INDENT = "  "


Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A title, and how the column gives way where there is little room.

    Those of the highest `rank` are left out first, those of rank 0 never. With `least`, it may be cut to so
    many characters. One that `folds`, the last, goes under its row.
    """

    title: str
    rank: int = 0
    least: int = 0
    folds: bool = False


class Table:
    """Rows of cells under titles, without lines."""

    def __init__(self, *columns: Column) -> None:
        self.columns = columns
        self.rows: list[Row] = []

    def add_row(self, *cells: Cell) -> None:
        """One more row, a cell for each column."""
        self.rows.append(cells)

    def lines(self, width: int | None = None) -> list[Line]:
        """The heading and the rows as they stand in this width."""
        widths = self._natural()
        if width is None:
            return self._drawn(dict(enumerate(widths)), self.rows)
        told = [place for place in range(len(widths)) if self._tells(place)]
        if _together(widths[place] for place in told) <= width:
            return self._drawn({place: widths[place] for place in told}, [self._said(r) for r in self.rows])
        kept = self._kept([place for place in told if not self.columns[place].folds], widths, width)
        heading, *rows = self._drawn(self._shared(kept, widths, width), self.rows)
        return [heading, *(self._with_notes(rows, width) if self.columns[-1].folds else rows)]

    def _natural(self) -> list[int]:
        """What each column takes if nothing is cut."""
        return [
            max(width_of(text) for text in (column.title, *(row[place].text for row in self.rows)))
            for place, column in enumerate(self.columns)
        ]

    def _tells(self, place: int) -> bool:
        """Whether a column is worth its room on a terminal."""
        column = self.columns[place]
        must = not column.rank and not column.folds
        return must or any(row[place].text != NOTHING for row in self.rows)

    def _kept(self, places: list[int], widths: Sequence[int], width: int) -> list[int]:
        """The columns that there is room for once all are cut as far as they may be."""
        for place in sorted(places, key=lambda place: -self.columns[place].rank):
            if _together(self._least(place, widths) for place in places) <= width:
                break
            if self.columns[place].rank:
                places = [other for other in places if other != place]
        return places

    def _least(self, place: int, widths: Sequence[int]) -> int:
        column = self.columns[place]
        return (
            min(widths[place], max(column.least, width_of(column.title))) if column.least else widths[place]
        )

    def _shared(self, places: list[int], widths: Sequence[int], width: int) -> dict[int, int]:
        """How wide each column becomes: those on the left take first of what is left over."""
        shares = {place: self._least(place, widths) for place in places}
        spare = width - _together(shares.values())
        for place in places:
            more = max(0, min(widths[place] - shares[place], spare))
            shares[place] += more
            spare -= more
        return shares

    def _said(self, row: Row) -> Row:
        """The row as a terminal shows it: without a dash for a note that is none."""
        silent = self.columns[-1].folds and row[-1].text == NOTHING
        return (*row[:-1], Cell("")) if silent else row

    def _drawn(self, widths: dict[int, int], rows: Iterable[Row]) -> list[Line]:
        """The heading and the rows with these columns."""
        heading = tuple(Cell(column.title, "bold") for column in self.columns)
        return [_row(row, widths) for row in (heading, *rows)]

    def _with_notes(self, rows: Sequence[Line], width: int) -> list[Line]:
        """Each row with its note below; one note of all rows is told once."""
        notes = [row[-1] for row in self.rows]
        if len(notes) > 1 and len(set(notes)) == 1:
            return [*rows, *_note(notes[0], width, "each: ")]
        return [line for row, note in zip(rows, notes, strict=True) for line in (row, *_note(note, width))]


Part = Table | Cell
"""What a page is made of, one below the other."""


def lines_of(parts: Iterable[Part], width: int | None = None) -> list[Line]:
    """All that is to be printed, in this width or in any."""
    return [line for part in parts for line in _lines(part, width)]


def _lines(part: Part, width: int | None) -> list[Line]:
    if isinstance(part, Table):
        return part.lines(width)
    texts = [part.text] if width is None else fold(part.text, width)
    return [(replace(part, text=text),) for text in texts]


def _together(widths: Iterable[int]) -> int:
    each = list(widths)
    return sum(each) + len(GAP) * (len(each) - 1)


def _row(cells: Row, widths: dict[int, int]) -> Line:
    line: list[Cell] = []
    for place, width in widths.items():
        text = cut(cells[place].text, width)
        line += (replace(cells[place], text=text), Cell(padded("", width - width_of(text)) + GAP))
    return tuple(line[:-1])


def _note(note: Cell, width: int, margin: str = INDENT) -> list[Line]:
    """The lines of a note, behind a margin that is written once."""
    if note.text == NOTHING:
        return []
    parts = fold(note.text, width - len(margin))
    margins = (margin, *(" " * len(margin) for _ in parts[1:]))
    return [(Cell(before), replace(note, text=part)) for before, part in zip(margins, parts, strict=True)]
