"""A picture of a run: who led when, by whose word, and which faults ran."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from tests.chaos.checker import Violation, yeses
from tests.chaos.history import NS_PER_S, History

LEFT, ROW, PER_S = 240, 16, 40
COLOURS = ("#1b9e77", "#d95f02", "#7570b3", "#e7298a", "#66a61e", "#e6ab02", "#a6761d", "#666666")


def draw(history: History, violations: Iterable[Violation], file: Path) -> None:
    """Write the picture, as SVG."""
    origin = min((answer.sent for answer in history.answers), default=0)
    end = max((answer.received for answer in history.answers), default=origin)
    canvas = Canvas(origin, end)
    for node in sorted({answer.asked for answer in history.answers}):
        canvas.row(f"{node} leads")
        for answer in yeses(history):
            if answer.asked == node:
                colour = COLOURS[answer.term % len(COLOURS)]
                canvas.bar(answer.received, answer.end, colour, f"term {answer.term}")
    for kind in sorted({spell.kind for spell in history.spells}):
        canvas.row(kind)
        for spell in history.spells:
            if spell.kind == kind:
                canvas.bar(spell.begin, spell.end, "#999999", " ".join(spell.touches))
    for violation in violations:
        canvas.mark(violation.at, str(violation))
    file.write_text(canvas.text())


class Canvas:
    """Rows of bars over one axis of time."""

    def __init__(self, origin: int, end: int) -> None:
        self._origin = origin
        self._width = LEFT + int((end - origin) / NS_PER_S * PER_S) + ROW
        self._rows = 0
        self._shapes: list[str] = []
        for second in range(0, (end - origin) // NS_PER_S + 1, 5):
            self._shapes.append(f'<text x="{LEFT + second * PER_S}" y="12">{second} s</text>')

    def row(self, title: str) -> None:
        """Begin a line."""
        self._rows += 1
        self._shapes.append(f'<text x="4" y="{self._top + 12}">{escape(title)}</text>')

    def bar(self, begin: int, end: int, colour: str, title: str) -> None:
        """Something that lasted, on the last line that was begun."""
        if end > begin:
            width = max(1.0, self._x(end) - self._x(begin))
            self._shapes.append(
                f'<rect x="{self._x(begin):.1f}" y="{self._top + 2}" width="{width:.1f}" height="{ROW - 4}" '
                f'fill="{colour}" fill-opacity="0.6"><title>{escape(title)}</title></rect>'
            )

    def mark(self, at: int, title: str) -> None:
        """A moment at which a promise was broken, through all lines."""
        self._shapes.append(
            f'<line x1="{self._x(at):.1f}" x2="{self._x(at):.1f}" y1="0" y2="10000" stroke="red">'
            f"<title>{escape(title)}</title></line>"
        )

    def text(self) -> str:
        """All of it."""
        size = f'width="{self._width}" height="{self._top + 2 * ROW}"'
        style = 'font-family="sans-serif" font-size="11"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n'
            + "\n".join(self._shapes)
            + "\n</svg>\n"
        )

    @property
    def _top(self) -> int:
        return self._rows * ROW

    def _x(self, at: int) -> float:
        return LEFT + max(0, at - self._origin) / NS_PER_S * PER_S
