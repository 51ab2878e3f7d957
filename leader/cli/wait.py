"""`leader wait`: blocks until this node leads, or some node does."""

import typer

from leader.api.client import Client
from leader.cli.asking import duration


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="wait", short_help="Block until this node leads.")(wait)


def wait(
    election: str = typer.Argument("default", help="Which election.", metavar="ELECTION"),
    some_node: bool = typer.Option(False, "--any", help="Until some node leads, not this one."),
    timeout: str = typer.Option(
        "", "--timeout", help="How long to be patient; without it, for ever.", metavar="D"
    ),
    socket: str = typer.Option("", "--socket", help="The agent's socket.", metavar="PATH"),
) -> None:
    """Block until this node leads: exit 0 then, 1 when the time is over, 3 if no answer ever came."""
    patience_ms = duration("--timeout", timeout)
    seconds = None if patience_ms is None else patience_ms / 1000
    reached = Client(socket or None).wait(election, any_node=some_node, timeout=seconds)
    raise typer.Exit(0 if reached else 1)
