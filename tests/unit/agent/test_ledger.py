"""What a node remembers of the runs of jobs."""

from leader.agent.ledger import COUNTED, MOST_JOBS, Ledger
from leader.clock import now_ns
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


def counted(ledger: Ledger, job: str = "j") -> dict[str, int]:
    """What was counted, but for what never happened."""
    return {str(state): count for state, count in ledger.counts[job].items() if count}


def test_each_result_is_counted_once_however_often_it_is_shown() -> None:
    """Every instance tells of every run, again and again."""
    ledger, now = Ledger(), now_ns()
    for state in (RunState.RUNNING, RunState.DONE, RunState.DONE, RunState.RUNNING):
        ledger.learn([run("x", state)], now)
    ledger.learn([run("y", RunState.MISSED), run("y", RunState.MISSED)], now)
    assert counted(ledger) == {"done": 1, "missed": 1}


def test_what_was_over_before_this_node_started_is_not_counted() -> None:
    """A restart would else count the past again; what still ran then, and ends now, is news."""
    ledger, now = Ledger(), now_ns()
    ledger.learn([run("x", RunState.MISSED, age_ms=60_000), run("y", age_ms=60_000)], now)
    assert counted(ledger) == {}
    ledger.learn([run("y", RunState.FAILED, age_ms=60_000)], now)
    assert counted(ledger) == {"failed": 1}


def test_a_known_job_has_a_count_of_nothing_for_each_result() -> None:
    """Only what was 0 before can be seen to grow."""
    ledger = Ledger()
    ledger.learn([run("x")], 0)
    assert set(ledger.counts["j"].values()) == {0}
    assert len(ledger.counts["j"]) == len(COUNTED)


def test_so_many_jobs_are_counted_and_no_more() -> None:
    """A name that is new at each call does not fill the memory."""
    ledger, now = Ledger(), now_ns()
    for number in range(MOST_JOBS + 5):
        ledger.learn([run(str(number), RunState.DONE, job=f"j{number}")], now)
    assert len(ledger.counts) == MOST_JOBS


def test_a_call_whose_tick_another_run_has_taken_is_not_shown() -> None:
    """Neither in the list nor in the counts, whatever was told of it before."""
    ledger = Ledger()
    ledger.learn([run("x", RunState.DONE), run("late"), run("late", RunState.INTERRUPTED)], 0)
    ledger.learn([run("late", RunState.TAKEN), run("late", RunState.INTERRUPTED)], 0)
    ledger.learn([run("alone", RunState.TAKEN, job="other")], 0)
    (view,) = ledger.views(ALIVE, 0)
    assert [seen.state for seen in view.runs] == ["done"]
    assert (view.missed, view.interrupted) == (0, 0)
