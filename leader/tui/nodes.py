"""What is shown of a node: what it leads, what keeps it from leading, how its machine does."""

from collections.abc import Mapping
from enum import StrEnum

from leader.protocol.snapshot import AgentView, NodeView, Role, VitalsView
from leader.tui.table import Column, Table
from leader.tui.text import Cell
from leader.tui.words import ago, cell, role_cell


class State(StrEnum):
    """What keeps a node from leading, the weightiest first; ready is nothing."""

    PAUSED = "paused"
    UNFIT = "unfit"
    CUT_OFF = "cut off"
    SILENT = "silent"
    READY = "ready"


def node_table(view: AgentView) -> Table:
    """One line for each node of the registry; with several elections, those that it leads."""
    several = len(view.elections) > 1
    only = view.elections[0].election if view.elections else ""
    table = Table(
        Column("NODE", least=8),
        Column("LEADS" if several else "ROLE", least=16),
        Column("STATE"),
        Column("PRIORITY", rank=2),
        Column("LAST SEEN", rank=1),
        Column("VERSION", rank=3),
        Column("LOAD", rank=4),
        Column("MEMORY", rank=5),
        Column("DISK FREE", rank=6, least=9),
        Column("REASON", folds=True),
    )
    for node in view.nodes:
        table.add_row(
            cell(node.name, "bold" if node.name == view.node else ""),
            _leads(node.roles) if several else role_cell(node.roles.get(only, "")),
            state_cell(node, view.lease_ms),
            cell(_range(node.priority)),
            cell(ago(node.seen_ms_ago)),
            cell(node.version),
            *_vitals(node.vitals),
            cell(node.reason, "yellow"),
        )
    return table


def state_of(node: NodeView, lease_ms: int) -> State:
    """The weightiest thing that keeps a node from leading."""
    if node.paused:
        return State.PAUSED
    if not node.fit:
        return State.UNFIT
    if not node.sees_majority:
        return State.CUT_OFF
    return State.SILENT if node.seen_ms_ago >= lease_ms else State.READY


def state_cell(node: NodeView, lease_ms: int) -> Cell:
    """It, in a colour if it is a reason to look."""
    state = state_of(node, lease_ms)
    return cell(state, "" if state is State.READY else "yellow")


def _leads(roles: Mapping[str, str]) -> Cell:
    """The elections that the node leads, else that it may lead none."""
    led = [election for election, role in roles.items() if role == Role.HOLDER]
    if not led and roles and set(roles.values()) == {Role.OBSERVER}:
        return cell("observer", "dim")
    number = f"{len(led)}: " if len(led) > 1 else ""
    return cell(number + ", ".join(led) if led else "", "bold green" if led else "")


def _range(priority: Mapping[str, int]) -> str:
    """The priority in all elections, or from the least to the most."""
    if not priority:
        return ""
    least, most = min(priority.values()), max(priority.values())
    return str(most) if least == most else f"{least}-{most}"


def _vitals(vitals: VitalsView | None) -> tuple[Cell, Cell, Cell]:
    """Load per processor, memory in use, and the fullest disk."""
    if vitals is None:
        return cell(""), cell(""), cell("")
    path, free = min(vitals.free_disk_percent.items(), key=lambda disk: disk[1], default=("", 0.0))
    return (
        cell(f"{vitals.load_per_cpu:.2f}"),
        cell(f"{vitals.memory_percent:.0f}%"),
        cell(f"{free:.0f}% {path}" if path else ""),
    )
