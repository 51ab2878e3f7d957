"""Under which leadership a program was started, and whether that is still so."""

from collections.abc import Callable
from pathlib import Path

import pytest

import leader
from leader.api.client import Client
from leader.api.token import Token, token
from leader.errors import AgentUnreachable, LeadershipLost, UnknownElection, UsageError
from leader.protocol.snapshot import Leadership
from tests.unit.api.handmade import HandmadeSource, process, thread

Started = Callable[..., None]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Sets what `leader run` says in the environment."""

    def start(**variables: object) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"LEADER_{name}", str(value))

    return start


def test_the_token_is_what_leader_run_says(started: Started) -> None:
    """Election and term."""
    started(TERM=4610, ELECTION="reports")
    assert leader.term() == 4610
    assert token({"LEADER_TERM": "7", "LEADER_ELECTION": "reports"}) == Token("reports", 7)
    assert token({"LEADER_TERM": "7"}) == Token("default", 7)
    assert token({"LEADER_TERM": "7", "LEADER_ELECTION": "reports"}, term=8) == Token("reports", 8)
    assert token({}, "reports", 8) == Token("reports", 8)


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({}, "LEADER_TERM is not set: start this program with `leader run`"),
        ({"LEADER_TERM": ""}, "not set"),
        ({"LEADER_TERM": "-1"}, "'-1' and no number"),
        ({"LEADER_TERM": "x", "LEADER_ELECTION": "default"}, "'x' and no number"),
        ({"LEADER_TERM": "٣"}, "no number"),
        ({"LEADER_TERM": "7", "LEADER_ELECTION": "reports"}, "the term of 'reports' and not of 'default'"),
    ],
)
def test_what_is_no_token_is_one_sentence(environment: dict[str, str], complaint: str) -> None:
    """It says what to do: a job that was started by hand is the usual reason."""
    with pytest.raises(UsageError, match=complaint):
        token(environment, "default")


def test_the_very_term_is_confirmed(path: Path, started: Started) -> None:
    """With what remains, for the election that the program was started for."""
    started(SOCKET=path, TERM=4610, ELECTION="reports")
    with process(path):
        assert leader.check().election == "reports"
        assert 7000 < leader.check(for_s=5).remaining_ms <= 8000


@pytest.mark.parametrize(
    ("settings", "for_s", "complaint"),
    [
        ({"term": 4611}, 0, "with term 4610 but with 4611"),
        ({"leads": False}, 0, "no longer leads default with term 4610; web-2 does"),
        ({"remaining_ms": 3000}, 5, r"only for [23]\.\d{3} s more: ask for less than 5 s"),
    ],
)
def test_a_leadership_that_is_over_is_an_error(
    path: Path, settings: dict[str, object], for_s: float, complaint: str
) -> None:
    """Another term is another leadership, though it is of this node."""
    with process(path, **settings), pytest.raises(LeadershipLost, match=complaint) as caught:
        Client(path).check(term=4610, for_s=for_s)
    assert caught.value.exit_code == 75


def test_nobody_to_ask_is_not_a_no(path: Path) -> None:
    """Neither is an election that does not exist."""
    with pytest.raises(AgentUnreachable):
        Client(path).check(term=4610)
    with process(path), pytest.raises(UnknownElection):
        Client(path).check("nope", term=4610)


class Resuming(HandmadeSource):
    """An agent that was restarted: its first answers are no."""

    def __init__(self) -> None:
        super().__init__()
        self.noes = 3

    def leadership(self, election: str) -> Leadership:
        if self.noes:
            self.noes -= 1
            return Leadership(election, self.node, False, 0, "", 0)
        return super().leadership(election)


def test_an_agent_that_has_not_resumed_yet_is_asked_again(path: Path) -> None:
    """Its restart does not stop the jobs, so it does not end them here either."""
    with thread(path, Resuming()):
        assert Client(path, timeout=10).check(term=4610).leader


def test_but_not_for_longer_than_one_question(path: Path) -> None:
    """It may never resume."""
    source = Resuming()
    source.noes = 10**6
    with thread(path, source), pytest.raises(LeadershipLost, match="nobody does"):
        Client(path, timeout=0.2).check(term=4610)
