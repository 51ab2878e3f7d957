"""One call of `once`: when it asks whom, and what it decides."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from leader.protocol.events import NS_PER_MS
from leader.protocol.gap import default_wait_ms
from leader.protocol.quorum import Voters
from leader.protocol.record import Holder
from leader.protocol.runs import ClaimTick, Look, Run, RunState, TickAnswer, TickVerdict
from leader.protocol.ticks import Ask, Decision, Surroundings, Tick, Wish

NAMES = ("1", "2", "3")
LEASE_MS = 10_000
HOLDER = Holder("a", "i", 7)
EVERYBODY = frozenset({"a", "b"})


def wish(*, wait_ms: int = 20_000, overlaps: bool = True, reruns: bool = False) -> Wish:
    """What a call asks for, in few words."""
    return Wish("report", "mine", "a", "default", 1_790_000_000_000, 45_000, wait_ms, overlaps, reruns)


def other(state: RunState = RunState.RUNNING, *, age_ms: int = 0, node: str = "b") -> Run:
    """A run of another call."""
    return Run("report", "other", state, node, "default", 6, 0, age_ms)


class Driver:
    """A tick with its surroundings, and the moment."""

    def __init__(self, asked: Wish, *, leads: bool, now_ms: int = 0) -> None:
        self.now = now_ms * NS_PER_MS
        self.holder = HOLDER if leads else None
        self.answering = frozenset(NAMES)
        self.alive = EVERYBODY
        self.tick = Tick(asked, Voters((NAMES,)), LEASE_MS, self.now)

    def step(self) -> list[Ask]:
        """What is to be asked now."""
        return self.tick.step(Surroundings(self.holder, self.answering, self.alive), self.now)

    def answer(self, instances: Iterable[str], verdict: TickVerdict, *runs: Run) -> list[Ask]:
        """Let these instances answer, and return what is asked next."""
        for name in instances:
            self.tick.hear(name, f"p{name}", TickAnswer(verdict, runs), self.now)
        return self.step()

    def is_decided(self) -> bool:
        """Whether there is a decision."""
        return self.tick.decision is not None

    def pass_ms(self, milliseconds: int) -> list[Ask]:
        """Let time pass, and return what is asked then."""
        self.now += milliseconds * NS_PER_MS
        return self.step()


def test_the_leader_claims_at_every_instance_and_wins_with_a_majority() -> None:
    """The claim names the very holder; it waits for the third answer, which may show a younger start."""
    driver = Driver(wish(), leads=True)
    asks = driver.step()
    assert [ask.instance for ask in asks] == list(NAMES)
    assert all(isinstance(ask.operation, ClaimTick) and ask.operation.holder == HOLDER for ask in asks)
    assert driver.answer("12", TickVerdict.GRANTED) == []
    assert not driver.is_decided()
    driver.answer("3", TickVerdict.GRANTED)
    assert driver.tick.decision is Decision.YOURS
    assert driver.tick.term == HOLDER.term


def test_an_instance_that_is_known_to_be_silent_is_not_waited_for() -> None:
    """A dead instance does not delay a job."""
    driver = Driver(wish(), leads=True)
    driver.answering = frozenset("12")
    driver.step()
    driver.answer("12", TickVerdict.GRANTED)
    assert driver.tick.decision is Decision.YOURS


def test_one_instance_that_knows_a_younger_start_is_enough_to_refuse() -> None:
    """Whatever a majority has granted: the others may have lost their data."""
    driver = Driver(wish(), leads=True)
    driver.step()
    driver.answer("12", TickVerdict.GRANTED)
    driver.answer("3", TickVerdict.STARTED, other())
    assert driver.tick.decision is Decision.TAKEN
    assert driver.tick.in_the_way == other()


def test_grants_do_not_win_once_the_leadership_is_over() -> None:
    """The last answer comes too late; what a majority then shows as standing is ours all the same."""
    driver = Driver(wish(), leads=True)
    driver.step()
    driver.answer("1", TickVerdict.GRANTED)
    driver.holder = None
    asks = driver.answer("23", TickVerdict.GRANTED)
    assert not driver.is_decided()
    assert all(isinstance(ask.operation, Look) for ask in asks)
    driver.answer(NAMES, TickVerdict.SEEN, wish().run(RunState.RUNNING, HOLDER.term))
    assert driver.tick.decision is Decision.YOURS


def test_a_claim_that_stood_already_is_ours_also_without_leading() -> None:
    """The first answer was lost, and the agent was restarted."""
    driver = Driver(wish(), leads=False)
    driver.step()
    driver.answer("12", TickVerdict.SEEN, wish().run(RunState.RUNNING, 7))
    assert not driver.is_decided()
    driver.answer("3", TickVerdict.SEEN)
    assert driver.tick.decision is Decision.YOURS


def test_who_does_not_lead_looks_at_once_and_then_every_beat() -> None:
    """Notices may be lost."""
    driver = Driver(wish(), leads=False)
    assert [type(ask.operation) for ask in driver.step()] == [Look] * 3
    assert driver.answer(NAMES, TickVerdict.SEEN) == []
    assert driver.tick.wake_at == LEASE_MS * NS_PER_MS // 3
    assert len(driver.pass_ms(3334)) == 3


@pytest.mark.parametrize("age_ms", [0, 44_999, -44_999])
def test_a_waiter_leaves_when_an_instance_shows_a_start_within_the_gap(age_ms: int) -> None:
    """Of any state but a missed tick."""
    driver = Driver(wish(), leads=False)
    driver.step()
    driver.answer("1", TickVerdict.SEEN, other(RunState.DONE, age_ms=age_ms))
    assert driver.tick.decision is Decision.TAKEN


def test_a_notice_is_reason_to_ask_at_once_and_decides_nothing() -> None:
    """Nobody knows how long it was under way, so how old the start is."""
    driver = Driver(wish(), leads=False)
    driver.step()
    assert driver.answer(NAMES, TickVerdict.SEEN) == []
    driver.tick.notice(other(), driver.now)
    assert [ask.instance for ask in driver.step()] == list(NAMES)
    assert not driver.is_decided()
    driver.answer("1", TickVerdict.SEEN, other())
    assert driver.tick.decision is Decision.TAKEN


@pytest.mark.parametrize(
    ("age_ms", "decision"), [(44_999, Decision.TAKEN), (45_000, Decision.YOURS), (-5_000, Decision.TAKEN)]
)
def test_the_gap_is_counted_from_call_to_call(age_ms: int, decision: Decision) -> None:
    """A tick that was claimed late costs the next one nothing, and a late claim is still of its own tick."""
    driver = Driver(wish(), leads=False)
    driver.step()
    driver.answer(NAMES, TickVerdict.SEEN)
    driver.now += 18_000 * NS_PER_MS
    driver.holder = HOLDER
    asks = driver.step()
    assert all(isinstance(ask.operation, ClaimTick) and ask.operation.run.age_ms == 18_000 for ask in asks)
    driver.answer(NAMES, TickVerdict.GRANTED, other(age_ms=age_ms + 18_000))
    assert driver.tick.decision is decision


def test_a_call_that_is_asked_again_is_as_old_as_at_first() -> None:
    """Its agent was restarted in between; the start of another call is compared with the first asking."""
    driver = Driver(replace(wish(), called_at=6_000 * NS_PER_MS), leads=True, now_ms=10_000)
    (ask, *_) = driver.step()
    assert isinstance(ask.operation, ClaimTick)
    assert ask.operation.run.age_ms == 4_000
    driver.answer(NAMES, TickVerdict.GRANTED, other(age_ms=49_000))
    assert driver.tick.decision is Decision.YOURS


@pytest.mark.parametrize("run", [other(age_ms=45_000), other(RunState.MISSED), other(age_ms=-45_000)])
def test_an_older_start_and_a_missed_tick_stand_in_nobodys_way(run: Run) -> None:
    """They belong to another tick, or are no start."""
    driver = Driver(wish(), leads=True)
    driver.tick.notice(run, driver.now)
    driver.step()
    driver.answer(NAMES, TickVerdict.GRANTED, run)
    assert driver.tick.decision is Decision.YOURS


def test_a_waiter_that_becomes_the_leader_claims_at_once() -> None:
    """It does not wait for the next beat."""
    driver = Driver(wish(), leads=False)
    driver.step()
    driver.answer(NAMES, TickVerdict.SEEN)
    driver.holder = HOLDER
    assert [type(ask.operation) for ask in driver.step()] == [ClaimTick] * 3


def test_a_look_that_shows_our_claim_once_we_lead_again_needs_no_claim_there() -> None:
    """The agent was killed within its claim, and resumed its leadership while it looked."""
    driver = Driver(wish(), leads=False)
    driver.step()
    driver.holder = HOLDER
    driver.step()
    driver.answer("1", TickVerdict.SEEN, wish().run(RunState.RUNNING, HOLDER.term))
    driver.answer("23", TickVerdict.SEEN)
    driver.answer("23", TickVerdict.GRANTED)
    assert driver.tick.decision is Decision.YOURS


def test_a_claim_of_the_process_before_keeps_its_term() -> None:
    """The job gets the fencing token that it was claimed with, and the ledger as well."""
    for seen, decision in ((NAMES, Decision.YOURS), ("1", Decision.MISSED)):
        driver = Driver(wish(wait_ms=0), leads=False)
        driver.step()
        driver.answer(set(NAMES) - set(seen), TickVerdict.SEEN)
        driver.answer(seen, TickVerdict.SEEN, wish().run(RunState.RUNNING, 7))
        assert (driver.tick.decision, driver.tick.term) == (decision, 7)
        report = driver.tick.report(driver.now)
        assert report is None or (report.run.state, report.run.term) == (RunState.INTERRUPTED, 7)


def test_patience_ends_with_a_missed_tick_when_no_claim_was_seen() -> None:
    """It is to be written down, with the gap around it."""
    driver = Driver(wish(), leads=False)
    driver.step()
    driver.answer(NAMES, TickVerdict.SEEN)
    driver.pass_ms(3334)
    driver.answer(NAMES, TickVerdict.SEEN)
    driver.pass_ms(20_000)
    assert driver.tick.decision is Decision.MISSED
    report = driver.tick.report(driver.now)
    assert report is not None
    assert (report.run.state, report.gap_ms) == (RunState.MISSED, 45_000)


def test_no_patience_still_lets_the_leader_try_once() -> None:
    """With a wait of 0 the first round is carried to its end."""
    driver = Driver(wish(wait_ms=0), leads=True)
    assert len(driver.step()) == 3
    assert not driver.is_decided()
    driver.answer(NAMES, TickVerdict.GRANTED)
    assert driver.tick.decision is Decision.YOURS


def test_what_was_written_and_not_won_is_told_as_interrupted() -> None:
    """It stands in the way of others, so they must be able to see what it is."""
    driver = Driver(wish(wait_ms=0), leads=True)
    driver.step()
    driver.answer("1", TickVerdict.GRANTED)
    driver.tick.miss("2", driver.now)
    driver.tick.miss("3", driver.now)
    driver.answering = frozenset("1")
    driver.step()
    assert driver.tick.decision is Decision.MISSED
    report = driver.tick.report(driver.now)
    assert report is not None
    assert report.run.state is RunState.INTERRUPTED


@pytest.mark.parametrize("state", [RunState.DONE, RunState.FAILED, RunState.STOPPED])
def test_a_claim_at_an_instance_that_lost_its_data_raises_no_alarm_about_a_tick_that_was_run(
    state: RunState,
) -> None:
    """What stands in its way has ended, so it was started: nobody needs to see the late call."""
    driver = Driver(wish(), leads=True)
    driver.step()
    driver.answer("1", TickVerdict.GRANTED)
    driver.answer("2", TickVerdict.STARTED, other(state))
    assert driver.tick.decision is Decision.TAKEN
    assert told(driver) is RunState.TAKEN


def test_what_was_cut_off_by_a_claim_is_told_until_that_is_known_to_be_won() -> None:
    """Two claims may have cut each other off; the late answer that makes a majority settles it."""
    driver = Driver(wish(), leads=True)
    driver.step()
    driver.answer("1", TickVerdict.GRANTED)
    driver.answer("2", TickVerdict.STARTED, other())
    assert (driver.tick.decision, told(driver)) == (Decision.TAKEN, RunState.INTERRUPTED)
    driver.answer("3", TickVerdict.STARTED, other())
    assert told(driver) is RunState.TAKEN


def test_a_claim_that_gave_way_itself_takes_no_tick_from_another() -> None:
    """Else none of three would be told, if the first and the last are further apart than the gap."""
    driver = Driver(wish(), leads=True)
    driver.step()
    driver.answer("1", TickVerdict.GRANTED)
    driver.answer("23", TickVerdict.STARTED, other(RunState.TAKEN))
    assert (driver.tick.decision, told(driver)) == (Decision.TAKEN, RunState.INTERRUPTED)


def told(driver: Driver) -> RunState | None:
    """What would be written down of the tick now."""
    report = driver.tick.report(driver.now)
    return report.run.state if report else None


def test_an_unanswered_claim_is_sent_again_at_once() -> None:
    """Its grant is unknown, and the nonce is the same: asked again, it is answered as before."""
    driver = Driver(wish(), leads=True)
    first = driver.step()[0].operation
    driver.pass_ms(LEASE_MS // 10)
    driver.tick.miss("1", driver.now)
    (again,) = driver.step()
    assert isinstance(first, ClaimTick)
    assert isinstance(again.operation, ClaimTick)
    assert (again.instance, again.operation.run.nonce) == ("1", first.run.nonce)
    assert again.operation.run.age_ms == first.run.age_ms + LEASE_MS // 10


def test_an_instance_that_refuses_every_connection_is_asked_again_after_a_while() -> None:
    """Its failures come at once, however often it is asked; a processor is not kept busy with that."""
    driver = Driver(wish(), leads=False)
    driver.step()
    driver.answer("12", TickVerdict.SEEN)
    driver.tick.miss("3", driver.now)
    assert driver.step() == []
    assert driver.tick.wake_at == LEASE_MS * NS_PER_MS // 30
    assert [ask.instance for ask in driver.pass_ms(334)] == ["3"]


def test_a_tick_that_must_not_overlap_looks_before_it_claims() -> None:
    """A run on a node that lives refuses it; one on a node that died does not."""
    for alive, decision in ((EVERYBODY, Decision.OVERLAPS), (frozenset({"a"}), None)):
        driver = Driver(wish(overlaps=False), leads=True)
        driver.alive = alive
        assert [type(ask.operation) for ask in driver.step()] == [Look] * 3
        asks = driver.answer(NAMES, TickVerdict.SEEN, other(age_ms=100_000))
        assert driver.tick.decision is decision
        assert [type(ask.operation) for ask in asks] == ([] if decision else [ClaimTick] * 3)


def test_an_interrupted_run_is_passed_over_only_by_who_may_run_it_twice() -> None:
    """Told as interrupted, or running on a node that is not alive."""
    for run, alive in ((other(RunState.INTERRUPTED), EVERYBODY), (other(), frozenset({"a"}))):
        driver = Driver(wish(reruns=True), leads=True)
        driver.alive = alive
        driver.step()
        driver.answer(NAMES, TickVerdict.STARTED, run)
        (ask, *_) = driver.pass_ms(LEASE_MS // 3)
        assert isinstance(ask.operation, ClaimTick)
        assert ask.operation.instead_of == "other"
        driver = Driver(wish(), leads=True)
        driver.step()
        driver.answer(NAMES, TickVerdict.STARTED, run)
        assert driver.tick.decision is Decision.TAKEN


def test_who_may_run_it_again_waits_while_the_run_may_yet_turn_out_interrupted() -> None:
    """It leaves when the run has ended."""
    driver = Driver(wish(reruns=True), leads=False)
    driver.step()
    driver.answer(NAMES, TickVerdict.SEEN, other())
    assert not driver.is_decided()
    driver.tick.notice(other(RunState.FAILED), driver.now)
    driver.step()
    assert driver.tick.decision is Decision.TAKEN


@pytest.mark.parametrize(
    ("gap_ms", "lease_ms", "wait_ms"),
    [(45_000, 10_000, 20_000), (45_000, 30_000, 30_000), (12_000, 10_000, 0), (600_000, 2_000, 4_000)],
)
def test_the_default_wait_is_two_leases_within_the_gap(gap_ms: int, lease_ms: int, wait_ms: int) -> None:
    """At most 15 s less than the gap, at least 0."""
    assert default_wait_ms(gap_ms, lease_ms) == wait_ms
