"""One table of all rows: for a terminal, and as Markdown; each contender beside the agent's own figure."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from tests.benchmarks.rows import OWN, Row, shown

COLUMNS = ("case", "who", "measured", "ratio", "goal", "how")


def ratios(rows: Sequence[Row]) -> list[str]:
    """How many times the own first figure of the case a peer's is; empty for the own."""
    own = {(row.part, row.case): row for row in reversed(rows) if row.who == OWN}
    return [_ratio(row, own.get((row.part, row.case))) for row in rows]


def _ratio(row: Row, own: Row | None) -> str:
    if own is None or row is own or not (row.figures and own.figures):
        return ""
    first, base = row.figures[0], own.figures[0]
    if first.unit != base.unit or not base.value:
        return ""
    return f"{first.value / base.value:.2f} x"


def together(rows: Sequence[Row]) -> list[Row]:
    """The rows with those of one case beside each other, cases in the order in which they came first."""
    first = {(row.part, row.case): index for index, row in reversed(list(enumerate(rows)))}
    return sorted(rows, key=lambda row: first[row.part, row.case])


def cells(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """The words of each row, by column."""
    return [
        (row.case, row.who, shown(row), ratio, goals(row), row.how)
        for row, ratio in zip(rows, ratios(rows), strict=True)
    ]


def goals(row: Row) -> str:
    """What the row was to reach, and whether it did."""
    return "; ".join(figure.goal for figure in row.figures if figure.goal)


def plain(rows: Sequence[Row]) -> str:
    """The table for a terminal, a block for each part; the last column is as long as it is."""
    return "\n\n".join(f"{part}\n{_aligned([COLUMNS, *words])}" for part, words in _by_part(rows))


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    told = ("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in told)


def markdown(rows: Sequence[Row], title: Callable[[str], str] = str) -> str:
    """The table for a page; each part begins with a line of its own."""
    lines = [COLUMNS, tuple("---" for _ in COLUMNS)]
    for part, words in _by_part(rows):
        lines += [(f"**{title(part)}**", *[""] * (len(COLUMNS) - 1)), *words]
    return "\n".join(_line(words) for words in lines)


def _line(words: Iterable[str]) -> str:
    return f"| {' | '.join(word.replace('|', chr(92) + '|') for word in words)} |"


def _by_part(rows: Sequence[Row]) -> list[tuple[str, list[tuple[str, ...]]]]:
    rows = together(rows)
    pairs = zip(rows, cells(rows), strict=True)
    return [
        (part, [words for _, words in group]) for part, group in groupby(pairs, key=lambda pair: pair[0].part)
    ]
