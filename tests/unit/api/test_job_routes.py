"""The routes about jobs: what they take, what they answer, and who may ask."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from leader.api.limits import Limits
from leader.clock import now_ns
from leader.protocol.runs import RunState
from leader.protocol.snapshot import JobView, RunView
from leader.protocol.ticks import Decision
from tests.support.polling import eventually
from tests.unit.api.handmade import HandmadeSource, serving

NONCE = "f" * 32


class SlowLedger(HandmadeSource):
    """Reads the ledger only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.lets_go = asyncio.Event()

    async def jobs(self, only: str = "") -> tuple[JobView, ...]:
        self.reads += 1
        await self.lets_go.wait()
        return await super().jobs(only)


async def ask(
    path: Path, target: str, body: object = None, method: str = "POST"
) -> tuple[int, dict[str, Any]]:
    """Status and document of the answer to one request."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        return await exchange(reader, writer, target, body, method)
    finally:
        writer.close()


async def exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    target: str,
    body: object,
    method: str = "POST",
) -> tuple[int, dict[str, Any]]:
    """One request on a connection that stays open."""
    data = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
    writer.write(head.encode() + data)
    said = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = int(said.lower().partition("content-length: ")[2].split("\r\n")[0])
    return int(said.split()[1]), json.loads(await reader.readexactly(length))


@pytest.fixture
def source() -> HandmadeSource:
    """One that decides at once."""
    made = HandmadeSource()
    made.decides.set()
    return made


async def test_a_claim_that_is_won_is_answered_with_all_that_the_job_needs(
    path: Path, source: HandmadeSource
) -> None:
    """Term, tick, node and cluster; and what was left out has its default."""
    async with serving(path, source):
        status, said = await ask(
            path,
            "/v1/jobs/report/claim",
            {"nonce": NONCE, "tick_ms": 1_790_000_000_999, "called_at_ns": now_ns() - 250_000_000},
        )
    assert status == 200
    assert said["claim"] == "yours"
    assert (said["term"], said["tick"]) == (4610, "2026-09-21T14:13:20Z")
    assert (said["node"], said["cluster"]) == ("web-1", "prod")
    (wish,) = source.wishes
    assert (wish.job, wish.nonce, wish.gap_ms, wish.wait_ms) == ("report", NONCE, 45_000, 20_000)
    assert 250_000_000 <= now_ns() - wish.called_at < 30_000_000_000
    assert (wish.overlaps, wish.reruns_interrupted, wish.election) == (True, False, "default")


@pytest.mark.parametrize(
    ("decision", "status", "claim"),
    [
        (Decision.TAKEN, 200, "taken"),
        (Decision.OVERLAPS, 200, "overlaps"),
        (Decision.MISSED, 503, "missed"),
        (None, 503, "undecided"),
    ],
)
async def test_each_decision_has_an_answer_of_its_own(
    path: Path, source: HandmadeSource, decision: Decision | None, status: int, claim: str
) -> None:
    """Scripts can tell them apart."""
    source.decision = decision
    async with serving(path, source):
        answered, said = await ask(path, "/v1/jobs/report/claim", {"nonce": NONCE})
    assert (answered, said["claim"]) == (status, claim)
    assert ("error" in said) == (status == 503)


async def test_a_tick_that_nobody_claimed_is_told_with_how_long_it_was_waited_for(
    path: Path, source: HandmadeSource
) -> None:
    """As people write durations."""
    source.decision = Decision.MISSED
    async with serving(path, source):
        _, said = await ask(path, "/v1/jobs/report/claim", {"nonce": NONCE, "wait_ms": 1500})
    assert str(said["error"]).startswith("nobody has claimed this tick within 1s500ms: ")


async def test_others_are_answered_while_a_claim_waits_and_its_end_is_noticed(path: Path) -> None:
    """A waiting claim costs nobody anything, and one whose client is gone waits no longer."""
    async with serving(path) as source:
        reader, writer = await asyncio.open_unix_connection(path)
        task = asyncio.create_task(exchange(reader, writer, "/v1/jobs/report/claim", {"nonce": NONCE}))
        await eventually(lambda: len(source.wishes) == 1)
        assert (await ask(path, "/leader", method="GET"))[0] == 200
        assert not task.done()
        task.cancel()
        writer.close()
        waiting = asyncio.all_tasks()
        await eventually(lambda: not any("_decided" in repr(t) and not t.done() for t in waiting))


async def test_waiting_claims_are_bounded_so_that_others_are_still_answered(path: Path) -> None:
    """Who is one too many is told at once; when one leaves, there is room again."""
    async with serving(path, limits=Limits(waiting=2)) as source:
        waiting = [asyncio.create_task(ask(path, "/v1/jobs/report/claim", {})) for _ in range(2)]
        await eventually(lambda: len(source.wishes) == 2)
        status, said = await ask(path, "/v1/jobs/report/claim", {})
        assert (status, "too many clients wait" in said["error"]) == (503, True)
        assert (await ask(path, "/leader", method="GET"))[0] == 200
        source.decides.set()
        assert [(await task)[0] for task in waiting] == [200, 200]
        assert (await ask(path, "/v1/jobs/report/claim", {}))[0] == 200


async def test_a_connection_goes_on_after_a_claim(path: Path, source: HandmadeSource) -> None:
    """Keep-alive, as for every other answer."""
    async with serving(path, source):
        reader, writer = await asyncio.open_unix_connection(path)
        for _ in range(3):
            status, _said = await exchange(reader, writer, "/v1/jobs/report/claim", {"nonce": NONCE})
            assert status == 200
        writer.close()


@pytest.mark.parametrize(
    ("target", "body", "told"),
    [
        ("report/claim", b"{", "no JSON object"),
        ("report/claim", [], "no JSON object"),
        ("report/claim", {"gap_ms": "45s"}, "gap_ms"),
        ("report/claim", {"gap_ms": True}, "gap_ms"),
        ("report/claim", {"gap_ms": -1}, "gap_ms"),
        ("report/claim", {"gap_ms": 45_000, "wait_ms": 35_001}, "a late waiter could start the tick again"),
        ("report/claim", {"overlap": "maybe"}, "allow, skip"),
        ("report/claim", {"rerun_interrupted": 1}, "true or false"),
        ("report/claim", {"nonce": "a b"}, "cannot be a name"),
        ("a%2Fb/claim", {}, "cannot be a name"),
        ("report/end", {}, "nonce"),
        ("report/end", {"nonce": NONCE, "state": "gone"}, "done, failed, stopped"),
        ("report/end", {"nonce": NONCE, "code": 256}, "code"),
    ],
)
async def test_a_body_that_is_wrong_is_refused_in_one_sentence(
    path: Path, source: HandmadeSource, target: str, body: object, told: str
) -> None:
    """400, and the agent is not bothered."""
    async with serving(path, source):
        status, said = await ask(path, f"/v1/jobs/{target}", body)
    assert status == 400
    assert told in said["error"]
    assert not source.wishes
    assert not source.ended


async def test_an_unknown_election_is_404_with_those_that_exist(path: Path, source: HandmadeSource) -> None:
    """As for a question about it."""
    async with serving(path, source):
        status, said = await ask(path, "/v1/jobs/report/claim", {"election": "nope"})
    assert (status, said["elections"]) == (404, ["default", "reports"])


async def test_who_may_not_change_anything_is_told_what_to_do(path: Path, source: HandmadeSource) -> None:
    """403 for every change, while reading goes on."""
    source.forbidden = "adduser www-data leader"
    async with serving(path, source):
        for what in ("claim", "run", "end"):
            assert await ask(path, f"/v1/jobs/report/{what}") == (403, {"error": "adduser www-data leader"})
        assert (await ask(path, "/v1/jobs", method="GET"))[0] == 200


async def test_a_change_is_a_post(path: Path, source: HandmadeSource) -> None:
    """405 for a GET, so that no crawler or preview starts anything."""
    async with serving(path, source):
        status, said = await ask(path, "/v1/jobs/report/claim", method="GET")
    assert status == 405
    assert "use POST" in said["error"]


async def test_a_run_is_connected_as_long_as_its_stream_is_open(path: Path, source: HandmadeSource) -> None:
    """The agent knows which run, and since when."""
    async with serving(path, source):
        reader, writer = await asyncio.open_unix_connection(path)
        body = json.dumps({"nonce": NONCE, "term": 7, "called_at_ns": now_ns() - 12_000_000}).encode()
        head = f"POST /v1/jobs/report/run HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        assert (await reader.readline()).split()[1] == b"200"
        (run,) = source.connected
        assert (run.job, run.nonce, run.term) == ("report", NONCE, 7)
        assert 12 <= run.age_ms < 30_000
        writer.close()
        await eventually(lambda: not source.connected)


@pytest.mark.parametrize("writes", [True, False])
async def test_the_answer_to_an_end_says_whether_a_majority_has_it(
    path: Path, source: HandmadeSource, *, writes: bool
) -> None:
    """200 once it is written, else 202 after a while; the agent goes on trying."""
    source.writes = writes
    async with serving(path, source):
        said = await ask(path, "/v1/jobs/report/end", {"nonce": NONCE, "state": "failed", "code": 3})
    assert said == ((200, {"recorded": True}) if writes else (202, {"recorded": False}))
    assert (source.ended[0].state, source.ended[0].code) == (RunState.FAILED, 3)


async def test_the_ledger_is_shown_whole_or_job_by_job(path: Path, source: HandmadeSource) -> None:
    """An unknown job is 404."""
    run = RunView("2026-09-21T14:13:20Z", "done", "web-1", 7, 5, 6, 0)
    source.ledger = (JobView("report", "default", 0, 0, (run,)),)
    async with serving(path, source):
        whole = await ask(path, "/v1/jobs", method="GET")
        one = await ask(path, "/v1/jobs/report", method="GET")
        other = await ask(path, "/v1/jobs/mail", method="GET")
    assert whole == (200, {"jobs": [one[1]]})
    assert one[1]["runs"][0]["state"] == "done"
    assert other[0] == 404


async def test_however_many_ask_for_the_whole_ledger_it_is_read_few_times(path: Path) -> None:
    """Instances and the agent have leases to renew meanwhile."""
    source = SlowLedger()
    async with serving(path, source):
        first = asyncio.create_task(ask(path, "/v1/jobs", method="GET"))
        await eventually(lambda: source.reads == 1)
        more = [asyncio.create_task(ask(path, "/v1/jobs", method="GET")) for _ in range(50)]
        gone = asyncio.create_task(ask(path, "/v1/jobs", method="GET"))
        await ask(path, "/leader", method="GET")
        gone.cancel()
        source.lets_go.set()
        assert {status for status, _ in await asyncio.gather(first, *more)} == {200}
    assert source.reads < len(more) // 2


async def test_a_client_that_sends_on_and_reads_nothing_is_answered_no_further(path: Path) -> None:
    """Its answers wait in memory, so there are only a few; others are answered meanwhile."""
    source = CountedLedger()
    async with serving(path, source, Limits(stream_bytes=4096)):
        _reader, writer = await asyncio.open_unix_connection(path, limit=1024)
        writer.write(b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
        await eventually(lambda: source.reads > 0)
        for _ in range(200):
            assert (await ask(path, "/leader", method="GET"))[0] == 200
        assert source.reads < 200
        writer.close()


class CountedLedger(HandmadeSource):
    """A large ledger that counts how often it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.ledger = tuple(JobView(f"job-{n}", "default", 0, 0, ()) for n in range(100))

    async def jobs(self, only: str = "") -> tuple[JobView, ...]:
        self.reads += 1
        return await super().jobs(only)
