"""`leader run` as the full command line shows it; what it does is in `leader/jobs`."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="run", short_help="Run a command only while this node leads.")(run)


def run(
    election: str = typer.Argument("default", help="Which election.", metavar="ELECTION"),
    command: list[str] = typer.Argument(help="The command, behind --.", metavar="-- CMD…"),
    grace: str = typer.Option("", "--grace", help="SIGTERM so long before the deadline.", metavar="D"),
    timeout: str = typer.Option("", "--timeout", help="How long to wait to lead.", metavar="D"),
    forever: bool = typer.Option(False, "--forever", help="When it was stopped, wait to lead again."),
    socket: str = typer.Option("", "--socket", help="The agent's socket.", metavar="PATH"),
) -> None:
    """Wait until this node leads, and run a command with LEADER_TERM and the like in its environment.

    When leadership may end, the command gets SIGTERM, then SIGKILL, with all that it started, before another
    node can lead. The exit code is the command's own; 75 if it was stopped, or never started.
    """
    words = (election, command, grace, timeout, forever, socket)
    raise AssertionError(f"answered before the command line is loaded: {words}")
