"""What `leader history` shows: pure functions from the read model to what is printed."""

from collections.abc import Iterable

from leader.protocol.snapshot import HistoryView, IncidentView, LeadershipView
from leader.tui.table import NOTHING, Column, Part, Table
from leader.tui.text import Cell
from leader.tui.words import ago, brief, cell

CAUSE_STYLES = {
    "expired": "red",
    "quorum-lost": "red",
    "frozen": "red",
    "clock-jumped": "red",
    "unfit": "yellow",
    "paused": "yellow",
}


def page(history: HistoryView) -> list[Part]:
    """The leaderships, and below them the incidents, if there are any."""
    incidents = (Cell(""), incident_table(history.incidents)) if history.incidents else ()
    return [leadership_table(history.leaderships), *incidents]


def leadership_table(leaderships: Iterable[LeadershipView]) -> Table:
    """One line for each leadership."""
    table = Table(
        Column("ELECTION", least=8),
        Column("NODE", least=8),
        Column("BEGAN", rank=2),
        Column("LASTED"),
        Column("ENDED BY"),
        Column("GAP", rank=1),
        Column("TERM", rank=3),
        Column("REASON", folds=True),
    )
    for one in leaderships:
        table.add_row(
            cell(one.election),
            cell(one.node),
            cell(one.began),
            cell(brief(one.lasted_ms)),
            cell(one.cause, CAUSE_STYLES.get(one.cause, "")) if one.ended else cell("not yet", "bold green"),
            cell(NOTHING if one.gap_ms is None else brief(one.gap_ms)),
            cell(str(one.term)),
            cell(one.reason),
        )
    return table


def incident_table(incidents: Iterable[IncidentView]) -> Table:
    """One line for each incident of this node."""
    table = Table(Column("INCIDENT"), Column("AT", rank=1), Column("AGO"), Column("WHAT", folds=True))
    for one in incidents:
        table.add_row(cell(one.kind, "red"), cell(one.at), cell(ago(one.ms_ago)), cell(one.sentence))
    return table
