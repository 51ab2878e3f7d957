"""The routes by which an operator steers the agent. What a request means is the agent's business.

Each is a POST on the Unix socket, by a user that is allowed to, by the kernel's word.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial

from leader.api.body import LONGEST_MS, Body, Unfit, name_of
from leader.api.control import StepDown
from leader.api.message import Request, Response, deferred, document, no_such_election, refusal
from leader.api.peers import Peer
from leader.api.source import Source
from leader.errors import Refused

LONGEST_REASON = 200
LONGEST_PAUSE_MS = 10 * 366 * 24 * 3600 * 1000

Act = Callable[[Source, Body, Peer], Response]


def change(source: Source, request: Request, parts: list[str]) -> Response | None:
    """What a request to steer the agent is answered; None if its path is not of that kind."""
    act = _act(parts)
    if act is None:
        return None
    path = "/".join(parts)
    if request.method != "POST":
        return refusal(405, f"{path} changes something: use POST", (("Allow", "POST"),))
    forbidden = source.forbids(request.peer)
    if forbidden or request.peer is None:
        source.control().deny(path, forbidden, request.peer)
        return refusal(403, forbidden)
    try:
        return act(source, Body(request.body), request.peer)
    except Unfit as error:
        return refusal(400, str(error))


def _act(parts: list[str]) -> Act | None:
    match parts:
        case ["", "v1", "elections", election, "step-down"]:
            return partial(step_down, election)
        case ["", "v1", "pause"]:
            return pause
        case ["", "v1", "resume"]:
            return resume
        case ["", "v1", "nodes", node, "forget"]:
            return partial(forget, node)
        case _:
            return None


def work(source: Source, election: str) -> Response:
    """What runs here under one leadership."""
    if election not in source.elections():
        return no_such_election(source.elections(), election)
    running = source.control().work(election)
    return document(200, {"election": election, "running": str(running) if running else ""})


def step_down(election: str, source: Source, body: Body, peer: Peer) -> Response:
    """Hand over; the answer comes once the leadership is over here.

    Raises:
        Unfit: the body is wrong.
    """
    order = StepDown(
        election,
        to=body.name("to", "") if body.has("to") else None,
        drains=body.flag("drain"),
        is_forced=body.flag("force"),
        timeout_ms=body.number("timeout_ms", LONGEST_MS),
    )
    if election not in source.elections():
        return no_such_election(source.elections(), election)

    async def act() -> dict[str, object]:
        return asdict(await source.control().step_down(order, peer))

    return _later(act)


def pause(source: Source, body: Body, peer: Peer) -> Response:
    """Keep this node from leading.

    Raises:
        Unfit: the body is wrong.
    """
    reason = body.text("reason", LONGEST_REASON)
    for_ms = body.number("for_ms", 0, LONGEST_PAUSE_MS) if body.has("for_ms") else None
    if for_ms == 0:
        raise Unfit("for_ms must be more than 0: leave it out for a pause that lasts until it is resumed")

    async def act() -> dict[str, object]:
        paused = await source.control().pause(reason, for_ms, peer)
        return {**asdict(paused.pause), "warning": paused.warning}

    return _later(act)


def resume(source: Source, _body: Body, peer: Peer) -> Response:
    """Let this node lead again."""

    async def act() -> dict[str, object]:
        return {"resumed": await source.control().resume(peer)}

    return _later(act)


def forget(node: str, source: Source, _body: Body, peer: Peer) -> Response:
    """Drop a node from the registry.

    Raises:
        Unfit: that cannot be a node's name.
    """
    name = name_of(node, "node")

    async def act() -> dict[str, object]:
        await source.control().forget(name, peer)
        return {"forgotten": True}

    return _later(act)


def _later(act: Callable[[], Awaitable[dict[str, object]]]) -> Response:
    """What comes of it, or why it was refused."""

    async def answer() -> Response:
        try:
            return document(200, await act())
        except Refused as error:
            return refusal(409, str(error))

    return deferred(answer)
