"""`leader once` as the full command line shows it; what it does is in `leader/jobs`."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="once", short_help="Run a command at most once per tick in the whole cluster.")(once)


def once(  # noqa: PLR0913, PLR0917 - one for each option
    job: str = typer.Argument(help="The job's name, the same on every node.", metavar="JOB"),
    command: list[str] = typer.Argument(help="The command, behind --.", metavar="-- CMD…"),
    election: str = typer.Option("default", "--election", help="Whose leader runs it.", metavar="ELECTION"),
    gap: str = typer.Option(
        "45s", "--gap", help="No second start within; less than the period.", metavar="D"
    ),
    wait: str = typer.Option(
        "", "--wait", help="How long to wait for a claim: two leases, at most gap - 15s.", metavar="D"
    ),
    overlap: str = typer.Option(
        "allow", "--overlap", help="While the last run still runs: allow or skip.", metavar="allow|skip"
    ),
    rerun_interrupted: bool = typer.Option(
        False, "--rerun-interrupted", help="Start a tick again whose node died; it may run twice."
    ),
    stop_on_loss: bool = typer.Option(False, "--stop-on-loss", help="Stop it when leadership is lost."),
    max_run: str = typer.Option("", "--max-run", help="Stop it after so long.", metavar="D"),
    skipped_exit: str = typer.Option("0", "--skipped-exit", help="The code of a tick not ours.", metavar="N"),
    socket: str = typer.Option("", "--socket", help="The agent's socket.", metavar="PATH"),
) -> None:
    """Run a command at most once per tick: for crontabs that are the same on every node.

    A tick is a call; the leader claims it on the quorum, and the others leave as soon as they see that. While
    there is no leader they wait. The exit code is the command's own; 0 if another node has the tick; 75 if it
    was stopped, or nothing could be decided.
    """
    words = (job, command, election, gap, wait, overlap, rerun_interrupted, stop_on_loss, max_run)
    raise AssertionError(f"answered before the command line is loaded: {words, skipped_exit, socket}")
