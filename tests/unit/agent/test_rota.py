"""Whose turn it is to have its registry read."""

from dataclasses import dataclass

import pytest

from leader import clock
from leader.agent.rota import Rota
from leader.instances.problems import Problem, Subject, explain_timeout

BEAT_NS = 1000


@dataclass
class Reader:
    """One that was woken, and how often."""

    problem: Problem | None = None
    woken: int = 0

    def wake(self) -> None:
        """Count it."""
        self.woken += 1


def turns(rota: Rota, names: str) -> str:
    """Who takes the turn, when all ask at once."""
    return "".join(name for name in names if rota.takes(name))


def taken(rota: Rota, names: str) -> str:
    """Who takes the turn, when all ask, and whoever is woken then asks once more."""
    return turns(rota, names) or turns(rota, names)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time, which a test may change."""
    moment = [10**9]
    monkeypatch.setattr(clock, "now_ns", lambda: moment[0])
    return moment


def test_each_has_its_turn_once_a_beat(now: list[int]) -> None:
    """Whoever asks meanwhile has none; whose turn it is, is woken."""
    readers = {name: Reader() for name in "abc"}
    rota = Rota(readers, BEAT_NS)
    seen = ""
    for _ in range(6):
        seen += taken(rota, "abc")
        assert turns(rota, "abc") == ""
        now[0] += BEAT_NS
    assert sorted(seen) == list("aabbcc")
    assert seen[:3] == seen[3:]
    assert [reader.woken for reader in readers.values()] == [2, 2, 2]


def test_who_does_not_answer_is_passed_over(now: list[int]) -> None:
    """Until it answers again; if nobody does, turns go on all the same."""
    readers = {name: Reader() for name in "abc"}
    rota = Rota(readers, BEAT_NS)
    problem = explain_timeout(Subject("b", "127.0.0.1:1", "test"), "answering", 5)
    readers["b"].problem = problem
    seen = ""
    for _ in range(4):
        seen += taken(rota, "abc")
        now[0] += BEAT_NS
    assert sorted(seen) == list("aacc")
    for reader in readers.values():
        reader.problem = problem
    seen = ""
    for _ in range(3):
        seen += taken(rota, "abc")
        now[0] += BEAT_NS
    assert sorted(seen) == list("abc")


def test_a_turn_that_failed_goes_to_the_next_that_answers(now: list[int]) -> None:
    """And to nobody where nobody does, so that nothing is asked without a pause."""
    assert now
    readers = {name: Reader() for name in "abc"}
    rota = Rota(readers, BEAT_NS)
    first = taken(rota, "abc")
    rota.failed(first)
    second = turns(rota, "abc")
    assert second != first
    for reader in readers.values():
        reader.problem = explain_timeout(Subject("b", "127.0.0.1:1", "test"), "answering", 5)
    rota.failed(second)
    assert turns(rota, "abc") == ""
