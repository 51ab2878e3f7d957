"""Which jobs a hand-over waits for."""

from leader import clock
from leader.agent.guards import Guards
from tests.support.polling import eventually

Change = dict[str, object]
MUST_END: Change = {"event": "ends", "election": "default", "term": 7}


def made(*, returning_until: int = 0) -> tuple[Guards, list[str]]:
    """The guards of an agent, and the elections in which one has left."""
    left: list[str] = []
    guards = Guards(returning_until=returning_until)
    guards.ended = left.append
    return guards, left


def test_without_a_job_a_hand_over_waits_for_nothing() -> None:
    """None is there, so none has to leave."""
    guards, _ = made()
    guards.end("default", 7)
    assert guards.are_gone("default")


def test_each_job_is_told_and_all_are_waited_for() -> None:
    """Those of another election are left alone."""
    guards, left = made()
    told: list[Change] = []
    leaves = [guards.join("default", told.append) for _ in range(2)]
    guards.join("reports", told.append)
    guards.end("default", 7)
    assert told == [MUST_END, MUST_END]
    leaves[0]()
    assert not guards.are_gone("default")
    leaves[1]()
    assert guards.are_gone("default")
    assert left == ["default", "default"]


def test_a_job_that_joins_while_jobs_are_ended_must_end_too() -> None:
    """It may have asked just before."""
    guards, _ = made()
    guards.join("default", lambda _change: None)
    guards.end("default", 7)
    told: list[Change] = []
    guards.join("default", told.append)
    assert told == [MUST_END]


def test_a_new_leadership_does_not_end_its_jobs_for_the_last_one() -> None:
    """Those of the last one had to end; these may run."""
    guards, _ = made()
    guards.end("default", 7)
    guards.begin("default")
    told: list[Change] = []
    guards.join("default", told.append)
    assert told == []


async def test_jobs_of_the_process_before_have_time_to_come_back() -> None:
    """After a restart with a leadership to resume, no job may only mean that it has not joined again yet."""
    guards, left = made(returning_until=clock.now_ns() + 50_000_000)
    guards.end("default", 7)
    assert not guards.are_gone("default")
    await eventually(lambda: left == ["default"])
    assert guards.are_gone("default")
