"""Tests of how `make bench` runs its steps: which, for how long, and what becomes of one that fails."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.plan import PLAN, STEPS, Step, chosen, fitting, minutes_of, timetable
from tests.benchmarks.results import known
from tests.benchmarks.rows import MISSED, Row
from tests.benchmarks.runs import Run
from tests.support.agents import PROJECT

ROW = '{"part": "p", "case": "c", "who": "leader", "figures": [], "how": "absent: x"}'
RECORDS = f"import os; open(os.environ['LEADER_BENCH_RECORD'], 'a').write('''{ROW}\\n''')"
SESSION = "Session(Path(), False, None, '2026-01-02 03:04', 'a machine', 'versions')"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A place for programs that are run as those of the benchmarks are."""
    package = tmp_path / "tests" / "benchmarks"
    package.mkdir(parents=True)
    return package


def run_together(directory: Path, steps: str, before: str = "") -> None:
    """Run them as one group, in a process of its own, since that kills all that descends from it."""
    program = (
        "from pathlib import Path\n"
        "from leader.jobs.tree import adopt_orphans\n"
        "from tests.benchmarks import running\n"
        "from tests.benchmarks.plan import Step\n"
        "from tests.benchmarks.running import Session, run_together\n"
        f"{before}\nadopt_orphans()\nrun_together(({steps},), {SESSION})\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{directory}:{PROJECT}"}
    subprocess.run([sys.executable, "-c", program], cwd=directory, env=environment, check=True)


def kept(directory: Path, slug: str) -> tuple[Run, list[Row]]:
    """What is known of a step after that."""
    found = known(directory, slug)
    assert found is not None
    return found[0], list(found[1])


def test_an_hour_of_load_and_all_that_peers_have_too_come_first_and_within_105_minutes() -> None:
    """What is left out for want of time is what the agent is compared with nobody in."""
    load = [group for group in PLAN if group[0].program == "load"]
    assert 60 <= sum(minutes_of(group, quick=False) for group in load) <= 63
    fit = {step.program for group in fitting(PLAN, 105, quick=False) for step in group}
    assert fit >= {
        "hot_path",
        "question",
        "start",
        "api",
        "failover",
        "footprint",
        "scale",
        "simulated",
        "load",
    }
    assert fitting(PLAN, 10_000, quick=False) == list(PLAN)
    assert fitting(PLAN, 0.5, quick=False) == []


def test_steps_are_chosen_by_program_or_by_name_and_a_quick_run_leaves_out_the_long_ones() -> None:
    """Those of a group stay side by side."""
    assert [step for group in chosen([], quick=False) for step in group] == list(STEPS)
    assert {step.program for group in chosen(["failover"], quick=False) for step in group} == {"failover"}
    ((step,),) = chosen(["failover-lease-5-s"], quick=False)
    assert step.command(quick=False) == ("crashes", "--lease", "5")
    assert chosen(["failover-lease-5-s"], quick=True) == []


def test_the_timetable_says_when_each_group_begins_and_what_it_takes_in_all() -> None:
    """Steps side by side take as long as the longest of them."""
    groups = [(Step("one", minutes=61),), (Step("two", minutes=2), Step("three", minutes=4.5))]
    assert timetable(groups, quick=False).splitlines() == [
        "begins  minutes  what",
        " +0:00     61.0  one",
        " +1:01      4.5  two, three, side by side",
        "in all 66 minutes",
    ]


def test_rows_of_steps_side_by_side_are_kept_whether_they_reach_their_goals_or_fail(
    programs: Path, tmp_path: Path
) -> None:
    """One that fails keeps the rows that it has measured, and a row says why it failed."""
    (programs / "good.py").write_text(f"{RECORDS}; raise SystemExit({MISSED})")
    (programs / "bad.py").write_text(f"{RECORDS}; raise OSError('no room')")
    run_together(tmp_path, "Step('good'), Step('bad', yields=True)")
    run, rows = kept(tmp_path, "good")
    assert (run.code, run.beside, [row.case for row in rows]) == (MISSED, ("bad",), ["c"])
    run, rows = kept(tmp_path, "bad")
    assert (run.is_complete, run.beside) == (False, ("good",))
    assert [(row.case, row.how) for row in rows] == [
        ("c", "absent: x"),
        ("all of bad", "failed: OSError: no room"),
    ]
    assert {path.suffix for path in (tmp_path / "results").iterdir()} == {".jsonl"}


def test_a_step_that_runs_far_too_long_is_ended_with_all_that_it_started(
    programs: Path, tmp_path: Path
) -> None:
    """It may unwind first; a process that it left in a session of its own is killed."""
    child = "import signal; signal.pause()"
    (programs / "long.py").write_text(
        "import os, signal, subprocess, sys\n"
        f"{RECORDS}\n"
        "try:\n"
        f"    child = subprocess.Popen([sys.executable, '-c', '{child}'], start_new_session=True)\n"
        "    open('new', 'w').write(str(child.pid))\n"
        "    os.rename('new', 'child')\n"
        "    signal.pause()\n"
        "finally:\n"
        "    open('unwound', 'w').close()\n"
    )
    run_together(
        tmp_path,
        "Step('long')",
        before="running.TOLD_EACH_S = 0.1\n"
        "running.Running.left_s = property(lambda step: 0 if Path('child').exists() else 60)",
    )
    run, rows = kept(tmp_path, "long")
    assert run.code == -signal.SIGINT
    assert (tmp_path / "unwound").exists()
    assert [row.how for row in rows] == ["absent: x", "failed: it took too long"]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "child").read_text()), 0)


def test_a_step_is_told_its_own_words() -> None:
    """In full and quick; a step without quick words has no part in a quick run."""
    step = Step("one", words=("a",), quick=("b",))
    assert (step.command(quick=False), step.command(quick=True)) == (("a",), ("b",))
