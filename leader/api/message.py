"""A request and an answer, as values: what was asked by whom, and what is to be sent.

Knows nothing of sockets, connections or bytes on a wire.
"""

import json
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import unquote

from leader.api.peers import Peer
from leader.api.source import Leave, Listener

READ = ("GET", "HEAD", "OPTIONS")
"""The methods of every route that is read; load balancers check with HEAD or OPTIONS."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole; `peer` is None where the kernel does not tell who asks."""

    method: str
    target: str
    body: bytes = b""
    peer: Peer | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; if it `joins` something, the body goes on line by line until one side ends it.

    If it comes `later`, it is what that returns, and the rest is nothing yet.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    kind: str = "application/json"
    """The body's media type."""
    joins: Callable[[Listener], Leave] | None = None
    """Called with what sends one more line, when the stream begins."""
    later: Callable[[], Awaitable["Response"]] | None = None
    """Called when the request is there; cancelled when its client is gone. What it returns is sent whole."""
    is_common: bool = False
    """Whether the same answer does for all who ask before it is worked out: what comes `later` costs much."""


def deferred(later: Callable[[], Awaitable[Response]]) -> Response:
    """An answer that takes its time."""
    return Response(200, later=later)


def refusal(status: int, sentence: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """An answer that says what is wrong and what to do."""
    return document(status, {"error": sentence}, headers)


def document(status: int, content: object, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """An answer in JSON, of a mapping or of a value of the read model."""
    return Response(status, line(content), headers)


def headers_of(response: Response) -> list[tuple[str, str]]:
    """The headers of an answer that is sent whole."""
    return [
        ("Content-Type", response.kind),
        ("Content-Length", str(len(response.body))),
        ("Cache-Control", "no-store"),
        *response.headers,
    ]


def line(content: object) -> bytes:
    """One line of JSON."""
    return json.dumps(content, default=_fields).encode() + b"\n"


def _fields(value: Any) -> dict[str, object]:  # noqa: ANN401 - a dataclass, which has no name for its kind
    """A value of the read model as JSON may hold it; a deep copy would hold up the agent's loop for long."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def parts_of(target: str) -> list[str]:
    """The parts of a target's path, without the query, and without the origin that a proxy leaves in."""
    path = target.partition("?")[0]
    if path.startswith("http://"):
        path = "/" + path.removeprefix("http://").partition("/")[2]
    return [unquote(part) for part in path.split("/")]


def printable(text: str) -> str:
    """The text as a header may hold it: what other agents wrote must not break an answer."""
    return "".join(char if " " <= char <= "~" else "?" for char in text).strip()


def no_such_election(elections: Collection[str], election: str) -> Response:
    """404, with the names that do exist."""
    names = sorted(elections)
    there = ", ".join(names) or "none"
    content = {"error": f"there is no election {election!r}; there is: {there}", "elections": names}
    return document(404, content, (("Leader-Elections", printable(", ".join(names))),))
