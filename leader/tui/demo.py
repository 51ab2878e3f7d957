"""What `leader demo` draws: the closing table and the live display, from plain values.

Knows no process, no clock and no terminal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Group
from rich.table import Table as Drawing
from rich.text import Text

from leader.foreign import printable
from leader.tui import words
from leader.tui.drawing import cell, columns
from leader.tui.table import Column, Table
from leader.tui.words import brief

COLOURS = ("cyan", "magenta", "yellow")
GOOD, BAD = "bold green", "bold red"
BAR_WIDTH = 20
SHOWN_EVENTS = 8


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One promise: what was measured, if it was, how much was allowed, and what came of it."""

    what: str
    measured: str
    allowed: str
    good: bool


@dataclass(frozen=True, slots=True)
class NodeLine:
    """One node: `role` is empty while its agent is down, `remaining_ms` 0 unless it leads."""

    name: str
    role: str
    term: int
    remaining_ms: int
    runs: int


@dataclass(frozen=True, slots=True)
class InstanceLine:
    """One instance: what was done to it, and what its record says to the node that is asked."""

    name: str
    state: str
    record: str


@dataclass(frozen=True, slots=True)
class LiveView:
    """One moment of the live display; `recent` has the nodes on which each of the last ticks ran."""

    headline: str
    lease_ms: int
    nodes: Sequence[NodeLine]
    instances: Sequence[InstanceLine]
    recent: Sequence[Sequence[str]]
    summary: str
    chapter: str
    events: Sequence[str]


def closing_table(lines: Iterable[ResultLine]) -> Table:
    """What was promised and what was measured."""
    table = Table(Column("MEASURED", least=20), Column("TOOK"), Column("ALLOWED"), Column("RESULT"))
    for line in lines:
        table.add_row(
            words.cell(line.what),
            words.cell(line.measured),
            words.cell(line.allowed),
            words.cell("ok" if line.good else "failed", GOOD if line.good else BAD),
        )
    return table


def live(view: LiveView) -> Group:
    """The whole live display."""
    return Group(
        cell(view.headline, "bold"),
        Text(""),
        _node_table(view),
        Text(""),
        _instance_table(view),
        Text(""),
        Text.assemble(("TICKS    ", "bold"), "`leader is-leader && job` on every node, each 250 ms; run by:"),
        _strip(view),
        cell(view.summary),
        Text(""),
        Text.assemble(("NOW      ", "bold"), view.chapter),
        *(_event(event) for event in view.events[-SHOWN_EVENTS:]),
    )


def _node_table(view: LiveView) -> Drawing:
    table = columns("NODE", "ROLE", "TERM", "LEASE LEFT", "", "JOBS RUN")
    for number, node in enumerate(view.nodes):
        leads = node.remaining_ms > 0
        table.add_row(
            cell(node.name, COLOURS[number % len(COLOURS)]),
            cell(*_role(node)),
            cell(str(node.term) if leads else ""),
            cell(brief(node.remaining_ms) if leads else ""),
            _bar(node.remaining_ms, view.lease_ms),
            cell(str(node.runs)),
        )
    return table


def _role(node: NodeLine) -> tuple[str, str]:
    if not node.role:
        return "down", BAD
    return ("leads", GOOD) if node.remaining_ms > 0 else (node.role, "")


def _bar(remaining_ms: int, lease_ms: int) -> Text:
    """The part of the lease that is left."""
    full = min(BAR_WIDTH, remaining_ms * BAR_WIDTH // lease_ms)
    return Text("#" * full + " " * (BAR_WIDTH - full), style="green")


def _instance_table(view: LiveView) -> Drawing:
    """A column for each instance."""
    table = columns("INSTANCE", *(instance.name for instance in view.instances))
    states = (cell(instance.state, "green" if instance.state == "up" else BAD) for instance in view.instances)
    table.add_row(cell("STATE", "bold"), *states)
    table.add_row(cell("RECORD", "bold"), *(cell(instance.record) for instance in view.instances))
    return table


def _strip(view: LiveView) -> Text:
    """One character for each tick: the number of the node that ran it, `.` for none, `!` for several."""
    numbers = {node.name: number for number, node in enumerate(view.nodes)}
    strip = Text("         ")
    for ran_on in view.recent:
        if not ran_on:
            strip.append(".", style="dim")
        elif len(ran_on) > 1:
            strip.append("!", style=BAD)
        else:
            number = numbers.get(ran_on[0], 0)
            strip.append(str(number + 1), style=COLOURS[number % len(COLOURS)])
    return strip


def _event(text: str) -> Text:
    """One line, cut where the terminal ends."""
    return Text(printable(text), style="dim", no_wrap=True, overflow="ellipsis")
