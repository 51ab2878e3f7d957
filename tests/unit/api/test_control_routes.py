"""What an operator's requests are answered, whatever they say."""

import json
from typing import Any

import pytest

from leader.api.control import StepDown, Work
from leader.api.message import Request, Response
from leader.api.peers import Peer
from leader.api.routes import respond
from tests.unit.api.handmade import HandmadeSource

OPERATOR = Peer(pid=7, uid=0, gid=0, groups=frozenset({0}))
STEP_DOWN = "/v1/elections/default/step-down"


async def ask(
    source: HandmadeSource, target: str, body: object = None, method: str = "POST"
) -> tuple[int, dict[str, Any]]:
    """Status and document of the answer."""
    data = b"" if body is None else json.dumps(body).encode()
    response: Response = respond(source, Request(method, target, data, OPERATOR))
    if response.later is not None:
        response = await response.later()
    return response.status, json.loads(response.body)


async def test_a_step_down_is_carried_out_as_it_was_ordered() -> None:
    """What was not said has a default: the best-ranked, no draining, no force."""
    source = HandmadeSource()
    assert await ask(source, STEP_DOWN) == (
        200,
        {"election": "default", "node": "web-1", "term": 4610, "successor": "web-2"},
    )
    order = {"to": "web-3", "drain": True, "force": True, "timeout_ms": 1500}
    assert (await ask(source, STEP_DOWN, order))[1]["successor"] == "web-3"
    assert source.operator.orders[1] == StepDown("default", "web-3", True, True, 1500)
    assert source.operator.orders[0].to is None  # type: ignore[attr-defined]


async def test_a_pause_is_told_back_and_ended() -> None:
    """With the time that is left, and whether there was one to end."""
    source = HandmadeSource()
    status, pause = await ask(source, "/v1/pause", {"reason": "new disk", "for_ms": 60_000})
    assert (status, pause["reason"], pause["remaining_ms"], pause["warning"]) == (200, "new disk", 60_000, "")
    assert await ask(source, "/v1/resume") == (200, {"resumed": True})
    assert await ask(source, "/v1/resume", {}) == (200, {"resumed": False})


@pytest.mark.parametrize("target", [STEP_DOWN, "/v1/pause", "/v1/resume", "/v1/nodes/web-3/forget"])
async def test_what_the_agent_refuses_is_a_conflict_with_its_sentence(target: str) -> None:
    """So that a program can tell it from a mistake of its own."""
    source = HandmadeSource()
    source.operator.refusal = "web-3 is alive"
    assert await ask(source, target, {}) == (409, {"error": "web-3 is alive"})
    assert not source.operator.orders


@pytest.mark.parametrize("target", [STEP_DOWN, "/v1/pause", "/v1/resume", "/v1/nodes/web-3/forget"])
async def test_who_may_not_is_told_so_and_logged(target: str) -> None:
    """And nothing is done; a question about it is answered with the method to use."""
    source = HandmadeSource(forbidden="not you: adduser you leader")
    assert await ask(source, target, {}) == (403, {"error": "not you: adduser you leader"})
    assert source.operator.denied == [target]
    assert not source.operator.orders
    assert (await ask(source, target, method="GET"))[0] == 405


@pytest.mark.parametrize(
    ("target", "body", "sentence"),
    [
        (STEP_DOWN, {"to": "a b"}, "to"),
        (STEP_DOWN, {"to": 7}, "to"),
        (STEP_DOWN, {"drain": "yes"}, "drain must be true or false"),
        (STEP_DOWN, {"timeout_ms": -1}, "timeout_ms must be a whole number"),
        (STEP_DOWN, [], "no JSON object"),
        ("/v1/pause", {"reason": "two\nlines"}, "reason must be one line"),
        ("/v1/pause", {"reason": "x" * 201}, "reason must be one line of at most 200 characters"),
        ("/v1/pause", {"for_ms": 0}, "for_ms must be more than 0"),
        ("/v1/pause", {"for_ms": 1.5}, "for_ms must be a whole number"),
        ("/v1/nodes/a%20b/forget", {}, "node"),
    ],
)
async def test_a_body_that_is_wrong_is_told_what_it_must_be(target: str, body: object, sentence: str) -> None:
    """Nothing is done."""
    source = HandmadeSource()
    status, document = await ask(source, target, body)
    assert status == 400
    assert sentence in document["error"]
    assert not source.operator.orders


async def test_an_election_that_is_not_there_names_those_that_are() -> None:
    """As everywhere."""
    source = HandmadeSource()
    status, document = await ask(source, "/v1/elections/reprots/step-down", {})
    assert (status, document["elections"]) == (404, ["default", "reports"])
    assert (await ask(source, "/v1/elections/reprots/work", method="GET"))[0] == 404


async def test_what_runs_is_told_and_a_drain_lets_no_guard_join() -> None:
    """In words, for whoever waits for it."""
    source = HandmadeSource()
    path = "/v1/elections/default/work"
    assert await ask(source, path, method="GET") == (200, {"election": "default", "running": ""})
    source.operator.running = Work("default", 2, ("archive", "report"))
    said = "2 commands or blocks under `leader run` and job archive and job report"
    assert (await ask(source, path, method="GET"))[1]["running"] == said
    source.operator.draining = True
    assert (await ask(source, "/v1/elections/default/guard", method="GET"))[0] == 503
