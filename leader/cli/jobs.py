"""`leader jobs`: what `once` ran, where and when, with which result; missed and interrupted ticks."""

from typing import Annotated

import typer

from leader.cli.asking import AsJson, SocketOption, Timeout, client
from leader.cli.output import show, show_json
from leader.errors import Refused
from leader.tui.jobs import job_table, run_table
from leader.tui.read import read_job

Job = Annotated[
    str,
    typer.Argument(
        help="One job, with all its last ticks; without it, all jobs.", metavar="JOB", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="jobs", short_help="Show what `once` ran, and what was missed.")(jobs)


def jobs(job: Job = "", as_json: AsJson = False, socket: SocketOption = "", timeout: Timeout = "5s") -> None:
    """Show each job's last ticks: running, done, failed, stopped, interrupted or missed."""
    agent = client(socket, timeout)
    found = agent.jobs(job)
    if job and not found:
        raise Refused(f"no tick of job {job!r} is known: `leader jobs` shows those that are")
    if as_json:
        show_json(found[0] if job else {"jobs": found})
        return
    views = [read_job(entry) for entry in found]
    show(run_table(views[0]) if job else job_table(views))
