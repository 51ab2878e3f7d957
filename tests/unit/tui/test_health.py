"""What `leader health` says of what an agent knows."""

from dataclasses import replace

import pytest

from leader.protocol.snapshot import IncidentView, JobView, PauseView, RunView
from leader.tui.health import Known, Severity, line, verdict
from tests.unit.tui.examples import CLUSTER, DEFAULT, LED, instance

MINUTE_MS = 60_000
ALL_UP = tuple(instance(name) for name in "abcde")
WELL = replace(CLUSTER, tolerates=2, verdict="5 of 5 instances answer; 2 more may fail", instances=ALL_UP)


def known(view: object = WELL, **changes: object) -> Known:
    """What is judged where the election has a leader, and nothing else happened."""
    base = Known(WELL, (DEFAULT,), (), ())
    return replace(base, agent=view, **changes)  # type: ignore[arg-type]


def job(state: str, ms_ago: int, *, more: tuple[RunView, ...] = ()) -> JobView:
    """A job whose last tick ended so, so long ago."""
    run = RunView("2026-01-31T12:00:00Z", state, "web-1", 1, ms_ago, None, None)
    return JobView("report", "default", 0, 0, (run, *more))


def jump(ms_ago: int) -> IncidentView:
    """The clock jumped, so long ago."""
    return IncidentView(
        "clock-jumped", "2026-01-31T12:00:00Z", ms_ago, 90_000, "the wall clock jumped by 1m30s"
    )


def test_a_standby_is_well_and_names_the_leader() -> None:
    """It leads nothing, and that is no fault."""
    severity, said = verdict(known())
    assert severity is Severity.OK
    assert said == (
        "LEADER OK - default: web-1 leads; 5 of 5 instances answer; 2 more may fail | "
        "instances=5;5:;3:;0;5 leaderless=0;;0;0;1 led=0;;;0;1 nodes=3;;;0 round_trip=0.000418s;;;0"
    )


def test_a_leader_says_how_long_its_lease_lasts() -> None:
    """The shortest of all that it leads, in the performance data."""
    severity, said = verdict(known(elections=(LED, DEFAULT)))
    assert severity is Severity.OK
    assert "default: this node leads" in said
    assert " led=1;;;0;2 " in said
    assert " lease_remaining=8.234s;;;0;10 " in said


def test_many_elections_stay_one_short_line() -> None:
    """Only the first few are named."""
    many = tuple(replace(DEFAULT, election=f"e{number}") for number in range(50))
    assert "e2: web-1 leads; 47 more elections; 5 of 5" in verdict(known(elections=many))[1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (known(elections=(replace(DEFAULT, leader=""),)), "nobody leads default"),
        (known(replace(WELL, tolerates=-1, verdict="no majority: 2 of 5 instances answer")), "no majority"),
    ],
)
def test_no_leader_and_no_majority_are_critical(changed: Known, said: str) -> None:
    """Exit code 2."""
    severity, text = verdict(changed)
    assert (severity, int(severity)) == (Severity.CRITICAL, 2)
    assert text.startswith(f"LEADER CRITICAL - {said}")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (known(CLUSTER), "instance e does not answer at e:6379: start it, or mend the network between"),
        (known(replace(WELL, pause=PauseView("kernel", "uid 0", "", None))), "this node is paused: kernel"),
        (
            known(replace(WELL, pause=PauseView("", "uid 0", "", None))),
            "this node is paused: no reason was given",
        ),
        (known(replace(WELL, unfit="the disk is full")), "this node is unfit: the disk is full"),
        (
            known(elections=(replace(DEFAULT, barred="instance a keeps another list"),) * 2),
            "this node may claim nothing: instance a keeps another list",
        ),
        (
            known(jobs=(job("missed", MINUTE_MS),)),
            "a tick of job report missed in the last hour, the last 1m ago",
        ),
        (
            known(jobs=(job("interrupted", MINUTE_MS, more=job("interrupted", 2 * MINUTE_MS).runs),)),
            "2 ticks of job report interrupted in the last hour, the last 1m ago",
        ),
        (known(incidents=(jump(MINUTE_MS),)), "the wall clock jumped by 1m30s 1m ago"),
    ],
)
def test_what_is_to_be_looked_at_is_a_warning(changed: Known, said: str) -> None:
    """Exit code 1: an instance down, this node paused or unfit, something lost or odd in the last hour."""
    severity, text = verdict(changed)
    assert (severity, int(severity)) == (Severity.WARNING, 1)
    assert text.split(" | ")[0] == f"LEADER WARNING - {said}"


def test_what_is_more_than_an_hour_ago_is_told_no_more() -> None:
    """An alarm that nobody can end is one that nobody reads."""
    hour_ms = 60 * MINUTE_MS
    old = known(jobs=(job("missed", hour_ms), job("interrupted", hour_ms)), incidents=(jump(hour_ms),))
    assert verdict(old)[0] is Severity.OK


def test_a_job_that_failed_is_not_the_clusters_fault() -> None:
    """The job's own monitoring tells of it."""
    assert verdict(known(jobs=(job("failed", MINUTE_MS),)))[0] is Severity.OK


def test_the_worst_comes_first_and_all_is_told() -> None:
    """One line has all that is wrong."""
    severity, text = verdict(known(CLUSTER, elections=(replace(DEFAULT, leader=""),)))
    assert severity is Severity.CRITICAL
    assert text.startswith("LEADER CRITICAL - nobody leads default; instance e does not answer")


def test_what_others_wrote_neither_breaks_the_line_nor_begins_performance_data() -> None:
    """A reason with a bar or a line's end in it stays within its line."""
    assert line(Severity.WARNING, "a|b\nc") == "LEADER WARNING - a/b?c"
