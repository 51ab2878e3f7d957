"""`leader is-leader` as the full command line shows it; the answer itself is the fast path's."""

import typer

from leader.fastpath import is_leader

UNKNOWN = 3


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="is-leader", short_help="Exit 0 only if this node leads now.")(is_leader_command)


def is_leader_command(
    election: str = typer.Argument("default", help="Which election.", metavar="ELECTION"),
    margin: str = typer.Option("", "--for", help="Only if the lease lasts that much longer.", metavar="D"),
    timeout: str = typer.Option(
        "1s", "--timeout", help="How long to be patient with the agent.", metavar="D"
    ),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Say the answer in words."),
    socket: str = typer.Option("", "--socket", help="The agent's socket.", metavar="PATH"),
) -> None:
    """Exit 0 only if this node leads now; 1 if not, 2 if there is no such election, 3 if that is unknown.

    Made for crontabs: `* * * * * leader is-leader && job`. Prints nothing on 0 and 1.
    """
    arguments = [election, "--timeout", timeout]
    arguments += ["--for", margin] if margin else []
    arguments += ["--verbose"] if verbose else []
    arguments += ["--socket", socket] if socket else []
    code = is_leader(arguments)
    raise typer.Exit(UNKNOWN if code is None else code)
