"""`leader status` without the whole command line: the cluster as this node sees it, or one election."""

from leader.api.client import Client
from leader.cli.output import show, show_json
from leader.cli.question import client, understood
from leader.errors import AgentUnreachable, UnknownElection, UsageError
from leader.jobs.options import scan
from leader.protocol.snapshot import AgentView, ElectionView, LeadershipView
from leader.tui.read import read_agent, read_history
from leader.tui.status import overview

TIMEOUT = "1s"


def main(arguments: list[str]) -> int | None:
    """Show what these words ask for; None if help is asked for, which the whole command line gives.

    Raises:
        UsageError: they are not what the command takes.
    """
    words = scan(arguments, ("--socket", "--timeout"), ("--json",))
    if words is None:
        return None
    election, *more = [*words.names, *words.command] or [""]
    if more:
        raise UsageError(f"status takes one election, not {more[0]!r} as well: see `leader status --help`")
    timeout = words.values.get("--timeout", TIMEOUT)
    look(client(words.values.get("--socket", ""), timeout), election, as_json="--json" in words.values)
    return 0


def look(agent: Client, election: str, *, as_json: bool) -> None:
    """Ask the agent, and show its answer."""
    if as_json:
        show_json(agent.election(election) if election else agent.status())
        return
    view = ask(agent)
    if election:
        from leader.tui.election import explanation  # noqa: PLC0415 - loads what the overview can do without

        show(*explanation(view, find(view, election), past(agent)))
    else:
        show(*overview(view))


def ask(agent: Client) -> AgentView:
    """All that the agent knows.

    Raises:
        AgentUnreachable: it does not answer, or says what this version does not understand.
    """
    return understood(agent, agent.status(), read_agent)


def past(agent: Client) -> tuple[LeadershipView, ...]:
    """The leaderships that the agent remembers; an older one has none to tell."""
    try:
        return read_history(agent.history()).leaderships
    except (AgentUnreachable, ValueError):
        return ()


def find(view: AgentView, election: str) -> ElectionView:
    """One election of those there are.

    Raises:
        UnknownElection: there is none of that name.
    """
    for there in view.elections:
        if there.election == election:
            return there
    names = ", ".join(sorted(there.election for there in view.elections)) or "none"
    raise UnknownElection(f"there is no election {election!r}; there is: {names}")
