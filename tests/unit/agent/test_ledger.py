"""What a node remembers of the runs of jobs."""

from leader.agent.ledger import MOST_JOBS, Ledger
from leader.protocol.events import NS_PER_MS
from leader.protocol.runs import LONGEST_LEDGER, Run, RunState

ALIVE = {"a"}


def run(
    nonce: str, state: RunState = RunState.RUNNING, *, age_ms: int = 0, job: str = "j", node: str = "a"
) -> Run:
    """A run in few words."""
    return Run(job, nonce, state, node, "default", 7, 0, age_ms, 5, 3)


def test_ages_are_counted_by_this_hosts_clock() -> None:
    """What was 10 ms old then is older now."""
    ledger = Ledger()
    ledger.learn([run("x", age_ms=10)], 100 * NS_PER_MS)
    assert [seen.age_ms for seen in ledger.runs("j", 150 * NS_PER_MS)] == [60]


def test_a_later_state_of_a_run_stays() -> None:
    """Whichever instance is asked last."""
    ledger = Ledger()
    ledger.learn([run("x"), run("x", RunState.FAILED), run("x"), run("x", RunState.INTERRUPTED)], 0)
    (seen,) = ledger.runs("j", 0)
    assert (seen.state, seen.code) == (RunState.FAILED, 3)


def test_a_run_on_a_node_that_is_not_alive_is_shown_as_interrupted() -> None:
    """Nobody there can tell its end; and only what has ended has a code."""
    ledger = Ledger()
    ledger.learn([run("x", node="b"), run("y", RunState.FAILED, age_ms=1, node="b")], 0)
    (view,) = ledger.views(ALIVE, 0)
    assert [(seen.state, seen.code) for seen in view.runs] == [("interrupted", None), ("failed", 3)]
    assert (view.missed, view.interrupted) == (0, 1)


def test_a_missed_tick_that_no_instance_keeps_any_more_is_forgotten() -> None:
    """It was started in the end."""
    ledger = Ledger()
    ledger.learn([run("m", RunState.MISSED), run("n", RunState.MISSED), run("x")], 0)
    ledger.drop_missed((), "another job")
    ledger.drop_missed({"n"}, "j")
    assert {seen.nonce for seen in ledger.runs("j", 0)} == {"n", "x"}


def test_the_memory_is_bounded() -> None:
    """The oldest run, and the job not called for the longest time, are forgotten."""
    ledger = Ledger()
    ledger.learn([run(str(n), age_ms=n) for n in range(LONGEST_LEDGER + 5)], 0)
    assert [seen.nonce for seen in ledger.runs("j", 0)] == [str(n) for n in range(LONGEST_LEDGER)]
    ledger.learn([run("x", job=f"j{n}", age_ms=100 + n) for n in range(MOST_JOBS + 5)], 0)
    assert len(ledger.views(ALIVE, 0)) == MOST_JOBS
    assert ledger.runs("j", 0)


def test_a_job_whose_only_tick_was_forgotten_is_forgotten_too() -> None:
    """It stands in nobody's way when another job needs room."""
    ledger = Ledger()
    ledger.learn([run("m", RunState.MISSED, job="once-missed")], 0)
    ledger.drop_missed(())
    assert ledger.views(ALIVE, 0) == ()
    ledger.learn([run("x", job=f"j{n}") for n in range(MOST_JOBS + 5)], 0)
    assert len(ledger.views(ALIVE, 0)) == MOST_JOBS


def test_only_the_last_run_may_be_shown_and_all_are_counted() -> None:
    """The overview says of each job how it went last, and how much went wrong."""
    ledger = Ledger()
    ledger.learn([run("m", RunState.MISSED, age_ms=9), run("x", RunState.DONE, age_ms=5)], 0)
    (view,) = ledger.views(ALIVE, 7 * NS_PER_MS, most=1)
    assert [(seen.state, seen.ms_ago) for seen in view.runs] == [("done", 12)]
    assert (view.missed, view.interrupted) == (1, 0)
    assert ledger.views(ALIVE, 0, "another") == ()
