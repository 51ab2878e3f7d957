"""What a machine has left, which limits it breaks, and which mounts and processes it misses."""

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from leader.agent import vitals
from leader.agent.vitals import Found
from leader.config.model import FitnessConfig
from tests.support.polling import until

WELL = Found(0.5, 60.0, free_disk_percent={"/": 40.0, "/srv": 3.0}, failures={})
HIDDEN = Found(None, None, free_disk_percent={"/": 40.0}, failures={"/gone": "Stale file handle"})


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        (FitnessConfig(max_load_per_cpu=0.4), "the load per CPU is 0.5, more than max_load_per_cpu 0.4"),
        (FitnessConfig(max_memory_percent=50.0), "60% of the memory is in use, more than max_memory 50%"),
        (
            FitnessConfig(min_free_disk_percent={"/": 2.0, "/srv": 5.0}),
            "3% of the disk at /srv is free, less than min_free_disk 5%",
        ),
    ],
)
def test_a_limit_that_is_broken_is_told_with_both_numbers(limits: FitnessConfig, complaint: str) -> None:
    """Who reads it knows which key to change, or what to mend."""
    assert vitals.broken_limits(limits, WELL) == [complaint]


def test_vitals_within_the_limits_are_no_complaint() -> None:
    """At the limit is within it."""
    limits = FitnessConfig(
        max_load_per_cpu=0.5, max_memory_percent=60.0, min_free_disk_percent={"/": 40.0, "/srv": 3.0}
    )
    assert vitals.broken_limits(limits, WELL) == []


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        (FitnessConfig(max_load_per_cpu=9.0), "the load, which max_load_per_cpu limits, cannot be read: let"),
        (
            FitnessConfig(max_memory_percent=99.0),
            "the memory in use, which max_memory limits, cannot be read",
        ),
        (
            FitnessConfig(min_free_disk_percent={"/gone": 1.0}),
            "the disk at /gone cannot be examined: Stale file handle",
        ),
    ],
)
def test_what_is_limited_and_cannot_be_read_is_a_complaint(limits: FitnessConfig, complaint: str) -> None:
    """Whether it is within the limit, nobody knows."""
    (told,) = vitals.broken_limits(limits, HIDDEN)
    assert told.startswith(complaint)


def test_what_cannot_be_read_and_is_not_limited_is_no_complaint() -> None:
    """It is not shown either."""
    assert vitals.broken_limits(FitnessConfig(min_free_disk_percent={"/": 1.0}), HIDDEN) == []
    assert HIDDEN.view() is None


def test_a_disk_that_is_not_there_is_a_failure_and_not_a_full_one() -> None:
    """The others are read all the same."""
    found = vitals.read(["/no/such/disk"])
    assert found.failures == {"/no/such/disk": "No such file or directory"}
    assert found.free_disk_percent.keys() == {"/"}


def test_a_proc_without_the_memory_hides_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a service with ProcSubset=pid sees it."""
    assert vitals.read([]).view()
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    assert vitals.read([]).memory_percent is None


def test_mounts_and_processes_that_are_required_and_absent_are_named() -> None:
    """What is there is not."""
    limits = FitnessConfig(required_mounts=("/", "/no/such/mount"), required_processes=("no-such-process",))
    assert vitals.missing(limits) == [
        "nothing is mounted at /no/such/mount, which required_mounts names",
        "no process is called no-such-process, which required_processes names",
    ]


def is_missed(name: str) -> bool:
    """Whether this required process is said not to be there."""
    return vitals.missing(FitnessConfig(required_processes=(name,))) != []


def test_a_process_that_has_ended_and_is_waited_for_does_not_run(tmp_path: Path) -> None:
    """Its parent has not looked yet; its name stands in /proc still."""
    program = tmp_path / "soon-a-zombie"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "600"]) as process:
        until(lambda: not is_missed(program.name), "it runs")
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.Process(process.pid).name() == program.name
        assert is_missed(program.name)


def test_a_long_name_is_found_in_full_and_as_ps_shows_it(tmp_path: Path) -> None:
    """The kernel keeps 15 characters; a program's command line may know more, a script's does not."""
    program, script = tmp_path / "a-very-long-program", tmp_path / "a-much-longer-script"
    program.symlink_to("/bin/sleep")
    script.write_text("#!/bin/sh\nread line\n")
    script.chmod(0o755)
    with (
        subprocess.Popen([program, "600"]) as one,
        subprocess.Popen([script], stdin=subprocess.PIPE) as other,
    ):
        try:
            for name in ("a-very-long-program", "a-very-long-pro", "a-much-longer-script", "a-much-longer-s"):
                until(lambda name=name: not is_missed(name), f"{name} is found")  # type: ignore[misc]
            for name in ("a-very-long", "a-very-long-prowler", "very-long-program"):
                assert is_missed(name)
        finally:
            one.kill()
            other.kill()
