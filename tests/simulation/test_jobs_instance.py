"""Which runs an instance keeps, as the model has it, and what stands in the way of a claim."""

from leader.protocol.record import Holder, Record, State, Version
from leader.protocol.runs import LONGEST_LEDGER, ClaimTick, Look, Report, Run, RunState, TickCall, TickVerdict
from tests.simulation.jobs_instance import Ledger

PROCESS, NOW_MS, GAP_MS = "one:1", 1_790_000_000_000, 45_000
HOLDER = Holder("A", "a1", 7)
RECORDS = {"default": Record(PROCESS, Version(3, "v"), State.HELD, 7, HOLDER, 10_000)}


def run(nonce: str, age_ms: int = 0, state: RunState = RunState.RUNNING, job: str = "report") -> Run:
    """A run that was called so long ago."""
    return Run(job, nonce, state, "A", "default", 7, 0, age_ms)


def claim(ledger: Ledger, wanted: Run, wall_ms: int, *, as_of_ms: int = 0) -> TickVerdict:
    """The verdict on a claim of it at that time."""
    call = TickCall(wanted.job, ClaimTick(HOLDER, wanted, GAP_MS))
    answers, _ = ledger.carry_out([call], PROCESS, wall_ms, RECORDS, as_of_ms=as_of_ms)
    return answers[0].verdict


def test_calls_are_compared_and_not_claims() -> None:
    """A tick that is claimed late does not stand in the way of the next one."""
    ledger = Ledger()
    assert claim(ledger, run("late", age_ms=30_000), NOW_MS) is TickVerdict.GRANTED
    assert claim(ledger, run("same tick", age_ms=20_000), NOW_MS) is TickVerdict.STARTED
    assert claim(ledger, run("next tick"), NOW_MS + 30_000) is TickVerdict.GRANTED


def test_a_claim_is_of_the_moment_at_which_it_was_sent() -> None:
    """However long it waited in a server that hung."""
    ledger = Ledger()
    assert claim(ledger, run("hung"), NOW_MS + 50_000, as_of_ms=NOW_MS) is TickVerdict.GRANTED
    assert claim(ledger, run("next"), NOW_MS + 60_000, as_of_ms=NOW_MS + 60_000) is TickVerdict.GRANTED


def test_a_clock_that_was_set_back_does_not_lose_what_is_new() -> None:
    """Runs from what is now the future must not push out a claim in the moment it is granted."""
    ledger = Ledger()
    for number in range(LONGEST_LEDGER):
        assert claim(ledger, run(f"tick {number}"), NOW_MS + number * 60_000) is TickVerdict.GRANTED
    hours_ago = NOW_MS - 2 * 3600 * 1000
    assert claim(ledger, run("first"), hours_ago) is TickVerdict.GRANTED
    assert claim(ledger, run("first"), hours_ago) is TickVerdict.YOURS
    assert claim(ledger, run("second"), hours_ago + 8000) is TickVerdict.STARTED


def test_a_job_that_was_not_started_for_longest_makes_room() -> None:
    """So that nobody fills an instance with names of jobs; a look at no job shows them all."""
    ledger = Ledger(most_jobs=2)
    for number, job in enumerate(("old", "new", "newest")):
        claim(ledger, run("n", job=job), NOW_MS + number)
    answers, _ = ledger.carry_out([TickCall("", Look())], PROCESS, NOW_MS, RECORDS)
    assert [run.job for run in answers[0].runs] == ["new", "newest"]


def test_an_end_outweighs_what_was_supposed() -> None:
    """A run that was held to be interrupted and told of its end has ended; not the other way round."""
    ledger = Ledger()
    claim(ledger, run("n"), NOW_MS)
    for state in (RunState.INTERRUPTED, RunState.DONE, RunState.INTERRUPTED, RunState.MISSED):
        report = Report(run("n", state=state), GAP_MS)
        ledger.carry_out([TickCall("report", report)], PROCESS, NOW_MS, RECORDS)
    assert [kept.state for kept in ledger.shown("report", NOW_MS)] == [RunState.DONE]
