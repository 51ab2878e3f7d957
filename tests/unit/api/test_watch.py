"""A block that works while this node leads, in a thread's program: told in time, and left in order."""

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from leader.api.answers import Sure, nobody
from leader.api.client import Client
from leader.clock import now_ns
from leader.errors import AgentUnreachable, LeadershipLost, UnknownElection, UsageError
from tests.support.polling import NS_PER_S, always, until
from tests.unit.api.handmade import HandmadeSource, thread

LEASE_MS = 1000
MUST_END = {"event": "ends", "election": "default", "term": 4610}


def source(**settings: object) -> HandmadeSource:
    """An agent with a short lease that is always sure for most of it."""
    return HandmadeSource(lease_ms=LEASE_MS, remaining_ms=900, **settings)  # type: ignore[arg-type]


def test_the_block_knows_its_term_and_its_deadline(path: Path) -> None:
    """It moves on with each renewal, and the agent knows of the work as long as it goes on."""
    with thread(path, source()) as served:
        with Client(path).run_while_leader() as lead:
            assert (lead.election, lead.node, lead.term, lead.reason) == ("default", "web-1", 4610, "")
            assert served.guards() == 1
            assert 0 < lead.remaining() <= 0.9
            deadline = lead.deadline
            assert abs(deadline - lead.remaining() - now_ns() / NS_PER_S) < 0.5
            until(lambda: lead.deadline > deadline, "the deadline moves on")
            assert not lead.lost.is_set()
        until(lambda: served.guards() == 0, "the agent knows that the work has ended")


def test_a_hand_over_is_told_at_once_and_waits(path: Path) -> None:
    """Once, and long before the deadline; what ends by itself after it raises."""
    told: list[str] = []
    with thread(path, source()) as served:
        with pytest.raises(
            LeadershipLost,
            match=r"term 4610 was lost: this node hands .*; what was begun under it",
        ) as caught:
            with Client(path, timeout=5).run_while_leader(on_loss=told.append) as lead:
                served.tell_guards(MUST_END)
                assert lead.lost.wait(10)
                assert lead.remaining() > 0
                until(lambda: told, "it is told")
                always(lambda: served.guards() == 1, "the hand-over waits", 0.2)
        until(lambda: served.guards() == 0, "the hand-over goes on")
    assert told == [lead.reason]
    assert caught.value.exit_code == 75


def test_without_an_answer_the_block_is_told_before_the_deadline(path: Path) -> None:
    """The agent's end closes the connection, and nobody is there to ask."""
    client = Client(path)
    with thread(path, source()):
        block = client.run_while_leader(grace=0.2)
        lead = block.__enter__()
    assert not lead.lost.is_set()
    assert lead.lost.wait(10)
    assert 0 < lead.remaining() <= 0.2
    with pytest.raises(LeadershipLost, match="nobody could say"):
        block.__exit__(None, None, None)


def test_an_agent_that_comes_back_in_time_goes_on(path: Path) -> None:
    """The work joins it again, and a hand-over waits for it as before."""
    with thread(path, source()):
        block = Client(path).run_while_leader(grace=0.1)
        lead = block.__enter__()
    with thread(path, source()) as served:
        until(lambda: served.guards() == 1, "the new agent knows of the work")
        always(lambda: not lead.lost.is_set(), "the work goes on", 1.5 * LEASE_MS / 1000)
        block.__exit__(None, None, None)
        until(lambda: served.guards() == 0, "the agent knows that the work has ended")


class Overtaken(Client):
    """Asks an agent that comes back between the attempt to join it and the question, and says no at first."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        super().__init__(path)
        self.path = path
        self.is_away = False
        self._stack = stack

    def _sure(self, election: str, deadline_ns: int) -> Sure:
        if not self.is_away:
            return super()._sure(election, deadline_ns)
        self.is_away = False
        self._stack.enter_context(thread(self.path, source()))
        return nobody(election)


def test_the_no_of_an_agent_that_has_just_come_back_does_not_count(path: Path) -> None:
    """It has not resumed yet, and the work had no chance to join it before."""
    with ExitStack() as stack:
        client = Overtaken(path, stack)
        with thread(path, source()):
            block = client.run_while_leader(grace=0.1)
            lead = block.__enter__()
            client.is_away = True
        until(lambda: not client.is_away, "it has come back")
        always(lambda: not lead.lost.is_set(), "the work goes on", LEASE_MS / 1000)
        block.__exit__(None, None, None)


def test_another_term_ends_the_work(path: Path) -> None:
    """Though it is this node that leads."""
    with thread(path, source()) as served, pytest.raises(LeadershipLost, match="with term 4611 now"):
        with Client(path).run_while_leader() as lead:
            served.source.term = 4611
            assert lead.lost.wait(10)


def test_a_no_alone_ends_the_work_by_the_deadline_only(path: Path) -> None:
    """While the agent knows of the work."""
    with thread(path, source()) as served, pytest.raises(LeadershipLost, match="nobody could say"):
        with Client(path).run_while_leader(grace=0.2) as lead:
            deadline = lead.deadline
            served.source.leads = False
            assert lead.lost.wait(10)
            assert lead.deadline >= deadline
            assert lead.remaining() <= 0.2


def test_what_the_block_raises_goes_on_as_it_is(path: Path) -> None:
    """Whether or not the leadership was lost."""
    with thread(path, source()) as served:
        with pytest.raises(ZeroDivisionError), Client(path).run_while_leader():
            raise ZeroDivisionError
        until(lambda: served.guards() == 0, "it has left")
        with pytest.raises(ZeroDivisionError), Client(path).run_while_leader() as lead:
            served.tell_guards(MUST_END)
            assert lead.lost.wait(10)
            raise ZeroDivisionError


def test_what_on_loss_raises_is_reported_and_harms_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in any thread, and at once."""
    reported: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda report: reported.append(report.exc_type.__name__))

    def fail(_reason: str) -> None:
        raise ZeroDivisionError

    with thread(path, source()) as served, pytest.raises(LeadershipLost):
        with Client(path).run_while_leader(on_loss=fail):
            served.tell_guards(MUST_END)
            until(lambda: reported, "it is reported")
    assert reported == ["ZeroDivisionError"]


def test_a_watch_that_cannot_go_on_is_a_loss(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may work unwatched."""
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    client = Client(path)
    with thread(path, source()), pytest.raises(LeadershipLost, match="watching it failed"):
        with client.run_while_leader() as lead:
            monkeypatch.setattr(lead._vigil, "hear", None)
            assert lead.lost.wait(10)
    assert len(reported) == 1


def test_who_does_not_lead_waits_no_longer_than_it_said(path: Path) -> None:
    """Once, if it said nothing; and the agent is not left with a guard."""
    with thread(path, source(leads=False)) as served:
        for timeout in (0, 0.2):
            with pytest.raises(TimeoutError, match=r"did not lead default within 0\S* s: web-2 leads it"):
                Client(path).run_while_leader(timeout=timeout).__enter__()
        assert served.guards() == 0


def test_it_begins_when_this_node_leads(path: Path) -> None:
    """Without a time it waits for ever, and an agent that is down is waited for too."""
    terms: list[int] = []

    def work() -> None:
        with Client(path).run_while_leader() as lead:
            terms.append(lead.term)

    worker = threading.Thread(target=work)
    worker.start()
    with thread(path, source(leads=False)) as served:
        served.source.term = 5000
        served.source.leads = True
        worker.join(30)
    assert terms == [5000]


def test_no_agent_and_no_election_are_said_as_ever(path: Path) -> None:
    """Patience ended without any answer is not a no."""
    with pytest.raises(AgentUnreachable, match="start `leader agent`"):
        Client(path).run_while_leader(timeout=0.2).__enter__()
    with thread(path), pytest.raises(UnknownElection, match="there is: default, reports"):
        Client(path).run_while_leader("nope").__enter__()


def test_a_grace_that_is_too_long_is_refused(path: Path) -> None:
    """And nothing is left with the agent."""
    with thread(path, source()) as served:
        with pytest.raises(UsageError, match="half of the lease"):
            Client(path).run_while_leader(grace=0.6).__enter__()
        until(lambda: served.guards() == 0, "it has left")


@pytest.mark.parametrize("went_on", [True, False])
def test_work_that_ended_after_the_deadline_asks_once_more(path: Path, *, went_on: bool) -> None:
    """A program that stood still may have been overtaken; if the agent renewed all the time, it was not."""
    slow = HandmadeSource(lease_ms=60_000, remaining_ms=50_000)
    with thread(path, slow) as served:
        block = Client(path).run_while_leader()
        lead = block.__enter__()
        served.source.leads = went_on
        lead._vigil.until_ns = now_ns() - 1
        if went_on:
            block.__exit__(None, None, None)
        else:
            with pytest.raises(LeadershipLost, match="the deadline passed"):
                block.__exit__(None, None, None)
