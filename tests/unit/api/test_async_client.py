"""Asking and working under a leadership on asyncio: the answers of `Client`, a block that is cancelled."""

import asyncio
import contextlib
import signal
import socket
from pathlib import Path

import pytest

import leader
from leader.api.answers import Sure, nobody
from leader.api.async_client import AsyncClient
from leader.clock import now_ns
from leader.errors import AgentUnreachable, LeadershipLost, UnknownElection, UsageError
from leader.protocol.snapshot import Leadership
from tests.support.polling import NS_PER_S, eventually, throughout
from tests.unit.api.handmade import HandmadeSource, process, serving
from tests.unit.api.test_client import saying

LEASE_MS = 1000
MUST_END = {"event": "ends", "election": "default", "term": 4610}


def source(**settings: object) -> HandmadeSource:
    """An agent with a short lease that is always sure for most of it."""
    return HandmadeSource(lease_ms=LEASE_MS, remaining_ms=900, **settings)  # type: ignore[arg-type]


def guards(served: HandmadeSource) -> int:
    """How many guards the agent has."""
    return len(served.guards.get("default", ()))


async def test_the_answers_are_those_of_the_other_client(path: Path) -> None:
    """A yes counted down, a no with who leads, the names that exist."""
    async with serving(path) as served:
        client = leader.AsyncClient(path)
        leadership = await client.leadership("reports")
        assert (leadership.leader, leadership.term, leadership.node) == (True, 4610, "web-1")
        assert 7000 < leadership.remaining_ms <= 8000
        assert await client.is_leader()
        assert (await client.wait() or leadership).term == 4610
        assert await client.wait(any_node=True, timeout=0)
        served.leads = False
        assert await client.leadership() == Leadership("default", "web-1", False, 4610, "web-2", 0)
        assert await client.wait(timeout=0.2) is None
        for name in ("nope", "a/b c", "ü"):
            with pytest.raises(UnknownElection, match="there is: default, reports"):
                await client.leadership(name)


async def test_the_term_is_checked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the environment's, as by `Client.check`."""
    monkeypatch.setenv("LEADER_TERM", "4610")
    client = AsyncClient(path, timeout=0.2)
    with pytest.raises(AgentUnreachable):
        await client.check()
    async with serving(path) as served:
        assert (await client.check(for_s=5)).term == 4610
        with pytest.raises(LeadershipLost, match="only for"):
            await client.check(for_s=9)
        with pytest.raises(LeadershipLost, match="but with 4610"):
            await client.check(term=4609)
        served.leads, served.node = False, "web-2"
        with pytest.raises(LeadershipLost, match="no longer"):
            await client.check()


async def test_a_stopped_agent_ends_the_question_in_time(path: Path) -> None:
    """And other tasks go on meanwhile."""
    with process(path) as agent:
        agent.send_signal(signal.SIGSTOP)
        asked = asyncio.create_task(AsyncClient(path, timeout=0.3).is_leader())
        turns = 0
        while not asked.done():
            turns += 1
            await asyncio.sleep(0.01)
        with pytest.raises(AgentUnreachable, match="in time"):
            await asked
        assert turns > 5
        agent.send_signal(signal.SIGCONT)


async def test_a_full_backlog_is_tried_again(path: Path) -> None:
    """It neither blocks nor counts as an answer."""
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as other:
        listening.bind(str(path))
        listening.listen(0)
        other.connect(str(path))
        with pytest.raises(AgentUnreachable, match="in time"):
            await AsyncClient(path, timeout=0.2).is_leader()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 x\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff\xff\xff\xff",
        b'HTTP/1.1 503 Busy\r\nContent-Length: 16\r\n\r\n{"error": "full"}',
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 70_000,
    ],
)
async def test_what_is_no_answer_of_an_agent_is_never_taken_for_one(path: Path, answer: bytes) -> None:
    """Cut off, another program, another document: unknown."""
    with saying(path, answer), pytest.raises(AgentUnreachable):
        await AsyncClient(path).is_leader()


async def test_an_answer_that_is_too_old_is_no_answer(path: Path) -> None:
    """Nothing left of the lease by the time the answer is here: unknown, not yes (rule R6)."""
    async with serving(path, HandmadeSource(remaining_ms=0)):
        with pytest.raises(AgentUnreachable, match="too old"):
            await AsyncClient(path).is_leader()


async def test_the_block_knows_its_term_and_its_deadline(path: Path) -> None:
    """The agent knows of the work as long as it goes on; nothing is left of the watch afterwards."""
    async with serving(path, source()) as served:
        tasks = asyncio.all_tasks()
        async with AsyncClient(path).run_while_leader() as lead:
            assert (lead.election, lead.node, lead.term) == ("default", "web-1", 4610)
            assert guards(served) == 1
            deadline = lead.deadline
            assert abs(deadline - lead.remaining() - now_ns() / NS_PER_S) < 0.5
            await eventually(lambda: lead.deadline > deadline)
            assert not lead.lost.is_set()
        await eventually(lambda: guards(served) == 0 and asyncio.all_tasks() <= tasks)


async def test_a_hand_over_cancels_the_block_and_waits_for_it(path: Path) -> None:
    """The cancellation becomes LeadershipLost at the block's end, and nothing of it remains."""
    async with serving(path, source()) as served:
        with pytest.raises(LeadershipLost, match="this node hands") as caught:
            async with AsyncClient(path).run_while_leader() as lead:
                served.tell_guards(MUST_END)
                try:
                    await asyncio.Event().wait()
                finally:
                    await throughout(lambda: guards(served) == 1 and lead.remaining() > 0, 0.2)
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await eventually(lambda: guards(served) == 0)


async def test_a_group_of_tasks_in_the_block_is_cancelled_with_it(path: Path) -> None:
    """Structured work ends as a whole, with one exception."""
    async with serving(path, source()) as served:
        cancelled: list[int] = []

        async def work(number: int) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.append(number)

        with pytest.raises(LeadershipLost):
            async with AsyncClient(path).run_while_leader(), asyncio.TaskGroup() as group:
                for number in range(3):
                    group.create_task(work(number))
                await asyncio.sleep(0)
                served.tell_guards(MUST_END)
        assert sorted(cancelled) == [0, 1, 2]


async def test_a_cancellation_from_outside_is_never_swallowed(path: Path) -> None:
    """Neither alone nor at the same moment as the loss; a time-out around the block stays one, too."""
    async with serving(path, source()) as served:
        for with_loss in (False, True):
            begun = asyncio.Event()
            task = asyncio.create_task(hold(path, begun))
            await begun.wait()
            if with_loss:
                served.tell_guards(MUST_END)
                await eventually(lambda task=task: task.cancelling() > 0)  # type: ignore[misc]
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await eventually(lambda: guards(served) == 0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await hold(path, asyncio.Event())


async def hold(path: Path, begun: asyncio.Event) -> None:
    """Work for ever under a leadership, and end slowly."""
    async with AsyncClient(path).run_while_leader():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)


async def test_a_block_that_catches_its_cancellation_has_lost_all_the_same(path: Path) -> None:
    """It ended by itself, and may not have done all of its work."""
    async with serving(path, source()) as served:
        with pytest.raises(LeadershipLost):
            async with AsyncClient(path).run_while_leader():
                served.tell_guards(MUST_END)
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
        await asyncio.sleep(0)  # no cancellation is left over


async def test_what_the_block_raises_goes_on_as_it_is(path: Path) -> None:
    """Whether or not the leadership was lost."""
    async with serving(path, source()) as served:
        with pytest.raises(ZeroDivisionError):
            async with AsyncClient(path).run_while_leader():
                raise ZeroDivisionError
        with pytest.raises(ZeroDivisionError):
            async with AsyncClient(path).run_while_leader():
                served.tell_guards(MUST_END)
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    raise ZeroDivisionError from None


async def test_without_an_answer_the_block_is_cancelled_before_the_deadline(path: Path) -> None:
    """The agent's end closes the connection, and nobody is there to ask."""
    agent = serving(path, source())
    await agent.__aenter__()
    left_s = 0.0
    with pytest.raises(LeadershipLost, match="nobody could say"):
        async with AsyncClient(path).run_while_leader(grace=0.2) as lead:
            await agent.__aexit__(None, None, None)
            try:
                await asyncio.Event().wait()
            finally:
                left_s = lead.remaining()
    assert 0 < left_s <= 0.2


async def test_an_agent_that_comes_back_in_time_goes_on(path: Path) -> None:
    """The work joins it again, and a hand-over waits for it as before."""
    agent = serving(path, source())
    await agent.__aenter__()
    async with AsyncClient(path).run_while_leader(grace=0.1) as lead:
        await agent.__aexit__(None, None, None)
        async with serving(path, source()) as served:
            await eventually(lambda: guards(served) == 1)
            await throughout(lambda: not lead.lost.is_set(), 1.5 * LEASE_MS / 1000)
        async with serving(path, source()):
            await eventually(lambda: lead.remaining() > 0.8)


class Overtaken(AsyncClient):
    """Asks an agent that comes back between the attempt to join it and the question, and says no at first."""

    def __init__(self, path: Path, stack: contextlib.AsyncExitStack) -> None:
        super().__init__(path)
        self.path = path
        self.is_away = False
        self._stack = stack

    async def _sure(self, election: str, deadline_ns: int) -> Sure:
        if not self.is_away:
            return await super()._sure(election, deadline_ns)
        self.is_away = False
        await self._stack.enter_async_context(serving(self.path, source()))
        return nobody(election)


async def test_the_no_of_an_agent_that_has_just_come_back_does_not_count(path: Path) -> None:
    """It has not resumed yet, and the work had no chance to join it before."""
    agent = serving(path, source())
    await agent.__aenter__()
    async with contextlib.AsyncExitStack() as stack:
        client = Overtaken(path, stack)
        async with client.run_while_leader(grace=0.1) as lead:
            client.is_away = True
            await agent.__aexit__(None, None, None)
            await eventually(lambda: not client.is_away)
            await throughout(lambda: not lead.lost.is_set(), LEASE_MS / 1000)


async def test_another_term_and_a_no_end_the_work(path: Path) -> None:
    """The one at once, the other by the deadline only, while the agent knows of the work."""
    async with serving(path, source()) as served:
        with pytest.raises(LeadershipLost, match="nobody could say"):
            async with AsyncClient(path).run_while_leader(grace=0.2):
                served.leads = False
                await asyncio.Event().wait()
        served.leads = True
        with pytest.raises(LeadershipLost, match="with term 4611 now"):
            async with AsyncClient(path).run_while_leader():
                served.term = 4611
                await asyncio.Event().wait()


async def test_a_watch_that_cannot_go_on_is_a_loss(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may work unwatched."""
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    async with serving(path, source()):
        with pytest.raises(LeadershipLost, match="watching it failed"):
            async with AsyncClient(path).run_while_leader() as lead:
                monkeypatch.setattr(lead._vigil, "hear", None)
                await asyncio.Event().wait()


async def test_who_does_not_lead_waits_no_longer_than_it_said(path: Path) -> None:
    """Once, if it said nothing; no agent, no election and a wrong grace are said as ever."""
    client = AsyncClient(path)
    with pytest.raises(AgentUnreachable, match="start `leader agent`"):
        await client.run_while_leader(timeout=0.2).__aenter__()
    async with serving(path, source(leads=False)) as served:
        for timeout in (0, 0.2):
            with pytest.raises(TimeoutError, match="web-2 leads it"):
                await client.run_while_leader(timeout=timeout).__aenter__()
        with pytest.raises(UnknownElection):
            await client.run_while_leader("nope").__aenter__()
        served.leads = True
        with pytest.raises(UsageError, match="half of the lease"):
            await client.run_while_leader(grace=0.6).__aenter__()
        await eventually(lambda: guards(served) == 0)


@pytest.mark.parametrize("went_on", [True, False])
async def test_work_that_ended_after_the_deadline_asks_once_more(path: Path, *, went_on: bool) -> None:
    """A loop that stood still may have been overtaken; if the agent renewed all the time, it was not."""
    async with serving(path, source()) as served:
        block = AsyncClient(path).run_while_leader()
        lead = await block.__aenter__()
        served.leads = went_on
        lead._vigil.until_ns = now_ns() - 1
        if went_on:
            await block.__aexit__(None, None, None)
        else:
            with pytest.raises(LeadershipLost):
                await block.__aexit__(None, None, None)
