"""Runs the steps of a group side by side, each for as long as it may take, and keeps what they measure.

A step is a process of its own that writes each row to a file as soon as it is measured; that file becomes the
step's results once it ends, however it ends. Whatever processes it leaves behind are killed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leader.clock import now_ns, utc_iso, wall_ms
from leader.jobs.tree import kill_all
from tests.benchmarks import surroundings
from tests.benchmarks.plan import GRACE_S, Group, Step
from tests.benchmarks.results import as_lines, keep, path_of
from tests.benchmarks.rows import OWN, RECORD, Row, say
from tests.benchmarks.runs import Run

TOLD_EACH_S, LOOKS_EACH_S, UNWINDS_WITHIN_S = 120.0, 0.2, 60.0
NICE = ("nice", "-n", "19")


@dataclass(slots=True)
class Session:
    """What all steps of one call have in common."""

    out: Path
    quick: bool
    minutes: float | None
    """Of each burden of `load`, instead of those of the plan."""
    whole: str
    machine: str
    versions: str


class Running:
    """One step, from its start to its end."""

    def __init__(self, step: Step, group: Group, session: Session) -> None:
        self._step, self._session = step, session
        self._beside = tuple(other.slug for other in group if other is not step)
        self._began, self._began_ns, self._load = minute(), now_ns(), surroundings.load()
        self._rows = path_of(session.out, step.slug).with_suffix(".part")
        self._complaints = self._rows.with_suffix(".err")
        self._rows.parent.mkdir(parents=True, exist_ok=True)
        self._rows.write_text("")
        minutes = session.minutes if session.minutes and step.program == "load" else None
        self._planned_s = 60 * (minutes or step.planned(quick=session.quick))
        self._late, self._ended_ns = False, 0
        words = [*step.command(quick=session.quick), *(["--minutes", str(minutes)] if minutes else [])]
        command = [sys.executable, "-m", f"tests.benchmarks.{step.program}", *words]
        with self._complaints.open("wb") as complaints:
            self.process = subprocess.Popen(
                [*NICE, *command] if step.yields else command,
                env={**os.environ, RECORD: str(self._rows)},
                stderr=complaints,
                process_group=0,
            )

    def __str__(self) -> str:
        spent_s = (now_ns() - self._began_ns) / 1e9
        return f"{self._step.name}, {spent_s / 60:.0f} of {self._planned_s / 60:.0f} min"

    @property
    def is_alive(self) -> bool:
        """Whether its process runs; the first no is taken for the moment of its end."""
        if self.process.poll() is None:
            return True
        self._ended_ns = self._ended_ns or now_ns()
        return False

    @property
    def left_s(self) -> float:
        """For how long it may still run."""
        return 2 * self._planned_s + GRACE_S - (now_ns() - self._began_ns) / 1e9

    def end(self, *, late: bool = False) -> None:
        """Have it end what it started, and end; then make sure of that."""
        self._late |= late
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            try:
                self.process.wait(UNWINDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def keep(self) -> Run:
        """Turn what it recorded into results; if it failed, with a row that says so."""
        run = Run(
            self._step.slug,
            self._session.whole,
            self._began,
            round(((self._ended_ns or now_ns()) - self._began_ns) / 1e9, 1),
            round(self._load, 2),
            self._session.quick,
            self.process.returncode,
            self._beside,
            self._session.machine,
            self._session.versions,
        )
        rows = self._rows.read_text(encoding="utf-8")
        rows += "" if run.is_complete else as_lines((self._failure(),))
        keep(self._session.out, run, rows)
        self._rows.unlink()
        self._complaints.unlink()
        return run

    def _failure(self) -> Row:
        said = self._complaints.read_text(encoding="utf-8", errors="replace")
        print(said, file=sys.stderr, flush=True)
        lines = [line for line in said.splitlines() if line.strip()]
        why = "it took too long" if self._late else lines[-1] if lines else f"exit {self.process.returncode}"
        return Row(self._step.program, f"all of {self._step.name}", OWN, (), f"failed: {why}")


def minute() -> str:
    """The wall clock, such as `2026-01-31 12:00`."""
    return utc_iso(wall_ms())[:16].replace("T", " ")


def run_together(group: Group, session: Session) -> list[Run]:
    """Run them to their ends; none is left when this returns, or is interrupted."""
    say(f"== {', '.join(step.name for step in group)}")
    running = [Running(step, group, session) for step in group]
    runs = []
    try:
        while left := [each for each in running if each.is_alive]:
            wait_for(left)
    finally:
        for each in running:
            each.end()
            runs.append(each.keep())
            say(f"   {runs[-1].step} took {runs[-1].seconds / 60:.1f} min, exit {runs[-1].code}")
        kill_all(running[0].process.pid)
    return runs


def wait_for(left: Sequence[Running]) -> None:
    """Wait for the end of the first of them for a while; say that they run; end those that ran too long."""
    until_ns = now_ns() + int(min(TOLD_EACH_S, *(max(1.0, each.left_s) for each in left)) * 1e9)
    while now_ns() < until_ns:
        if not all(each.is_alive for each in left):
            return
        time.sleep(LOOKS_EACH_S)
    say(f"   still {'; '.join(map(str, left))}")
    for each in left:
        if each.left_s <= 0:
            each.end(late=True)
