"""A block that runs once per tick, in threads and in tasks: what it asks, is given, and tells at its end."""

import asyncio
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

import leader
from leader.api.async_client import AsyncClient
from leader.api.client import Client
from leader.api.once import ClaimedTick, ending
from leader.clock import now_ns, utc_iso
from leader.errors import AgentUnreachable, LeadershipLost, Refused, Undecided, UnknownElection, UsageError
from leader.protocol.runs import RunState
from leader.protocol.ticks import Decision
from tests.support.blocks import BLOCKS, Block
from tests.support.polling import NS_PER_S, PATIENCE_S, always, eventually, until
from tests.unit.api.handmade import HandmadeSource, serving, thread
from tests.unit.api.test_client import saying


@pytest.fixture(params=BLOCKS)
def block(request: pytest.FixtureRequest) -> Block:
    """A block of each kind."""
    return BLOCKS[request.param]


def decided(decision: Decision | None = Decision.YOURS) -> HandmadeSource:
    """An agent that decides so, at once."""
    source = HandmadeSource(decision=decision)
    source.decides.set()
    return source


def nothing(_tick: ClaimedTick | None) -> None:
    """Do nothing."""


def never(_tick: ClaimedTick | None) -> None:
    """Must not be called."""
    raise AssertionError("the block was entered")


def test_a_tick_that_is_claimed_comes_with_its_token(path: Path, block: Block) -> None:
    """The agent hears the wishes, stands by the run, and is told its end."""
    ticks: list[ClaimedTick | None] = []
    with thread(path, decided()) as served:

        def work(tick: ClaimedTick | None) -> None:
            ticks.append(tick)
            until(lambda: served.source.connected, "the agent knows that it runs")

        block(path, work)
        until(lambda: not served.source.connected, "the agent knows that it has ended")
    (wish,), (run,) = served.source.wishes, served.source.ended
    assert ticks == [ClaimedTick("report", "default", "web-1", 4610, utc_iso(wish.tick_ms))]
    assert (wish.job, wish.election, wish.gap_ms, wish.wait_ms) == ("report", "default", 45_000, 20_000)
    assert (wish.overlaps, wish.reruns_interrupted) == (True, False)
    assert (run.state, run.code, run.nonce, run.term) == (RunState.DONE, 0, wish.nonce, 4610)
    assert 0 <= run.duration_ms <= run.age_ms < 30_000


def test_all_that_is_said_is_asked_for(path: Path, block: Block) -> None:
    """In milliseconds; no more time is left to the agent than is left of the patience."""
    with thread(path, decided()) as served:
        said = {"gap": 3600.5, "wait": 90, "election": "reports", "overlap": "skip"}
        block(path, nothing, "mail", rerun_interrupted=True, **said)
    (wish,) = served.source.wishes
    assert (wish.job, wish.election, wish.gap_ms) == ("mail", "reports", 3_600_500)
    assert 80_000 < wish.wait_ms <= 90_000
    assert (wish.overlaps, wish.reruns_interrupted) == (False, True)


@pytest.mark.parametrize("decision", [Decision.TAKEN, Decision.OVERLAPS])
def test_a_tick_that_is_rightly_not_ours_gives_none(path: Path, block: Block, decision: Decision) -> None:
    """And nothing is told of it."""
    ticks: list[ClaimedTick | None] = []
    with thread(path, decided(decision)) as served:
        block(path, ticks.append)
    assert ticks == [None]
    assert not served.source.ended


@pytest.mark.parametrize(
    ("decision", "told"), [(Decision.MISSED, "nobody leads default"), (None, "the agent stops or restarts")]
)
def test_a_tick_that_nobody_decides_is_an_error(
    path: Path, block: Block, decision: Decision | None, told: str
) -> None:
    """With the agent's sentence; the block is not entered."""
    with thread(path, decided(decision)), pytest.raises(Undecided, match=told) as caught:
        block(path, never, wait=0)
    assert caught.value.exit_code == 75


def test_an_agent_that_ends_undecided_is_asked_again(path: Path, block: Block) -> None:
    """With the same nonce, until the patience is over."""
    with thread(path, decided(None)) as served:
        asked = threading.Thread(target=block, args=(path, nothing))
        asked.start()
        until(lambda: served.source.wishes, "it has asked")
        served.source.decision = Decision.YOURS
        asked.join()
    first, *more = served.source.wishes
    assert more
    assert {wish.nonce for wish in more} == {first.nonce}
    assert len(served.source.ended) == 1


@pytest.mark.parametrize("cut", [b"", b"HTTP/1.1 200 OK\r\nLeader-Claim: yours"])
def test_an_answer_that_is_lost_is_asked_for_again(path: Path, block: Block, cut: bytes) -> None:
    """The agent was restarted meanwhile: the same nonce, through the next one, even without patience."""
    with saying(path, cut):
        asked = threading.Thread(target=block, args=(path, nothing), kwargs={"wait": 0})
        asked.start()
    path.unlink()
    with thread(path, decided()) as served:
        asked.join()
    (wish,), (run,) = served.source.wishes, served.source.ended
    assert (wish.nonce, run.state) == (run.nonce, RunState.DONE)


def test_without_an_agent_the_patience_ends(path: Path, block: Block) -> None:
    """And not later: nobody was asked, so that nothing can be claimed."""
    asked_ns = now_ns()
    with pytest.raises(AgentUnreachable, match="start `leader agent`"):
        block(path, never, wait=0.2)
    assert 0.2 <= (now_ns() - asked_ns) / NS_PER_S < 4


def test_what_is_no_agent_is_told_so(path: Path, block: Block) -> None:
    """Another program, or an agent that knows no jobs."""
    with saying(path, b"hello\r\n\r\n"), pytest.raises(AgentUnreachable):
        block(path, never, wait=0)


def test_who_may_not_claim_is_told_what_to_do(path: Path, block: Block) -> None:
    """In the agent's words, and at once."""
    source = decided()
    source.forbidden = "adduser www-data leader"
    with thread(path, source), pytest.raises(Refused, match="adduser www-data leader"):
        block(path, never)


def test_an_unknown_election_is_told_with_those_that_exist(path: Path, block: Block) -> None:
    """As for every other question."""
    with thread(path, decided()), pytest.raises(UnknownElection, match="there is: default, reports"):
        block(path, never, election="nope")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"job": "a/b"}, "cannot be a name"),
        ({"job": ""}, "cannot be a name"),
        ({"election": "ü"}, "cannot be a name"),
        ({"gap": -1}, "gap is -1"),
        ({"gap": float("nan")}, "gap is nan"),
        ({"gap": float("inf")}, "gap is inf"),
        ({"wait": -0.5}, "wait is -0.5"),
        ({"wait": 40}, "wait 40 is more than gap less 10 s, 35: a late waiter"),
        ({"gap": 5, "wait": 0.1}, "a late waiter could start the tick again"),
        ({"overlap": "maybe"}, "say allow or skip"),
    ],
)
def test_a_wrong_value_is_told_in_one_sentence(
    path: Path, block: Block, said: dict[str, object], told: str
) -> None:
    """Before anybody is asked."""
    with pytest.raises(UsageError, match=told) as caught:
        block(path, never, **said)
    assert "\n" not in str(caught.value)


def test_what_only_the_agent_finds_wrong_is_told_in_its_words(path: Path, block: Block) -> None:
    """Such as a gap of years."""
    with thread(path, decided()), pytest.raises(UsageError, match="gap_ms must be"):
        block(path, never, gap=10.0**9)


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (ZeroDivisionError(), RunState.FAILED, 1),
        (KeyboardInterrupt(), RunState.FAILED, 1),
        (SystemExit(3), RunState.FAILED, 3),
        (LeadershipLost("lost"), RunState.STOPPED, 75),
    ],
)
def test_what_a_block_raises_is_told_and_goes_on(
    path: Path, error: BaseException, state: RunState, code: int
) -> None:
    """As it is."""
    with thread(path, decided()) as served:
        with pytest.raises(type(error)) as caught, Client(path).once("report"):
            raise error
        assert caught.value is error
    assert [(run.state, run.code) for run in served.source.ended] == [(state, code)]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, ("done", 0)),
        (SystemExit(), ("done", 0)),
        (SystemExit(0), ("done", 0)),
        (SystemExit(255), ("failed", 255)),
        (SystemExit(256), ("failed", 1)),
        (SystemExit(-1), ("failed", 1)),
        (SystemExit("why"), ("failed", 1)),
        (asyncio.CancelledError(), ("failed", 1)),
    ],
)
def test_how_a_block_has_ended(error: BaseException | None, told: tuple[str, int]) -> None:
    """A program that exits says its code, as to a shell."""
    assert ending(error) == told


def test_an_agent_that_was_restarted_hears_of_the_run_again(path: Path, block: Block) -> None:
    """The block goes on, and its end is told to the new one."""
    agents: list[HandmadeSource] = []

    def start_again() -> None:
        stack.close()
        agents.append(stack.enter_context(thread(path, decided())).source)

    def work(_tick: ClaimedTick | None) -> None:
        until(lambda: agents[0].connected, "the first agent knows")
        start_again()
        until(lambda: agents[1].connected, "the second agent knows")

    with ExitStack() as stack:
        start_again()
        block(path, work)
    (wish,), (run,) = agents[0].wishes, agents[1].ended
    assert (run.nonce, run.term, run.state) == (wish.nonce, 4610, RunState.DONE)
    assert not agents[0].ended


def test_an_end_is_told_to_an_agent_that_comes_back(path: Path, block: Block) -> None:
    """It is waited for, some seconds."""
    left = threading.Event()

    def work(_tick: ClaimedTick | None) -> None:
        stack.close()
        left.set()

    with ExitStack() as stack:
        stack.enter_context(thread(path, decided()))
        told = threading.Thread(target=block, args=(path, work))
        told.start()
        assert left.wait(PATIENCE_S)
        always(told.is_alive, "it goes on trying", 0.3)
        with thread(path, decided()) as second:
            told.join()
    assert [run.state for run in second.source.ended] == [RunState.DONE]


async def test_a_block_that_is_cancelled_is_told(path: Path) -> None:
    """As failed; and the cancellation goes on."""
    async with serving(path, decided()) as served:

        async def work() -> None:
            async with leader.AsyncClient(path).once("report"):
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await eventually(lambda: bool(served.connected))
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert [(run.state, run.code) for run in served.ended] == [(RunState.FAILED, 1)]


async def test_other_tasks_go_on_while_a_claim_waits(path: Path) -> None:
    """And it can be cancelled."""
    async with serving(path) as served:
        block = AsyncClient(path).once("report", gap=3600, wait=1800)
        task = asyncio.create_task(block.__aenter__())
        await eventually(lambda: len(served.wishes) == 1)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def test_a_block_that_never_waits_leaves_nothing_behind(path: Path) -> None:
    """No task, no connection."""
    async with serving(path, decided()) as served:
        async with AsyncClient(path).once("report") as tick:
            assert tick is not None
        assert [run.state for run in served.ended] == [RunState.DONE]
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "leader-once"]
        await eventually(lambda: not served.connected)


def test_no_thread_is_left_behind(path: Path) -> None:
    """The one that stood for the run has ended before the end is told."""
    with thread(path, decided()), Client(path).once("report"):
        assert any(one.name == "leader-once" for one in threading.enumerate())
    assert not any(one.name == "leader-once" for one in threading.enumerate())
