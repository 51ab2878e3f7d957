"""How wide text stands on a terminal, how it is cut, folded and coloured.

Rich does all this and much more, but a command that prints once would wait for it longer than for its answer.
"""

from dataclasses import dataclass
from unicodedata import combining, east_asian_width

MORE = "…"
STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "reverse": "7"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of text in one style: words of STYLES with blanks between, or none."""

    text: str
    style: str = ""


Line = tuple[Cell, ...]
"""Cells side by side, with nothing between."""


def width_of(text: str) -> int:
    """How many columns the text takes: a wide character two, an accent of its own none."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def padded(text: str, room: int) -> str:
    """The text, followed by blanks up to this width."""
    return text + " " * (room - width_of(text))


def cut(text: str, room: int) -> str:
    """The text, or as much of it as fits, with a mark that there is more."""
    return text if width_of(text) <= room else _head(text, room - 1) + MORE


def fold(text: str, room: int) -> list[str]:
    """The text in lines of at most this width, broken between words, within one only if it is longer."""
    if width_of(text) <= room:
        return [text]
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if width_of(longer) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = _pieces(word, room)
        lines += whole
    return [*lines, line]


def painted(line: Line) -> str:
    """The line with the escape sequences of its styles."""
    return "".join(_painted(cell) for cell in line)


def unpainted(line: Line) -> str:
    """The line's text alone, without blanks at its end."""
    return "".join(cell.text for cell in line).rstrip()


def _painted(cell: Cell) -> str:
    if not cell.style or not cell.text:
        return cell.text
    codes = ";".join(STYLES[name] for name in cell.style.split())
    return f"\x1b[{codes}m{cell.text}\x1b[0m"


def _pieces(word: str, room: int) -> list[str]:
    pieces = []
    while width_of(word) > room:
        head = _head(word, room) or word[0]
        pieces.append(head)
        word = word[len(head) :]
    return [*pieces, word]


def _head(text: str, room: int) -> str:
    """The longest beginning that fits."""
    used = 0
    for place, char in enumerate(text):
        used += _char_width(char)
        if used > room:
            return text[:place]
    return text


def _char_width(char: str) -> int:
    return 0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1
