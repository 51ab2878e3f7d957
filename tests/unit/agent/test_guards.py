"""Which jobs a hand-over waits for."""

from leader import clock
from leader.agent.guards import Guards
from tests.support.polling import eventually

Change = dict[str, object]
MUST_END: Change = {"event": "ends", "election": "default", "term": 7}


def made(*, returning_until: int = 0) -> tuple[Guards, list[tuple[str, int]]]:
    """The guards of an agent, and the leaderships whose jobs have ended."""
    ended: list[tuple[str, int]] = []
    return Guards(lambda *which: ended.append(which), returning_until=returning_until), ended


def test_without_a_job_a_hand_over_waits_for_nothing() -> None:
    """It is told in the same moment."""
    guards, ended = made()
    guards.end("default", 7)
    assert ended == [("default", 7)]


def test_each_job_is_told_and_all_are_waited_for() -> None:
    """Those of another election are left alone."""
    guards, ended = made()
    told: list[Change] = []
    leaves = [guards.join("default", told.append) for _ in range(2)]
    guards.join("reports", told.append)
    guards.end("default", 7)
    assert told == [MUST_END, MUST_END]
    leaves[0]()
    assert ended == []
    leaves[1]()
    assert ended == [("default", 7)]


def test_a_job_that_joins_while_jobs_are_ended_must_end_too() -> None:
    """It may have asked just before."""
    guards, ended = made()
    leave_first = guards.join("default", lambda _change: None)
    guards.end("default", 7)
    told: list[Change] = []
    leave_second = guards.join("default", told.append)
    assert told == [MUST_END]
    leave_first()
    assert ended == []
    leave_second()
    assert ended == [("default", 7)]


def test_a_new_leadership_does_not_end_its_jobs_for_the_last_one() -> None:
    """A job of the last one that was too slow is nobody's concern any more: its deadline has passed."""
    guards, ended = made()
    slow = guards.join("default", lambda _change: None)
    guards.end("default", 7)
    guards.begin("default")
    told: list[Change] = []
    guards.join("default", told.append)
    slow()
    assert (told, ended) == ([], [])


async def test_jobs_of_the_process_before_have_time_to_come_back() -> None:
    """After a restart with a leadership to resume, no job may only mean that it has not joined again yet."""
    guards, ended = made(returning_until=clock.now_ns() + 50_000_000)
    guards.end("default", 7)
    assert ended == []
    await eventually(lambda: ended == [("default", 7)])
