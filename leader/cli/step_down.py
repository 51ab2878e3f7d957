"""`leader step-down`: hands the leadership of an election over to another node."""

import sys
from time import sleep
from typing import Annotated

import typer

from leader.api.client import Client
from leader.api.patience import Patience
from leader.cli.asking import SocketOption, Timeout
from leader.cli.question import MS_PER_SECOND, client, duration
from leader.errors import AgentUnreachable

QUESTION = "1s"
SEEN_WITHIN_S = 1.0

Election = Annotated[str, typer.Argument(help="The election.", metavar="ELECTION")]
To = Annotated[str, typer.Option("--to", help="The node that is to lead next.", metavar="NODE")]
Drain = Annotated[bool, typer.Option("--drain", help="Wait until no job of this election runs here.")]
Force = Annotated[bool, typer.Option("--force", help="Even if no other node seems able to lead.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="step-down", short_help="Hand leadership over.")(step_down)


def step_down(  # the options of a command
    election: Election = "default",
    to: To = "",
    drain: Drain = False,
    force: Force = False,
    socket: SocketOption = "",
    timeout: Timeout = "5m",
) -> None:
    """Hand leadership over, to the best-ranked candidate or to the one named; then rest for one lease.

    Jobs under `leader run` are ended first; --drain waits for them, and for those of `leader once`, while no
    new one starts here. Refused where this node does not lead, or no other node is able to.
    """
    agent = client(socket, QUESTION)
    agent.leadership(election)
    patience_s = (duration("--timeout", timeout) or 0) / MS_PER_SECOND
    if drain:
        tell_work(agent, election)
    done = agent.step_down(election, to=to or None, drain=drain, force=force, timeout=patience_s)
    successor = done["successor"] or "nobody"
    print(f"{done['node']} has stepped down from {election} (term {done['term']}), and named {successor}")
    tell_leader(agent, election, done["node"])


def tell_work(agent: Client, election: str) -> None:
    """Say what is waited for."""
    running = agent.work(election)
    if running:
        print(f"waits for {running} to end; Ctrl-C ends the waiting, and changes nothing", file=sys.stderr)


def tell_leader(agent: Client, election: str, before: str) -> None:
    """Say who leads now, if somebody does within a moment."""
    patience = Patience(SEEN_WITHIN_S)
    while (pause_s := patience.pause_s()) is not None:
        try:
            leadership = agent.leadership(election)
        except AgentUnreachable:
            return
        if leadership.holder and leadership.holder != before:
            print(f"{leadership.holder} leads {election} now (term {leadership.term})")
            return
        sleep(pause_s)
