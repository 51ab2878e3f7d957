"""Each route answers what the interface promises."""

import json
from pathlib import Path
from typing import Any

import pytest

from leader.api.message import Request
from leader.api.routes import respond
from tests.unit.api.handmade import HandmadeSource, serving
from tests.unit.api.talking import get

LEADER_ROUTES = ("/leader", "/v1/elections/default/leader", "/v1/elections/reports/leader")


def ask(
    source: HandmadeSource, target: str, method: str = "GET"
) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and document of one answer."""
    response = respond(source, Request(method, target))
    return response.status, dict(response.headers), json.loads(response.body)


@pytest.mark.parametrize("target", LEADER_ROUTES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_leader_is_200_whatever_the_load_balancer_checks_with(target: str, method: str) -> None:
    """The body and the headers say for how long, and with which term."""
    status, headers, content = ask(HandmadeSource(), target, method)
    assert status == 200
    assert headers["Leader-Remaining-Ms"] == "8000"
    assert headers["Leader-Term"] == "4610"
    assert set(content) == {"election", "node", "leader", "term", "holder", "remaining_ms"}
    assert content["leader"] is True


@pytest.mark.parametrize("target", LEADER_ROUTES)
def test_who_does_not_lead_is_503_and_names_the_holder(target: str) -> None:
    """A load balancer takes the node out; a person reads who leads instead."""
    status, headers, content = ask(HandmadeSource(leads=False), target)
    assert (status, headers["Leader-Remaining-Ms"]) == (503, "0")
    assert (content["leader"], content["holder"], content["remaining_ms"]) == (False, "web-2", 0)


@pytest.mark.parametrize(
    "target", ["/v1/elections/nope/leader", "/v1/elections/nope", "/v1/elections//leader"]
)
def test_an_unknown_election_is_404_and_names_those_that_exist(target: str) -> None:
    """In the body for people, in a header for callers without JSON."""
    status, headers, content = ask(HandmadeSource(), target)
    assert status == 404
    assert headers["Leader-Elections"] == "default, reports"
    assert content["elections"] == ["default", "reports"]


def test_the_short_route_is_404_where_no_election_is_called_default() -> None:
    """`/leader` means the election `default`, as the command does."""
    status, headers, _ = ask(HandmadeSource(names=["reports"]), "/leader")
    assert (status, headers["Leader-Elections"]) == (404, "reports")


def test_names_are_percent_decoded_and_a_query_is_ignored() -> None:
    """As any HTTP client sends them; a slash in a name does not make a route of it."""
    source = HandmadeSource(names=["a/b c"])
    assert ask(source, "/v1/elections/a%2Fb%20c/leader?now=1")[0] == 200
    assert ask(source, "/v1/elections/a/b%20c/leader")[0] == 404


def test_a_proxy_may_leave_the_origin_in_the_target() -> None:
    """HTTP/1.1 servers must take the absolute form."""
    assert ask(HandmadeSource(), "http://agent/livez")[0] == 200


def test_alive_and_ready_say_why_they_are_not() -> None:
    """503 with the reasons, 200 without."""
    well, ill = HandmadeSource(), HandmadeSource(turns=False, reasons=["only 1 of 3 instances answers"])
    assert ask(well, "/livez") == (200, {}, {"alive": True})
    assert ask(ill, "/livez") == (503, {}, {"alive": False})
    assert ask(well, "/readyz") == (200, {}, {"ready": True, "reasons": []})
    assert ask(ill, "/readyz") == (503, {}, {"ready": False, "reasons": ["only 1 of 3 instances answers"]})


def test_status_is_the_whole_view_and_an_election_its_part() -> None:
    """What `leader status` shows."""
    _, _, status = ask(HandmadeSource(), "/v1/status")
    assert (status["cluster"], status["lease_ms"]) == ("prod", 10_000)
    _, _, election = ask(HandmadeSource(), "/v1/elections/reports")
    assert election == status["elections"][1]
    assert election["role"] == "holder"


@pytest.mark.parametrize(
    "target", ["/", "/nope", "/v1", "/v1/elections", "/leader/", "*", "", "//leader", "/v1/%ff"]
)
def test_anything_else_is_404_and_no_answer_about_an_election(target: str) -> None:
    """`is-leader` must not take it for one."""
    status, headers, content = ask(HandmadeSource(), target)
    assert (status, headers) == (404, {})
    assert "/v1/status" in content["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "CONNECT", "PATCH"])
def test_what_is_only_read_refuses_other_methods(method: str) -> None:
    """405, with the methods that are allowed."""
    status, headers, _ = ask(HandmadeSource(), "/leader", method)
    assert (status, headers) == (405, {"Allow": "GET, HEAD, OPTIONS"})


async def test_what_other_agents_wrote_cannot_break_an_answer(path: Path) -> None:
    """A holder's name comes from a record; line breaks in it do not become headers."""
    async with serving(path, HandmadeSource(node="näme\r\nLeader-Term: 9 ")):
        answer = await get(path, "/leader")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nLeader-Node: n?me??Leader-Term: 9\r\n" in answer
