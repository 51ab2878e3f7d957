"""What `leader jobs` shows: pure functions from the read model to what is printed."""

from collections.abc import Iterable

from leader.protocol.snapshot import JobView, RunView
from leader.tui.table import NOTHING, Column, Table
from leader.tui.text import Cell
from leader.tui.words import brief, cell

STATE_STYLES = {
    "running": "bold green",
    "failed": "red",
    "stopped": "yellow",
    "interrupted": "bold red",
    "missed": "bold red",
}
LAST = (
    Column("STATE"),
    Column("NODE", least=8),
    Column("AGO"),
    Column("TOOK", rank=2),
    Column("CODE", rank=3),
)


def job_table(jobs: Iterable[JobView]) -> Table:
    """Each job with its last tick, and how many of those that are kept were missed or interrupted."""
    table = Table(Column("JOB", least=12), *LAST, Column("MISSED", rank=1), Column("INTERRUPTED", rank=1))
    for job in jobs:
        if job.runs:
            counts = (cell(str(count or NOTHING)) for count in (job.missed, job.interrupted))
            table.add_row(cell(job.job), *_last(job.runs[0]), *counts)
    return table


def run_table(job: JobView) -> Table:
    """The last ticks of one job, the newest first."""
    table = Table(Column("TICK"), *LAST, Column("TERM", rank=4))
    for run in job.runs:
        table.add_row(cell(run.tick), *_last(run), cell(str(run.term) if run.term else ""))
    return table


def _last(run: RunView) -> list[Cell]:
    code = NOTHING if run.code is None else str(run.code)
    return [
        cell(run.state, STATE_STYLES.get(run.state, "")),
        cell(run.node),
        cell(brief(run.ms_ago)),
        cell(brief(run.duration_ms)),
        cell(code),
    ]
