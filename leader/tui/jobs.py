"""What `leader jobs` shows: pure functions from the read model to what rich prints."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from leader.protocol.snapshot import JobView, RunView
from leader.tui.words import NOTHING, brief, cell, columns

STATE_STYLES = {
    "running": "bold green",
    "failed": "red",
    "stopped": "yellow",
    "interrupted": "bold red",
    "missed": "bold red",
}


def job_table(jobs: Iterable[JobView]) -> Table:
    """Each job with its last tick, and how many of those that are kept were missed or interrupted."""
    table = columns("JOB", "STATE", "NODE", "AGO", "TOOK", "CODE", "MISSED", "INTERRUPTED")
    for job in jobs:
        if job.runs:
            counts = (cell(str(count or NOTHING)) for count in (job.missed, job.interrupted))
            table.add_row(cell(job.job), *_last(job.runs[0]), *counts)
    return table


def run_table(job: JobView) -> Table:
    """The last ticks of one job, the newest first."""
    table = columns("TICK", "STATE", "NODE", "AGO", "TOOK", "CODE", "TERM")
    for run in job.runs:
        table.add_row(cell(run.tick), *_last(run), cell(str(run.term) if run.term else ""))
    return table


def _last(run: RunView) -> list[Text]:
    code = NOTHING if run.code is None else str(run.code)
    return [
        cell(run.state, STATE_STYLES.get(run.state, "")),
        cell(run.node),
        cell(brief(run.ms_ago)),
        cell(brief(run.duration_ms)),
        cell(code),
    ]
