"""How a table gives way where there is little room."""

import pytest

from leader.cli.output import plain
from leader.tui.table import Column, Table
from leader.tui.text import Cell, cut, fold, painted, width_of


def table(*notes: str) -> Table:
    """Names that may be cut, numbers that may be left out, notes that may go below."""
    shown = Table(
        Column("NAME", least=6), Column("KEPT"), Column("FIRST", rank=2), Column("LAST", rank=1),
        Column("NOTE", folds=True),
    )  # fmt: skip
    for note in notes:
        shown.add_row(Cell("a-long-name"), Cell("k"), Cell("f"), Cell("l"), Cell(note))
    return shown


def drawn(shown: Table, width: int | None) -> list[str]:
    """Its lines."""
    return plain(shown, width=width).splitlines()


def test_where_there_is_room_all_stands_in_one_row() -> None:
    """The note as well."""
    assert drawn(table("why"), 80) == drawn(table("why"), None) == [
        "NAME         KEPT  FIRST  LAST  NOTE",
        "a-long-name  k     f      l     why",
    ]  # fmt: skip


def test_a_note_that_does_not_fit_is_folded_under_its_row() -> None:
    """Between words, behind a margin; a row without one has none."""
    assert drawn(table("why and where and when", "-"), 32) == [
        "NAME         KEPT  FIRST  LAST",
        "a-long-name  k     f      l",
        "  why and where and when",
        "a-long-name  k     f      l",
    ]


def test_one_note_of_all_rows_is_told_once() -> None:
    """A pause that keeps a node from leading fifty elections is no fifty lines."""
    assert drawn(table(*["why and where and when"] * 3), 32)[1:] == [
        *["a-long-name  k     f      l"] * 3,
        "each: why and where and when",
    ]


def test_names_are_cut_before_a_column_is_left_out() -> None:
    """With a mark that there is more."""
    assert drawn(table("-"), 26) == ["NAME     KEPT  FIRST  LAST", "a-long…  k     f      l"]


def test_columns_of_the_highest_rank_are_left_out_first() -> None:
    """What is left has its room."""
    assert drawn(table("-"), 23) == ["NAME         KEPT  LAST", "a-long-name  k     l"]
    assert drawn(table("-"), 12) == ["NAME    KEPT", "a-lon…  k"]


@pytest.mark.parametrize("width", range(12, 60))
def test_no_line_is_longer_than_the_terminal_is_wide(width: int) -> None:
    """Whatever the width, down to what cannot be left out."""
    assert all(len(line) <= width for line in drawn(table("why and where and when", "why"), width))


def test_a_column_that_tells_nothing_takes_no_room_on_a_terminal() -> None:
    """Piped it stays, so that columns can be counted."""
    empty = Table(Column("A"), Column("B", rank=1))
    empty.add_row(Cell("1"), Cell("-"))
    assert drawn(empty, 80) == ["A", "1"]
    assert drawn(empty, None) == ["A  B", "1  -"]


def test_wide_and_combined_characters_are_counted_as_they_stand() -> None:
    """Two columns for one, and none for an accent of its own."""
    assert width_of("日本") == 4
    assert width_of("e\u0301") == 1
    assert cut("日本語", 5) == "日本…"


def test_a_word_longer_than_the_line_is_broken() -> None:
    """A path has no blanks."""
    assert fold("see /a/very/long/path", 8) == ["see", "/a/very/", "long/pat", "h"]


def test_a_style_ends_where_its_cell_ends() -> None:
    """What follows has its own."""
    assert painted((Cell("a", "bold red"), Cell(" b"))) == "\x1b[1;31ma\x1b[0m b"
