"""What stands in each pane: titles and rows of a status, filtered and sorted. Pure; knows no widget."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from leader.protocol.snapshot import AgentView, ElectionView, InstanceView, JobView, NodeView, Role
from leader.tui.drawing import cell
from leader.tui.jobs import STATE_STYLES
from leader.tui.table import NOTHING
from leader.tui.top.model import Event
from leader.tui.words import ROLE_STYLES, brief

NOBODY = "nobody"
PLAIN_FIELDS = ("event", "node", "at", "election", "reason", "cause")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: `key` names the thing that it tells of; `sort` is one value for each column."""

    key: str
    cells: tuple[Text, ...]
    sort: tuple[str | int | float, ...]

    @property
    def text(self) -> str:
        """All of it, for the filter."""
        return " ".join(cell.plain for cell in self.cells).lower()


@dataclass(frozen=True, slots=True)
class Pane:
    """One pane; in a narrow terminal the columns beyond the width are cut, so the first ones matter most."""

    name: str
    titles: tuple[str, ...]
    rows: Callable[[AgentView, Sequence[Event]], list[Row]]


def shown(rows: Iterable[Row], wanted: str, column: int | None, *, backwards: bool) -> list[Row]:
    """The rows that contain what is wanted, by that column; None keeps the agent's own order."""
    found = [row for row in rows if wanted.lower() in row.text]
    if column is not None:
        found.sort(key=lambda row: row.sort[column], reverse=backwards)
    return found


def _row(key: str, *columns: tuple[Text, str | int | float]) -> Row:
    cells, values = zip(*columns, strict=True)
    return Row(key, cells, values)


def _said(text: str, style: str = "") -> tuple[Text, str]:
    return cell(text, style), text


def _number(value: int) -> tuple[Text, int]:
    return cell(str(value) if value else NOTHING), value


def _lasting(ms: int | None, text: str = "") -> tuple[Text, int]:
    return cell(text or brief(ms)), -1 if ms is None else ms


def _election_row(election: ElectionView) -> Row:
    leads = election.role is Role.HOLDER
    return _row(
        election.election,
        _said(election.election),
        _said(election.leader or NOBODY, "bold green" if election.leader else "bold red"),
        (cell(election.role, ROLE_STYLES.get(election.role, "")), str(election.role)),
        _lasting(election.remaining_ms if leads else None),
        _lasting(election.since_ms),
        _number(election.term),
        _said(election.reason),
    )


def _node_row(node: NodeView, this_node: str) -> Row:
    led = sorted(election for election, role in node.roles.items() if role == Role.HOLDER)
    return _row(
        node.name,
        _said(node.name, "bold" if node.name == this_node else ""),
        (cell(", ".join(led), "bold green" if led else ""), -len(led)),
        _lasting(node.seen_ms_ago, f"{brief(node.seen_ms_ago)} ago"),
        _said(node.version),
        (cell(f"{node.vitals.load_per_cpu:.2f}" if node.vitals else ""), _load(node)),
        _said(", ".join(_remarks(node, this_node)), "yellow" if node.paused or not node.fit else ""),
    )


def _load(node: NodeView) -> float:
    return node.vitals.load_per_cpu if node.vitals else -1.0


def _remarks(node: NodeView, this_node: str) -> Iterable[str]:
    if node.name == this_node:
        yield "this node"
    state = [word for word, holds in (("paused", node.paused), ("unfit", not node.fit)) if holds]
    if state:
        yield " and ".join(state) + (f": {node.reason}" if node.reason else "")
    if not node.sees_majority:
        yield "sees no majority"


def _instance_row(instance: InstanceView) -> Row:
    answered = instance.answered_ms_ago
    trips = instance.round_trip_ms, instance.round_trip_p99_ms
    return _row(
        instance.name,
        _said(instance.name, "red" if instance.problem else ""),
        _said("votes" if instance.votes else "no vote", "green" if instance.votes else "bold red"),
        *((cell("" if trip is None else f"{trip:.2f}ms"), -1 if trip is None else trip) for trip in trips),
        _lasting(answered, "never" if answered is None else f"{brief(answered)} ago"),
        _said(instance.server),
        _said(instance.problem, "red"),
    )


def _event_row(event: Event) -> Row:
    at, name = str(event.get("at", "")), str(event.get("event", ""))
    more = [f"{key}={value}" for key, value in event.items() if key not in PLAIN_FIELDS and value != ""]
    why = " ".join(filter(None, (str(event.get("reason", "")), *more)))
    return _row(
        at + name + str(event.get("election", "")),
        (cell(at.partition("T")[2].rstrip("Z")), at),
        _said(name, "bold red" if name == "lost" else "bold green" if name == "gained" else ""),
        _said(str(event.get("election", ""))),
        _said(str(event.get("cause", ""))),
        _said(why),
    )


def _job_row(job: JobView) -> Row:
    run = job.runs[0]
    return _row(
        job.job,
        _said(job.job),
        _said(run.state, STATE_STYLES.get(run.state, "")),
        _said(run.node),
        _lasting(run.ms_ago, f"{brief(run.ms_ago)} ago"),
        _lasting(run.duration_ms),
        (cell(NOTHING if run.code is None else str(run.code)), -1 if run.code is None else run.code),
        _number(job.missed),
        _number(job.interrupted),
    )


PANES = (
    Pane(
        "elections",
        ("ELECTION", "LEADER", "THIS NODE", "LEASE LEFT", "SINCE", "TERM", "WHY IT DOES NOT LEAD"),
        lambda view, _: [_election_row(election) for election in view.elections],
    ),
    Pane(
        "nodes",
        ("NODE", "LEADS", "SEEN", "VERSION", "LOAD", "REMARK"),
        lambda view, _: [_node_row(node, view.node) for node in view.nodes],
    ),
    Pane(
        "instances",
        ("INSTANCE", "VOTE", "MEDIAN", "P99", "ANSWERED", "SERVER", "PROBLEM"),
        lambda view, _: [_instance_row(instance) for instance in view.instances],
    ),
    Pane(
        "events",
        ("UTC", "EVENT", "ELECTION", "CAUSE", "WHY"),
        lambda _, events: [_event_row(event) for event in events],
    ),
    Pane(
        "jobs",
        ("JOB", "STATE", "NODE", "AGO", "TOOK", "CODE", "MISSED", "INTERRUPTED"),
        lambda view, _: [_job_row(job) for job in view.jobs if job.runs],
    ),
)
