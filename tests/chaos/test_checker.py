"""The checker itself: good histories pass, and each promise has a history that breaks it and is rejected."""

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.checker import RULES, check, promised
from tests.chaos.history import (
    NS_PER_MS,
    NS_PER_S,
    SET_CLOCK,
    Answer,
    Calm,
    History,
    Overload,
    Release,
    Size,
    Spell,
    Start,
    Tick,
)

HERE = Path(__file__).parent
INDEPENDENT = ("checker.py", "proof.py", "history.py", "prober.py", "listener.py")
LEASE_MS = 1000
SURE_MS = 900
A_TICK = Tick(0, "job", 5_000 * NS_PER_MS, 8_000 * NS_PER_MS)


def yes(node: str, term: int, sent_ms: float, remaining_ms: int = SURE_MS, took_ms: float = 1.0) -> Answer:
    """A node's word that it leads."""
    sent, received = int(sent_ms * NS_PER_MS), int((sent_ms + took_ms) * NS_PER_MS)
    return Answer(node, sent, received, 200, term, node, remaining_ms)


def no(node: str, sent_ms: float) -> Answer:
    """A node's word that it does not lead."""
    return replace(yes(node, 7, sent_ms), status=503, remaining_ms=0)


def released(term: int, at_ms: float) -> Release:
    """A server's word that a leadership was given up."""
    return Release(term, int(at_ms * NS_PER_MS))


def spell(kind: str, begin_ms: int, end_ms: int, *touches: str, forgets: tuple[int, ...] = ()) -> Spell:
    """A fault."""
    return Spell(kind, begin_ms * NS_PER_MS, end_ms * NS_PER_MS, touches, forgets)


def calm(begin_ms: int, answered_ms: int | None, agreed_ms: int | None) -> Calm:
    """A calm, in which the lab waited for a minute at most."""
    answered, agreed = (None if ms is None else ms * NS_PER_MS for ms in (answered_ms, agreed_ms))
    return Calm(begin_ms * NS_PER_MS, answered, agreed, begin_ms * NS_PER_MS + 60 * NS_PER_S)


def with_calm(one: Calm, overload: Overload) -> Callable[[History], None]:
    """The lab waited for a leader, for a while on a machine that was overloaded."""

    def change(history: History) -> None:
        history.calms.append(one)
        history.overloads.append(overload)

    return change


def with_calm_heard(*answers: Answer) -> Callable[[History], None]:
    """The lab saw all agree on a leader once more, and this is all that was heard then."""

    def change(history: History) -> None:
        history.calms.append(calm(70_000, 70_000, 70_500))
        history.answers.extend(answers)

    return change


def good() -> History:
    """A run with a change of leader after a crash, one after a release, and ticks that started once."""
    return History(
        servers=3,
        lease_ms=LEASE_MS,
        answers=[
            yes("a", 1, 0),
            no("b", 0.5),
            yes("a", 1, 100),
            no("a", 1000),
            yes("b", 2, 1200),
            no("c", 1201),
            yes("b", 2, 4000),
            yes("c", 3, 4100),
            yes("c", 3, 5100),
        ],
        releases=[released(2, 4050), released(2, 4051)],
        ticks=[A_TICK],
        starts=[Start(0, "c")],
        spells=[spell("agent killed", 110, 900, "agent:a")],
        calms=[calm(900, 1000, 1200)],
        sizes=[Size("e", (20, 20), (40_000_000, 41_000_000))],
    )


def with_yes(*answers: Answer) -> Callable[[History], None]:
    """These answers are heard as well."""
    return lambda history: history.answers.extend(answers)


def without_release(history: History) -> None:
    """The second leadership was given up in silence."""
    history.releases.clear()


def with_late_release(history: History) -> None:
    """The second leadership was given up only when the third was heard of already."""
    history.releases[:] = [released(2, 4200)]


def with_second_start(history: History) -> None:
    """Another node started the tick, too."""
    history.starts.append(Start(0, "d"))


def with_second_start_and_one_that_forgot(history: History) -> None:
    """Another node started the tick, and a minority of the servers had forgotten it."""
    with_second_start(history)
    history.spells.append(spell("server flushed", 6000, 6001, "server:0", forgets=(0,)))


def without_start(history: History) -> None:
    """Nobody started the tick, though nothing went on."""
    history.starts.clear()


def without_start_beside_a_kill(history: History) -> None:
    """Nobody started the tick, and an agent was killed and came back, which is no excuse."""
    history.starts.clear()
    history.spells.append(spell("agent killed", 5100, 6000, "agent:c"))


def without_start_beside_a_server(history: History) -> None:
    """Nobody started the tick, and one server of three was stopped, which is no excuse."""
    history.starts.clear()
    history.spells.append(spell("server stopped", 5100, 9000, "server:1"))


def with_clock_set(one: Spell) -> Callable[[History], None]:
    """A node's clock was set, which it told."""

    def change(history: History) -> None:
        history.spells.append(one)
        history.jumps["c"] = 1

    return change


BAD: dict[str, tuple[str, Callable[[History], None]]] = {
    "one term on two nodes": ("one node", with_yes(yes("d", 3, 7000))),
    "a lower term later": ("order", with_yes(yes("b", 2, 4150, 0))),
    "a lower term much later": ("order", with_yes(yes("a", 1, 9000))),
    "two leaders at once": ("expiry", with_yes(yes("d", 4, 5500))),
    "two leaders at once, the lower heard later": (
        "expiry",
        with_yes(yes("d", 4, 6500), yes("c", 3, 6400, 600, 200)),
    ),
    "a leader before the lease is over, not released": ("expiry", without_release),
    "a leader before the release": ("expiry", with_late_release),
    "a yes for longer than a lease": ("answer", with_yes(yes("c", 3, 6000, 901))),
    "an answer in another name": ("answer", with_yes(replace(yes("c", 3, 6000), node="d", asked="c"))),
    "an answer that is none": ("answer", with_yes(replace(no("a", 6000), status=500))),
    "a leader whose clock was set": ("clock", with_clock_set(spell(SET_CLOCK, 4200, 5000, "agent:c"))),
    "a jump where there was none": ("clock", lambda history: history.jumps.update(c=1)),
    "a second start": ("once", with_second_start),
    "a second start beside one server that forgot": ("once", with_second_start_and_one_that_forgot),
    "no start": ("missed", without_start),
    "no start beside a kill": ("missed", without_start_beside_a_kill),
    "no start beside one server": ("missed", without_start_beside_a_server),
    "no leader": ("recovery", lambda history: history.calms.append(calm(0, 100, None))),
    "a leader too late": ("recovery", lambda history: history.calms.append(calm(0, 100, 3101))),
    "a leader too late after an overload": (
        "recovery",
        with_calm(calm(0, 100, 4000), Overload(0, 999_000_000)),
    ),
    "no leader on a busy machine": ("recovery", with_calm(calm(0, 100, None), Overload(0, 59 * NS_PER_S))),
    "no answer": ("recovery", lambda history: history.calms.append(calm(0, None, None))),
    "an answer too late": ("recovery", lambda history: history.calms.append(calm(0, 15_001, 15_002))),
    "a node that was heard no more": ("evidence", with_calm_heard(no("a", 70_000), yes("c", 3, 70_000))),
    "nobody heard to lead": ("evidence", with_calm_heard(*(no(node, 70_000) for node in "abc"))),
    "a leader without a lease": (
        "evidence",
        with_calm_heard(no("a", 70_000), no("b", 70_000), yes("c", 3, 70_000, 0)),
    ),
    "descriptors leaked": ("leak", lambda history: history.sizes.append(Size("e", (20, 21), (0, 0)))),
    "memory leaked": ("leak", lambda history: history.sizes.append(Size("e", (20, 20), (0, 6_000_000)))),
    "a crash": ("crash", lambda history: history.crashes.append("the agent of a ended by itself, with 1")),
}


def with_second_start_that_a_majority_forgot(history: History) -> None:
    """Another node started the tick, and a majority of the servers had forgotten it."""
    with_second_start(history)
    history.spells.append(spell("server flushed", 6000, 6001, forgets=(0, 2)))


def without_start_beside_a_majority(history: History) -> None:
    """Nobody started the tick, and a majority of the servers was stopped."""
    history.starts.clear()
    history.spells.append(spell("server stopped", 5100, 9000, "server:0", "server:1"))


def without_start_on_a_busy_machine(history: History) -> None:
    """Nobody started the tick, and nobody could run for two seconds of the time."""
    history.starts.clear()
    history.overloads += [Overload(6 * NS_PER_S, 7 * NS_PER_S), Overload(8 * NS_PER_S, 9 * NS_PER_S)]


def without_start_and_leader(history: History) -> None:
    """Nobody started the tick, and nobody led."""
    history.starts.clear()
    del history.answers[5:]


FINE: dict[str, Callable[[History], None]] = {
    "a lower term that was asked for before": with_yes(yes("b", 2, 4049, 0, 60)),
    "an answer that came after its lease": with_yes(yes("c", 3, 5500, 900, 3000), yes("d", 4, 6600)),
    "a second start, but a majority forgot": with_second_start_that_a_majority_forgot,
    "no start, but a majority was stopped": without_start_beside_a_majority,
    "no start, but nobody led": without_start_and_leader,
    "no start, but an overload": without_start_on_a_busy_machine,
    "a leader as late as may be": with_calm(calm(0, 100, 3100), Overload(0, 0)),
    "a leader late by an overload": with_calm(calm(0, 100, 4000), Overload(1 * NS_PER_S, 2 * NS_PER_S)),
    "an agent that starts slowly": with_calm(calm(0, 14_000, 14_100), Overload(0, 0)),
    "a leader whose clock was set before": with_clock_set(spell(SET_CLOCK, 4050, 4090, "agent:c")),
    "a yes while the clock is set": with_clock_set(spell(SET_CLOCK, 4200, 5200, "agent:c")),
    "memory grew a little": lambda history: history.sizes.append(Size("e", (20, 20), (0, 5_000_000))),
}


def test_a_good_history_passes() -> None:
    """A crash, a planned hand-over, and a tick that started once: nothing is found."""
    assert check(good()) == []


@pytest.mark.parametrize("doctor", FINE.values(), ids=FINE.keys())
def test_what_is_allowed_passes(doctor: Callable[[History], None]) -> None:
    """What the contract allows is not reported, close as it is to what it forbids."""
    history = good()
    doctor(history)
    assert check(history) == []


@pytest.mark.parametrize(("rule", "doctor"), BAD.values(), ids=BAD.keys())
def test_a_broken_promise_is_found(rule: str, doctor: Callable[[History], None]) -> None:
    """Each doctored history is rejected, by the rule that it breaks and no other."""
    history = good()
    doctor(history)
    assert {violation.rule for violation in check(history)} == {rule}


def test_each_rule_has_a_history_that_breaks_it() -> None:
    """No rule is there that nothing could break."""
    for rule in RULES:
        broken = 0
        for _, doctor in BAD.values():
            history = good()
            doctor(history)
            broken += bool(list(rule(history)))
        assert broken, rule.__name__


def test_a_tick_is_promised_only_where_the_contract_says_so() -> None:
    """The good history promises its tick; a fault in a network within its first seconds takes that back."""
    assert promised(good()) == [A_TICK]
    history = good()
    history.spells.append(spell("cut off", 5500, 5600, "link:a:0"))
    assert promised(history) == []


@pytest.mark.parametrize("name", INDEPENDENT)
def test_who_looks_on_imports_nothing_of_what_is_under_test(name: str) -> None:
    """Neither the checker nor what records for it shares a line with `leader`, or a helper that does."""
    for node in ast.walk(ast.parse((HERE / name).read_text())):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module)):
                modules = [module]
            case _:
                continue
        for module in modules:
            assert module.split(".")[0] != "leader"
            assert not module.startswith("tests.") or f"{module.rpartition('.')[2]}.py" in INDEPENDENT
