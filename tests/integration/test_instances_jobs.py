"""Claims, reports and looks at real servers: what `jobs.lua` answers, and what it keeps."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from leader.instances.embedded import EmbeddedQuorum
from leader.instances.instance import Instance
from leader.instances.jobs_wire import MOST_JOBS
from leader.protocol.calls import Observe, Release, Take
from leader.protocol.record import Holder
from leader.protocol.runs import (
    LONGEST_LEDGER,
    ClaimTick,
    Look,
    Report,
    Run,
    RunState,
    TickAnswer,
    TickCall,
    TickOperation,
    TickVerdict,
)
from tests.integration.instances_on_servers import (
    CONFIGURATION,
    PROGRAMS,
    TIMEOUT_NS,
    Hand,
    admin,
    hand_on,
    holder,
    servers,
)
from tests.support.polling import eventually

HOLDER = holder(4610)
GAP_MS = 60_000


@pytest.fixture(scope="module", params=PROGRAMS)
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedQuorum]:
    """One server of each kind."""
    with servers(request.param) as quorum:
        yield quorum


@pytest.fixture
async def hand(server: EmbeddedQuorum) -> AsyncIterator[Hand]:
    """An agent's hand on an emptied server, whose record names `HOLDER`."""
    server.flush(0)
    async with hand_on(server.urls[0]) as found:
        await hold(found, HOLDER)
        yield found


async def hold(hand: Hand, who: Holder) -> None:
    """Let the record name that holder."""
    seen = await hand.ask(Observe())
    await hand.ask(Take(seen.record.version, who, 10_000))


def run(nonce: str, state: RunState = RunState.RUNNING, *, job: str = "report", **more: int) -> Run:
    """A run in few words."""
    return Run(job, nonce, state, "n1", "default", 4610, 1_790_000_000_000, **more)


def claim(nonce: str, who: Holder = HOLDER, *, gap_ms: int = GAP_MS, instead_of: str = "") -> ClaimTick:
    """A claim in few words."""
    return ClaimTick(who, run(nonce), gap_ms, instead_of)


async def ask(instance: Instance, operation: TickOperation, job: str = "report") -> TickAnswer:
    """The answer to one operation."""
    reply = await instance.call_jobs([TickCall(job, operation)], timeout_ns=TIMEOUT_NS)
    return reply.answers[0]


async def test_the_holder_claims_a_tick_and_nobody_starts_it_again_within_the_gap(hand: Hand) -> None:
    """The same nonce is answered as before; another one is refused, and shown the start."""
    assert (await ask(hand.instance, claim("a"))).verdict is TickVerdict.GRANTED
    assert (await ask(hand.instance, claim("a"))).verdict is TickVerdict.YOURS
    refused = await ask(hand.instance, claim("b"))
    assert refused.verdict is TickVerdict.STARTED
    assert [seen.nonce for seen in refused.runs] == ["a"]
    assert 0 <= refused.runs[0].age_ms < GAP_MS


async def test_a_start_older_than_the_gap_refuses_nothing(hand: Hand) -> None:
    """The next tick is another one."""
    await ask(hand.instance, Report(run("old", RunState.DONE, age_ms=GAP_MS + 1)))
    assert (await ask(hand.instance, claim("new"))).verdict is TickVerdict.GRANTED


@pytest.mark.parametrize(
    ("between_ms", "verdict"), [(GAP_MS - 5_000, TickVerdict.STARTED), (GAP_MS + 5_000, TickVerdict.GRANTED)]
)
async def test_the_gap_is_counted_from_call_to_call(
    hand: Hand, between_ms: int, verdict: TickVerdict
) -> None:
    """However late the claims came: those of one tick are near each other, those of two are not."""
    early, late = claim("early"), claim("late")
    late_ms = 15_000
    early = replace(early, run=replace(early.run, age_ms=between_ms + late_ms))
    late = replace(late, run=replace(late.run, age_ms=late_ms))
    assert (await ask(hand.instance, early)).verdict is TickVerdict.GRANTED
    assert (await ask(hand.instance, late)).verdict is verdict


async def test_only_whom_the_record_names_may_claim(hand: Hand) -> None:
    """Another holder, another term, and nobody at all once it is released."""
    for who in (holder(4610, "n2"), holder(4609), holder(4610, "n1", "i2")):
        assert (await ask(hand.instance, claim("a", who))).verdict is TickVerdict.NOT_HOLDER
    await hand.ask(Release(HOLDER))
    assert (await ask(hand.instance, claim("a"))).verdict is TickVerdict.NOT_HOLDER
    assert (await ask(hand.instance, Look())).runs == ()


async def test_a_record_of_a_process_before_does_not_let_anybody_claim(
    hand: Hand, server: EmbeddedQuorum
) -> None:
    """After a restart with its data the record is as good as none."""
    admin(server, "HSET", "leader:test:election:default", "process", "before:1")
    assert (await ask(hand.instance, claim("a"))).verdict is TickVerdict.NOT_HOLDER


async def test_a_clock_that_was_set_back_does_not_cost_a_tick(hand: Hand) -> None:
    """A start that seems to lie in the far future is no younger one; one a moment ahead is."""
    await ask(hand.instance, Report(run("future", RunState.DONE, age_ms=-3_600_000)))
    assert (await ask(hand.instance, claim("a"))).verdict is TickVerdict.GRANTED
    await ask(hand.instance, Report(run("soon", RunState.DONE, age_ms=-1000)))
    assert (await ask(hand.instance, claim("b"))).verdict is TickVerdict.STARTED


async def test_a_clock_that_was_not_seen_for_a_lease_is_not_known(server: EmbeddedQuorum) -> None:
    """Ages of runs would be wrong by as much as the two hosts' clocks have drifted apart meanwhile."""
    server.flush(0)
    async with hand_on(server.urls[0], configuration=replace(CONFIGURATION, lease_ms=2000)) as hand:
        assert hand.instance.wall_ms() == 0
        await hand.ask(Observe())
        assert hand.instance.wall_ms() > 0
        await eventually(lambda: hand.instance.wall_ms() == 0)
        await hand.ask(Observe())
        assert hand.instance.wall_ms() > 0


async def test_a_run_that_was_interrupted_does_not_stand_in_the_way_of_whom_it_is_passed_over_by(
    hand: Hand,
) -> None:
    """It is named by its nonce; any other start still refuses."""
    await ask(hand.instance, claim("dead"))
    assert (await ask(hand.instance, claim("b", instead_of="dead"))).verdict is TickVerdict.GRANTED
    assert (await ask(hand.instance, claim("c", instead_of="dead"))).verdict is TickVerdict.STARTED


async def test_later_news_of_a_run_replace_earlier_ones_and_not_the_other_way_round(hand: Hand) -> None:
    """An end that was told stays, whatever is supposed afterwards."""
    await ask(hand.instance, claim("a"))
    await ask(hand.instance, Report(run("a", RunState.INTERRUPTED)))
    await ask(hand.instance, Report(run("a", RunState.FAILED, duration_ms=1200, code=3)))
    for late in (RunState.RUNNING, RunState.INTERRUPTED):
        await ask(hand.instance, Report(run("a", late)))
    (seen,) = (await ask(hand.instance, Look())).runs
    assert (seen.state, seen.duration_ms, seen.code) == (RunState.FAILED, 1200, 3)


async def test_a_missed_tick_is_written_only_where_nothing_was_started(hand: Hand) -> None:
    """A claim that comes after all removes it."""
    await ask(hand.instance, Report(run("m", RunState.MISSED), GAP_MS))
    await ask(hand.instance, Report(run("m2", RunState.MISSED), GAP_MS))
    assert [seen.nonce for seen in (await ask(hand.instance, Look())).runs] == ["m"]
    assert (await ask(hand.instance, claim("a"))).verdict is TickVerdict.GRANTED
    await ask(hand.instance, Report(run("m3", RunState.MISSED), GAP_MS))
    assert [seen.nonce for seen in (await ask(hand.instance, Look())).runs] == ["a"]


async def test_the_ledger_is_bounded_by_runs_and_by_jobs(hand: Hand) -> None:
    """The oldest run, and the job that was not started for the longest time, make room."""
    runs: tuple[Run, ...] = ()
    for number in range(LONGEST_LEDGER + 3):
        old = run(f"n{number:02}", RunState.DONE, age_ms=(50 - number) * GAP_MS)
        runs = (await ask(hand.instance, Report(old))).runs
    assert [seen.nonce for seen in runs] == [f"n{n:02}" for n in reversed(range(3, LONGEST_LEDGER + 3))]
    calls = [
        TickCall(f"j{n}", Report(run("x", RunState.DONE, job=f"j{n}", age_ms=n)))
        for n in range(MOST_JOBS + 5)
    ]
    for first in range(0, len(calls), 100):
        await hand.instance.call_jobs(calls[first : first + 100], timeout_ns=TIMEOUT_NS)
    kept = {seen.job for seen in (await ask(hand.instance, Look(), "")).runs}
    assert len(kept) == MOST_JOBS
    assert "report" not in kept


async def test_a_look_at_all_jobs_shows_what_looks_at_each_do(hand: Hand) -> None:
    """Every field comes back as it was written."""
    one = run("a", RunState.FAILED, duration_ms=7, code=255)
    other = replace(run("b", RunState.MISSED, job="mail"), election="reports", node="n2")
    await ask(hand.instance, Report(one))
    await ask(hand.instance, Report(other), "mail")
    seen = {found.job: replace(found, age_ms=0) for found in (await ask(hand.instance, Look(), "")).runs}
    assert seen == {"report": one, "mail": other}


async def test_whoever_listens_hears_of_a_claim(hand: Hand, server: EmbeddedQuorum) -> None:
    """So a node that waits leaves at once."""
    heard: list[Run] = []
    async with hand_on(server.urls[0], name="listening") as other:
        task = asyncio.create_task(other.instance.listen(lambda _notice: None, heard.append))
        await eventually(lambda: b":1\r\n" in server.ask(0, "PUBSUB", "NUMSUB", "leader:test:0:jobs"))
        await ask(hand.instance, claim("a"))
        await eventually(lambda: bool(heard))
        task.cancel()
    assert replace(heard[0], age_ms=0) == run("a")
