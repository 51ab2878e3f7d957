"""What `leader history` shows: pure functions from the read model to what rich prints."""

from collections.abc import Iterable

from rich.console import Group
from rich.table import Table
from rich.text import Text

from leader.protocol.snapshot import HistoryView, IncidentView, LeadershipView
from leader.tui.words import NOTHING, brief, cell, columns, printable

CAUSE_STYLES = {
    "expired": "red",
    "quorum-lost": "red",
    "frozen": "red",
    "clock-jumped": "red",
    "unfit": "yellow",
    "paused": "yellow",
}
LASTING = "lasts"


def tables(history: HistoryView) -> Group:
    """The leaderships, and below them the incidents, if there are any."""
    incidents = (Text(""), incident_table(history.incidents)) if history.incidents else ()
    return Group(leadership_table(history.leaderships), *incidents)


def leadership_table(leaderships: Iterable[LeadershipView]) -> Table:
    """One line for each leadership."""
    table = columns("ELECTION", "TERM", "NODE", "BEGAN", "LASTED", "ENDED BY", "GAP", "REASON")
    for one in leaderships:
        table.add_row(
            cell(one.election),
            cell(str(one.term)),
            cell(one.node),
            cell(one.began),
            cell(brief(one.lasted_ms)),
            cell(one.cause, CAUSE_STYLES.get(one.cause, "")) if one.ended else cell(LASTING, "bold green"),
            cell(NOTHING if one.gap_ms is None else brief(one.gap_ms)),
            cell(one.reason),
        )
    return table


def incident_table(incidents: Iterable[IncidentView]) -> Table:
    """One line for each incident of this node."""
    table = columns("INCIDENT", "AT", "AGO", "WHAT")
    for one in incidents:
        table.add_row(cell(one.kind, "red"), cell(one.at), cell(brief(one.ms_ago)), cell(one.sentence))
    return table


def transitions(history: HistoryView, election: str, most: int = 5) -> list[Text]:
    """The last changes of one election, a line each, the newest first."""
    return [_transition(one) for one in history.only(election, most).leaderships]


def _transition(one: LeadershipView) -> Text:
    since = f"{one.node} led from {one.began} for {brief(one.lasted_ms)} (term {one.term})"
    if not one.ended:
        return Text(printable(f"{one.node} leads since {one.began} (term {one.term})"))
    gap = "" if one.gap_ms is None else f"; nobody led for {brief(one.gap_ms)}"
    return Text(printable(f"{since}, until {one.cause}: {one.reason}{gap}"))
