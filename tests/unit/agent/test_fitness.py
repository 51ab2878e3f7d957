"""Fit or not: how many checks in a row it takes, and what a check finds."""

import pytest

from leader.agent import vitals
from leader.agent.fitness import Judgement
from leader.config.model import FitnessConfig
from leader.protocol.snapshot import VitalsView

WELL = VitalsView(load_per_cpu=0.5, memory_percent=60.0, free_disk_percent={"/": 40.0, "/srv": 3.0})


@pytest.mark.parametrize(
    ("fit", "checks", "then"),
    [
        (None, "+", True),
        (None, "-", False),
        (True, "--", True),
        (True, "---", False),
        (True, "--+--", True),
        (False, "+", False),
        (False, "++", True),
        (False, "+-+", False),
        (False, "++--", True),
        (False, "++---", False),
    ],
)
def test_so_many_checks_in_a_row_change_the_judgement(
    fit: bool | None,  # noqa: FBT001  a parameter of the test
    checks: str,
    then: bool,  # noqa: FBT001
) -> None:
    """Three bad ones make unfit, two good ones fit again, and the very first decides alone."""
    judgement = Judgement(rise=2, fall=3, fit=fit)
    for check in checks:
        judgement.take(is_good=check == "+")
    assert judgement.fit is then


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


def test_a_disk_that_is_not_there_is_a_failure_and_not_a_full_one() -> None:
    """The others are read all the same."""
    view, failures = vitals.read(["/no/such/disk"])
    assert failures == ["the disk at /no/such/disk cannot be examined: No such file or directory"]
    assert view.free_disk_percent.keys() == {"/"}


def test_mounts_and_processes_that_are_required_and_absent_are_named() -> None:
    """What is there is not."""
    limits = FitnessConfig(required_mounts=("/", "/no/such/mount"), required_processes=("no-such-process",))
    assert vitals.missing(limits) == [
        "nothing is mounted at /no/such/mount, which required_mounts names",
        "no process is called no-such-process, which required_processes names",
    ]


def test_only_a_configuration_that_asks_for_something_can_make_unfit() -> None:
    """Counts and intervals alone ask for nothing."""
    assert not FitnessConfig(rise=5, fall=1).asks_for_something
    assert FitnessConfig(required_mounts=("/",)).asks_for_something
    assert FitnessConfig(max_load_per_cpu=8.0).asks_for_something
