"""What `leader status ELECTION` explains: who voted, why this node does not lead, who else could, what was.

Pure functions from the read model to what is printed.
"""

from collections.abc import Iterable

from leader.protocol.ranking import rank_key
from leader.protocol.snapshot import AgentView, ElectionView, LeadershipView, NodeView, Role, VoteView
from leader.tui.nodes import State, state_of
from leader.tui.status import section, standing
from leader.tui.table import Column, Part, Table
from leader.tui.text import Cell
from leader.tui.words import ago, brief, cell

SHOWN_TRANSITIONS = 5


def explanation(view: AgentView, election: ElectionView, past: Iterable[LeadershipView] = ()) -> list[Part]:
    """One election: who leads, why this node does not and when it could, and how that came about."""
    return [
        _who_leads(election),
        cell(_this_node(view.node, election)),
        *(cell(sentence) for sentence in _prospect(view, election)),
        *standing(view),
        *section(vote_table(view, election)),
        *section(candidate_table(view, election)),
        *section(transition_table(election.election, past)),
    ]


def vote_table(view: AgentView, election: ElectionView) -> Table:
    """One line for each instance: what its record of this election says, and for whom that counts."""
    problems = {instance.name: instance.problem for instance in view.instances}
    table = Table(
        Column("INSTANCE", least=8),
        Column("RECORD"),
        Column("HOLDER", rank=2, least=8),
        Column("TERM", rank=3),
        Column("STANDS FOR", rank=1),
        Column("VOTE", least=10),
        Column("PROBLEM", folds=True),
    )
    for vote in election.votes:
        table.add_row(
            cell(vote.instance),
            cell(vote.state),
            cell(vote.holder),
            cell(str(vote.term) if vote.term else ""),
            cell(brief(vote.standing_ms) if vote.state != "unknown" else ""),
            cell(_vote(vote, view.node), "green" if vote.granted else ""),
            cell(problems.get(vote.instance, ""), "red"),
        )
    return table


def candidate_table(view: AgentView, election: ElectionView) -> Table:
    """Who could lead, in the order in which they would, and what keeps the others from it."""
    name = election.election
    known = [node for node in view.nodes if name in node.priority]
    known.sort(key=lambda node: rank_key(name, node.name, node.priority[name]))
    table = Table(
        Column("RANK"),
        Column("CANDIDATE", least=9),
        Column("PRIORITY"),
        Column("LAST SEEN", rank=1),
        Column("COULD LEAD"),
        Column("WHY NOT", folds=True),
    )
    for place, node in enumerate(known, 1):
        leads, why = node.name == election.leader, _why_not(view, election, node)
        table.add_row(
            cell(str(place)),
            cell(node.name, "bold" if node.name == view.node else ""),
            cell(str(node.priority[name])),
            cell(ago(node.seen_ms_ago)),
            cell(*(("leads", "bold green") if leads else ("no", "yellow") if why else ("yes", ""))),
            cell("" if leads else why),
        )
    return table


def transition_table(election: str, past: Iterable[LeadershipView]) -> Table:
    """The last leaderships, the newest first: who, for how long, and why each ended."""
    table = Table(
        Column("LEADER", least=8),
        Column("BEGAN", rank=2),
        Column("LASTED"),
        Column("ENDED"),
        Column("THEN NOBODY", rank=1),
        Column("TERM", rank=3),
        Column("BECAUSE", folds=True),
    )
    for one in [one for one in past if one.election == election][:SHOWN_TRANSITIONS]:
        lasts = not one.ended
        table.add_row(
            cell(one.node, "bold green" if lasts else ""),
            cell(one.began),
            cell(brief(one.lasted_ms)),
            cell(one.cause or ("not yet" if lasts else "")),
            cell("" if one.gap_ms is None else f"for {brief(one.gap_ms)}"),
            cell(str(one.term)),
            cell(one.reason),
        )
    return table


# One line each.


def _who_leads(election: ElectionView) -> Cell:
    if not election.leader:
        return cell(f"election {election.election}: nobody leads", "bold red")
    return cell(
        f"election {election.election}: {election.leader} leads with term {election.term}", "bold green"
    )


def _this_node(node: str, election: ElectionView) -> str:
    since = brief(election.since_ms)
    if election.role is Role.HOLDER:
        return f"this node, {node}, leads it for {since} now"
    role = "only an observer" if election.role is Role.OBSERVER else "a candidate"
    why = f": {election.reason}" if election.reason else ""
    return f"this node, {node}, does not lead it; it is {role} for {since} now{why}"


def _prospect(view: AgentView, election: ElectionView) -> list[str]:
    """When this node could take over, or until when it leads; nothing of one that may not."""
    if election.role is Role.HOLDER:
        return [f"its lease lasts {brief(election.remaining_ms)} more unless it is renewed"]
    if election.role is Role.OBSERVER or view.pause or view.unfit:
        return []
    if election.takeover_in_ms is None:
        return ["when it could take over is unknown: too few instances answer"]
    if election.leader:
        return [f"it could take over in {brief(election.takeover_in_ms)}, unless the lease is renewed"]
    return [f"it could take over in {brief(election.takeover_in_ms)} at the earliest"]


# Single values.


def _vote(vote: VoteView, this_node: str) -> str:
    if vote.granted:
        return f"for {this_node}"
    return f"for {vote.holder}" if vote.state == "held" else ""


def _why_not(view: AgentView, election: ElectionView, node: NodeView) -> str:
    """What keeps a node from leading whatever the others do, or nothing."""
    if node.priority[election.election] == 0:
        return "it only observes: its priority is 0"
    because = f": {node.reason}" if node.reason else ""
    match state_of(node, view.lease_ms):
        case State.PAUSED:
            return f"paused{because}"
        case State.UNFIT:
            return f"unfit{because}"
        case State.CUT_OFF:
            return "it sees no majority of the instances"
        case State.SILENT:
            return f"not seen for {brief(node.seen_ms_ago)}, longer than a lease"
        case State.READY:
            return ""
