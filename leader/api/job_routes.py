"""The routes about jobs: claims of ticks, runs and their ends, and the ledger.

What a claim means is the agent's business. Whoever may open the socket may read; a POST needs a user that is
allowed to, by the kernel's word.
"""

import asyncio
from dataclasses import replace
from functools import partial
from secrets import token_hex

from leader import clock
from leader.api.body import Body, Unfit, name_of
from leader.api.message import (
    Request,
    Response,
    deferred,
    document,
    line,
    no_such_election,
    printable,
    refusal,
)
from leader.api.source import Source
from leader.durations import format_duration
from leader.protocol.events import NS_PER_MS
from leader.protocol.gap import DEFAULT_GAP_MS, LONGEST_GAP_MS, default_wait_ms, longest_wait_ms
from leader.protocol.runs import Run, RunState
from leader.protocol.snapshot import JobView
from leader.protocol.ticks import Decision, Wish

CHANGES = ("claim", "run", "end")
ENDS = (RunState.DONE, RunState.FAILED, RunState.STOPPED)
RECORDED_S = 2.0
"""How long the answer to an end waits for a majority to have it."""


def change(source: Source, request: Request, parts: list[str]) -> Response | None:
    """What a request to change something about a job is answered; None if its path is not of that kind."""
    match parts:
        case ["", "v1", "jobs", job, what] if what in CHANGES:
            return _change(source, request, job, what)
        case _:
            return None


def _change(source: Source, request: Request, job: str, what: str) -> Response:
    if request.method != "POST":
        return refusal(405, f"/v1/jobs/{job}/{what} changes something: use POST", (("Allow", "POST"),))
    forbidden = source.forbids(request.peer)
    if forbidden:
        return refused(403, forbidden)
    try:
        body = Body(request.body)
        match what:
            case "claim":
                return claim(source, job, body)
            case "run":
                return run(source, job, body)
            case _:
                return end(source, job, body)
    except Unfit as error:
        return refused(400, str(error))


def refused(status: int, sentence: str) -> Response:
    """What is wrong and what to do, in a header as well, for `leader once`, which reads no JSON."""
    return refusal(status, sentence, (("Leader-Error", printable(sentence)),))


# Claims.


def claim(source: Source, job: str, body: Body) -> Response:
    """Whether this call of `once` may start the job: the answer comes when that is known.

    Raises:
        Unfit: the body is wrong.
    """
    wish = _wish(source, job, body)
    if wish.election not in source.elections():
        return no_such_election(source.elections(), wish.election)
    return deferred(partial(_decided, source, wish))


def _wish(source: Source, job: str, body: Body) -> Wish:
    gap_ms = body.number("gap_ms", DEFAULT_GAP_MS, LONGEST_GAP_MS)
    wait_ms = body.number("wait_ms", default_wait_ms(gap_ms, source.about().lease_ms), LONGEST_GAP_MS)
    most_ms = longest_wait_ms(gap_ms)
    if body.has("wait_ms") and wait_ms > most_ms:
        raise Unfit(f"wait_ms {wait_ms} is more than {most_ms}: a late waiter could start the tick again")
    return Wish(
        job=name_of(job, "job"),
        nonce=body.name("nonce", token_hex(16)),
        node=source.about().node,
        election=body.name("election", "default"),
        tick_ms=body.number("tick_ms", clock.wall_ms(), clock.LATEST_MS),
        gap_ms=gap_ms,
        wait_ms=wait_ms,
        overlaps=body.choice("overlap", ("allow", "skip")) == "allow",
        reruns_interrupted=body.flag("rerun_interrupted"),
        called_at=body.called_at(),
    )


async def _decided(source: Source, wish: Wish) -> Response:
    tick = await source.claim(wish)
    if tick is None or tick.decision is None:
        return _told(
            wish, "undecided", error="the agent stops or restarts before this tick is decided: ask again"
        )
    decision = str(tick.decision)
    if tick.decision is Decision.YOURS:
        about = source.about()
        called = clock.utc_iso(wish.tick_ms)
        return _told(wish, decision, cluster=about.cluster, node=about.node, term=tick.term, tick=called)
    if tick.decision is Decision.MISSED:
        waited, why = format_duration(wish.wait_ms), source.why_not_claimed(wish.election)
        return _told(wish, decision, error=f"nobody has claimed this tick within {waited}: {why}")
    other = tick.in_the_way
    if other is None:
        return _told(wish, decision)
    return _told(
        wish,
        decision,
        node=other.node,
        term=other.term,
        tick=clock.utc_iso(other.tick_ms),
        state=str(other.state),
    )


def _told(wish: Wish, claim: str, **more: str | int) -> Response:
    """A decision, in JSON and in headers; if the tick is another's, with its node, term and state."""
    content = {"claim": claim, "job": wish.job, "election": wish.election, "nonce": wish.nonce, **more}
    headers = tuple((f"Leader-{name.title()}", printable(str(value))) for name, value in content.items())
    return document(503 if "error" in more else 200, content, headers)


# Runs.


def _run(source: Source, job: str, body: Body, state: RunState) -> Run:
    if not body.has("nonce"):
        raise Unfit("the nonce of the claim is missing: say which run it is")
    return Run(
        job=name_of(job, "job"),
        nonce=body.name("nonce", ""),
        state=state,
        node=source.about().node,
        election=body.name("election", "default"),
        term=body.number("term", 0),
        tick_ms=body.number("tick_ms", clock.wall_ms(), clock.LATEST_MS),
        age_ms=(clock.now_ns() - body.called_at()) // NS_PER_MS,
        duration_ms=body.number("duration_ms", 0),
        code=body.number("code", 0, 255),
    )


def run(source: Source, job: str, body: Body) -> Response:
    """A stream that stands for a run: as long as it is open, its `once` lives.

    Raises:
        Unfit: the body is wrong.
    """
    found = _run(source, job, body, RunState.RUNNING)
    return Response(
        200, line({"event": "running", "job": job}), joins=lambda _listener: source.run_connected(found)
    )


def end(source: Source, job: str, body: Body) -> Response:
    """How a run has ended; the answer says whether a majority of the instances has it.

    Raises:
        Unfit: the body is wrong.
    """
    state = RunState(body.choice("state", tuple(map(str, ENDS))))
    return deferred(partial(_recorded, source, _run(source, job, body, state)))


async def _recorded(source: Source, ended: Run) -> Response:
    written = source.run_ended(ended)
    try:
        async with asyncio.timeout(RECORDED_S):
            await written.wait()
    except TimeoutError:
        return document(202, {"recorded": False})
    return document(200, {"recorded": True})


# The ledger.


def jobs(source: Source) -> Response:
    """All jobs and their last ticks, asked of the instances now."""

    async def later() -> Response:
        return document(200, {"jobs": await source.jobs()})

    return replace(deferred(later), is_common=True)


def one_job(source: Source, job: str) -> Response:
    """One job and its last ticks."""

    async def later() -> Response:
        found: tuple[JobView, ...] = await source.jobs(job)
        if not found:
            return refusal(404, f"no tick of job {job!r} is known: see /v1/jobs")
        return document(200, found[0])

    return deferred(later)
