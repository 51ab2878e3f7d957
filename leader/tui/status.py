"""What `leader status` shows of a cluster: pure functions from the read model to what is printed.

They know neither the agent nor the terminal: the same values look the same wherever they are printed.
"""

from collections.abc import Iterable

from leader.durations import format_duration
from leader.protocol.snapshot import AgentView, ElectionView, InstanceView, PauseView, Role
from leader.tui.jobs import job_table
from leader.tui.nodes import node_table
from leader.tui.table import Column, Part, Table
from leader.tui.text import Cell
from leader.tui.words import ago, brief, cell, role_cell

NOBODY = "nobody"
NAMED = 3
"""How many elections the verdict names, at most."""


def overview(view: AgentView) -> list[Part]:
    """The whole cluster as one node sees it."""
    return [
        headline(view),
        *standing(view),
        *section(election_table(view)),
        *section(instance_table(view)),
        *section(node_table(view)),
        *section(job_table(view.jobs)),
    ]


def standing(view: AgentView) -> list[Part]:
    """How the cluster stands, and what keeps this node from leading anything."""
    lines: list[Part] = [verdict_line(view)]
    if view.pause:
        lines.append(cell(pause_sentence(view.node, view.pause), "bold yellow"))
    if view.unfit:
        lines.append(cell(f"this node, {view.node}, is unfit to lead: {view.unfit}", "bold yellow"))
    return lines


def section(table: Table) -> Iterable[Part]:
    """A table that has rows, below an empty line."""
    return (Cell(""), table) if table.rows else ()


def headline(view: AgentView) -> Cell:
    """Which cluster, which node, with which lease, and how the quorum is being changed."""
    changes = f" ({view.changes})" if view.changes else ""
    return cell(
        f"cluster {view.cluster}, node {view.node}: lease {format_duration(view.lease_ms)}, "
        f"generation {view.generation}{changes}, leader {view.version}"
    )


def verdict_line(view: AgentView) -> Cell:
    """Whether there is a majority, how many more instances may fail, and which elections nobody leads."""
    vacant = [election.election for election in view.elections if not election.leader]
    if vacant:
        return cell(f"{view.verdict}; nobody leads {_some(vacant)}", "bold red")
    return cell(view.verdict, "bold red" if view.tolerates < 0 else "green" if view.tolerates else "yellow")


def pause_sentence(node: str, pause: PauseView) -> str:
    """That this node is paused: by whom, for how long, and why."""
    left = "until `leader resume`"
    if pause.remaining_ms is not None:
        left = f"for {brief(pause.remaining_ms)} more, or {left}"
    why = f": {pause.reason}" if pause.reason else ""
    return f"this node, {node}, was paused by {pause.by} at {pause.since} {left}{why}"


def election_table(view: AgentView) -> Table:
    """One line for each election."""
    table = Table(
        Column("ELECTION", least=10),
        Column("LEADER", least=10),
        Column("TERM", rank=4),
        Column("THIS NODE", rank=1),
        Column("SINCE", rank=3),
        Column("LEASE LEFT", rank=2),
        Column("REMARK", folds=True),
    )
    for election in view.elections:
        table.add_row(
            cell(election.election),
            leader_cell(election.leader),
            cell(str(election.term)),
            role_cell(election.role),
            cell(brief(election.since_ms)),
            cell(brief(election.remaining_ms) if election.role is Role.HOLDER else ""),
            cell(remark(election)),
        )
    return table


def leader_cell(leader: str) -> Cell:
    """Who leads, or nobody."""
    return cell(leader or NOBODY, "bold green" if leader else "bold red")


def remark(election: ElectionView) -> str:
    """Why this node does not lead, unless another's leading is all that keeps it."""
    return "" if election.reason == f"{election.leader} leads" else election.reason


def instance_table(view: AgentView) -> Table:
    """One line for each instance: whether it votes, how it answers, what is wrong with it."""
    table = Table(
        Column("INSTANCE", least=8),
        Column("VOTES"),
        Column("MEDIAN", rank=1),
        Column("P99", rank=3),
        Column("ANSWERED", rank=2),
        Column("SERVER", rank=4),
        Column("PROBLEM", folds=True),
    )
    for instance in view.instances:
        table.add_row(
            cell(instance.name, "red" if instance.problem else ""),
            cell(*(("yes", "green") if instance.votes else ("no", "bold red"))),
            cell(_round_trip(instance.round_trip_ms)),
            cell(_round_trip(instance.round_trip_p99_ms)),
            cell(_answered(instance)),
            cell(instance.server),
            cell(instance.problem, "red"),
        )
    return table


def _some(names: list[str]) -> str:
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _round_trip(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:.2f}ms"


def _answered(instance: InstanceView) -> str:
    return ago(instance.answered_ms_ago)
