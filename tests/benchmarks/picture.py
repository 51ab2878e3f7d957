"""The picture of the results: for some cases, a bar for each contender, as SVG; readable on light and dark.

A panel shows one figure of cases that belong together; what was not measured has no bar, and no panel.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from tests.benchmarks.rows import OWN, Row, number

WIDTH, LABELS, VALUES = 760, 250, 125
BAR, GAP, TITLE = 16, 6, 34


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure, by its name, of all cases of a part that begin with these words."""

    title: str
    part: str
    begins: str
    figure: str = "p50"

    def shows(self, case: str) -> bool:
        """Whether the case is one of them; more words may follow after a comma alone."""
        rest = case.removeprefix(self.begins)
        return case.startswith(self.begins) and (not rest or rest.startswith(", "))


CRASH, HAND_OVER, SMALL = (
    "crash of the leader, lease {} s, 3 candidates",
    "planned hand-over",
    "1 election, 3 instances",
)

PANELS = (
    *(
        Panel(
            f"without a leader after its crash, lease {lease_s} s, median", "failover", CRASH.format(lease_s)
        )
        for lease_s in (1, 2, 5, 10)
    ),
    Panel("planned hand-over, median", "failover", HAND_OVER),
    Panel(f"memory of one process (PSS), {SMALL}", "footprint", SMALL, "PSS"),
    Panel(f"processor, {SMALL}, lease 10 s", "footprint", SMALL, "CPU"),
    Panel("whole process of a question, median", "question", "a question, as a whole process"),
    Panel("start of a server until it answers, median", "start", "start of a server"),
    Panel("answers to GET /leader, and to GET /health of etcd", "api", "GET /leader", "rate"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: what it stands for, how long it is, and whether it is the agent's own."""

    label: str
    value: float
    unit: str
    own: bool


STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.own { fill: #1a7f5a }
.peer { fill: #9aa4af }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .own { fill: #3fb98a } .peer { fill: #6e7781 } }
"""


def drawn(rows: Sequence[Row]) -> str:
    """The whole picture."""
    parts, y = [], 0
    for panel in PANELS:
        if bars := bars_of(panel, rows):
            parts += panel_at(y, panel.title, bars)
            y += TITLE + len(bars) * (BAR + GAP)
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + GAP}" '
                f'viewBox="0 0 {WIDTH} {y + GAP}" role="img">'
            ),
            f"<title>leader and its peers, measured</title><style>{STYLE}</style>",
            *parts,
            "</svg>\n",
        ]
    )


def bars_of(panel: Panel, rows: Iterable[Row]) -> list[Bar]:
    """The bars of a panel, in the order of the rows."""
    chosen = [row for row in rows if row.part == panel.part and panel.shows(row.case)]
    return [
        Bar(label_of(panel, row), figure.value, figure.unit, row.who.startswith(OWN))
        for row in chosen
        for figure in row.figures
        if figure.name == panel.figure
    ]


def label_of(panel: Panel, row: Row) -> str:
    """What a bar is about, without the words that all of its panel have in common."""
    case = row.case.removeprefix(panel.begins).strip(" ,:")
    return f"{case}: {row.who}" if case else row.who


def panel_at(y: int, title: str, bars: Sequence[Bar]) -> list[str]:
    """The lines of one panel; the longest bar is as long as there is room."""
    longest = max(bar.value for bar in bars) or 1
    lines = [f'<text class="title" x="0" y="{y + TITLE - 12}">{escape(title)}</text>']
    for index, bar in enumerate(bars):
        top = y + TITLE + index * (BAR + GAP)
        length = max(1.0, bar.value / longest * (WIDTH - LABELS - VALUES))
        lines += [
            f'<text x="{LABELS - 8}" y="{top + BAR - 4}" text-anchor="end">{escape(bar.label)}</text>',
            (
                f'<rect class="{"own" if bar.own else "peer"}" x="{LABELS}" y="{top}" width="{length:.1f}" '
                f'height="{BAR}" rx="2"/>'
            ),
            f'<text x="{LABELS + length + 6:.1f}" y="{top + BAR - 4}">{number(bar.value)} {bar.unit}</text>',
        ]
    return lines
