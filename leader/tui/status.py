"""What `leader status` shows: pure functions from the read model to what rich prints.

They know neither the agent nor the terminal: the same values look the same wherever they are printed.
"""

from collections.abc import Iterable, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from leader.durations import format_duration
from leader.protocol.snapshot import AgentView, ElectionView, InstanceView, NodeView, Role, VoteView
from leader.tui.jobs import job_table
from leader.tui.words import brief, cell, columns, printable, role_cell

NOBODY = "nobody"


def overview(view: AgentView) -> Group:
    """The whole cluster as one node sees it."""
    return Group(
        headline(view),
        verdict_line(view),
        *_section(election_table(view)),
        *_section(instance_table(view)),
        *_section(node_table(view)),
        *(_section(job_table(view.jobs)) if view.jobs else ()),
    )


def explanation(view: AgentView, election: ElectionView) -> Group:
    """One election: who leads, who voted, why this node does not lead and when it could."""
    return Group(
        _who_leads(election),
        _this_node(view.node, election),
        *_lines(_prospect(election)),
        verdict_line(view),
        *_section(vote_table(view, election)),
    )


def headline(view: AgentView) -> Text:
    """Which cluster, which node, with which lease."""
    return Text(
        printable(
            f"cluster {view.cluster}, node {view.node}: lease {format_duration(view.lease_ms)}, "
            f"generation {view.generation}, leader {view.version}"
        )
    )


def verdict_line(view: AgentView) -> Text:
    """Whether there is a majority, and how many more instances may fail."""
    style = "bold red" if view.tolerates < 0 else "yellow" if view.tolerates == 0 else "green"
    return Text(printable(view.verdict), style=style)


def election_table(view: AgentView) -> Table:
    """One line for each election."""
    table = columns("ELECTION", "LEADER", "TERM", "THIS NODE", "SINCE", "LEASE LEFT", "WHY IT DOES NOT LEAD")
    for election in view.elections:
        leads = election.role is Role.HOLDER
        table.add_row(
            cell(election.election),
            cell(election.leader or NOBODY, "bold green" if election.leader else "bold red"),
            cell(str(election.term)),
            role_cell(election.role),
            cell(brief(election.since_ms)),
            cell(brief(election.remaining_ms) if leads else ""),
            cell(election.reason),
        )
    return table


def instance_table(view: AgentView) -> Table:
    """One line for each instance: what its records say, how it answers, what is wrong with it."""
    table = columns("INSTANCE", "RECORD", "ROUND TRIP", "ANSWERED", "SERVER", "PROBLEM")
    for instance in view.instances:
        table.add_row(
            cell(instance.name, "red" if instance.problem else ""),
            cell(_records(instance.name, view.elections)),
            cell(_round_trip(instance)),
            cell(_answered(instance)),
            cell(instance.server),
            cell(instance.problem, "red"),
        )
    return table


def node_table(view: AgentView) -> Table:
    """One line for each node of the registry."""
    table = columns("NODE", "ROLE", "PRIORITY", "VERSION", "LAST SEEN", "REMARK")
    for node in view.nodes:
        table.add_row(
            cell(node.name, "bold" if node.name == view.node else ""),
            role_cell(_one_or_each(node.roles)),
            cell(_one_or_each({name: str(number) for name, number in node.priority.items()})),
            cell(node.version),
            cell(_ago(node.seen_ms_ago)),
            cell(", ".join(_remarks(node, view.node))),
        )
    return table


def vote_table(view: AgentView, election: ElectionView) -> Table:
    """One line for each instance: what its record of this election says, and for whom that counts."""
    problems = {instance.name: instance.problem for instance in view.instances}
    table = columns("INSTANCE", "RECORD", "HOLDER", "TERM", "STANDS FOR", "VOTE", "PROBLEM")
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


# One line each.


def _who_leads(election: ElectionView) -> Text:
    if not election.leader:
        return Text(printable(f"election {election.election}: nobody leads"), style="bold red")
    sentence = f"election {election.election}: {election.leader} leads with term {election.term}"
    return Text(printable(sentence), style="bold green")


def _this_node(node: str, election: ElectionView) -> Text:
    since = brief(election.since_ms)
    if election.role is Role.HOLDER:
        return Text(printable(f"this node, {node}, leads it for {since} now"))
    role = "only an observer" if election.role is Role.OBSERVER else "a candidate"
    why = f": {election.reason}" if election.reason else ""
    return Text(printable(f"this node, {node}, does not lead it; it is {role} for {since} now{why}"))


def _prospect(election: ElectionView) -> str:
    if election.role is Role.HOLDER:
        return f"its lease lasts {brief(election.remaining_ms)} more unless it is renewed"
    if election.role is Role.OBSERVER:
        return ""
    if election.takeover_in_ms is None:
        return "when it could take over is unknown: too few instances answer"
    if election.leader:
        return f"it could take over in {brief(election.takeover_in_ms)}, unless the lease is renewed"
    return f"it could take over in {brief(election.takeover_in_ms)} at the earliest"


def _lines(*sentences: str) -> list[Text]:
    return [Text(sentence) for sentence in sentences if sentence]


def _section(table: Table) -> Iterable[RenderableType]:
    return (Text(""), table) if table.row_count else ()


# Single values.


def _records(instance: str, elections: Iterable[ElectionView]) -> str:
    """What one instance's records say; one text if it is the same for all elections."""
    texts = {
        election.election: _record(vote)
        for election in elections
        for vote in election.votes
        if vote.instance == instance
    }
    return _one_or_each(texts)


def _record(vote: VoteView) -> str:
    return f"held by {vote.holder}" if vote.state == "held" else vote.state


def _one_or_each(by_election: Mapping[str, str]) -> str:
    """The one value of all elections, else each with its election."""
    if len(set(by_election.values())) <= 1:
        return next(iter(by_election.values()), "")
    return ", ".join(f"{election}: {value}" for election, value in by_election.items())


def _round_trip(instance: InstanceView) -> str:
    return "" if instance.round_trip_ms is None else f"{instance.round_trip_ms:.2f}ms"


def _answered(instance: InstanceView) -> str:
    return "never" if instance.answered_ms_ago is None else _ago(instance.answered_ms_ago)


def _ago(milliseconds: int) -> str:
    return f"{brief(milliseconds)} ago"


def _remarks(node: NodeView, this_node: str) -> Iterable[str]:
    if node.name == this_node:
        yield "this node"
    if node.paused:
        yield "paused"
    if not node.fit:
        yield "unfit"
    if not node.sees_majority:
        yield "sees no majority"


def _vote(vote: VoteView, this_node: str) -> str:
    if vote.granted:
        return f"for {this_node}"
    return f"for {vote.holder}" if vote.state == "held" else ""
