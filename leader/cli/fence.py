"""`leader fence` as the full command line shows it; what it does is in `leader/jobs`."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="fence", short_help="Run a command only if FILE has not seen a higher term.")(fence)


def fence(
    file: str = typer.Argument(help="Keeps the highest term; made if it is not there.", metavar="FILE"),
    command: list[str] = typer.Argument(help="The command, behind --.", metavar="-- CMD…"),
    term: str = typer.Option("", "--term", help="The term, instead of LEADER_TERM.", metavar="N"),
    timeout: str = typer.Option("", "--timeout", help="How long to wait for FILE's lock.", metavar="D"),
    refused_exit: str = typer.Option("1", "--refused-exit", help="The code when it is refused.", metavar="N"),
) -> None:
    """Run a command only if FILE has not seen a higher term than LEADER_TERM, and alone under FILE.

    The term is on disk before the command starts, and FILE's lock lasts as long as the command and all that
    it left. A refusal is one line on standard error. The exit code is the command's own; 126 and 127 as a
    shell has them.
    """
    words = (file, command, term, timeout, refused_exit)
    raise AssertionError(f"answered before the command line is loaded: {words}")
