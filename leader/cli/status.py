"""`leader status`: the cluster as this node sees it, or one election in detail, with the reasons."""

from typing import Annotated

import typer

from leader.api.client import Client
from leader.cli.asking import AsJson, SocketOption, Timeout, client
from leader.cli.output import show, show_json
from leader.errors import AgentUnreachable, UnknownElection
from leader.protocol.snapshot import AgentView, ElectionView, LeadershipView
from leader.tui.election import explanation
from leader.tui.read import read_agent, read_leaderships
from leader.tui.status import overview

Election = Annotated[
    str, typer.Argument(help="One election in detail; without it, the whole cluster.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="status", short_help="Show leaders, instances and nodes.")(status)


def status(
    election: Election = "", as_json: AsJson = False, socket: SocketOption = "", timeout: Timeout = "1s"
) -> None:
    """Show who leads, which instances vote, which nodes there are; for one election, why and since when."""
    agent = client(socket, timeout)
    if as_json:
        show_json(agent.election(election) if election else agent.status())
        return
    view = ask(agent)
    if election:
        show(*explanation(view, find(view, election), past(agent)))
    else:
        show(*overview(view))


def ask(agent: Client) -> AgentView:
    """All that the agent knows.

    Raises:
        AgentUnreachable: it does not answer, or says what this version does not understand.
    """
    try:
        return read_agent(agent.status())
    except ValueError as error:
        raise AgentUnreachable(
            f"the agent at {agent.socket_path} is of another version ({error}): "
            "restart it, or ask it with its own `leader status`"
        ) from None


def past(agent: Client) -> list[LeadershipView]:
    """The leaderships that the agent remembers; an older one has none to tell."""
    try:
        return read_leaderships(agent.history())
    except (AgentUnreachable, ValueError):
        return []


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
