"""Which answer belongs to which request: a pure function of the source, the method and the target.

Knows nothing of sockets, connections or bytes on a wire.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from urllib.parse import unquote

from leader.api.source import Leave, Listener, Source
from leader.protocol.snapshot import Leadership

READ = ("GET", "HEAD", "OPTIONS")
"""The methods of every route; load balancers check with HEAD or OPTIONS."""

LEADERSHIP_FIELDS = tuple(field.name for field in fields(Leadership))


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; if it `joins` something, the body goes on line by line until one side ends it."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    joins: Callable[[Listener], Leave] | None = None
    """Called with what sends one more line, when the stream begins."""


def respond(source: Source, method: str, target: str) -> Response:
    """The answer to one request, whatever it asks for."""
    path = path_of(target)
    answer = find(source, path)
    if answer is None:
        return refusal(404, f"there is no {path}: see /v1/status, /v1/events, /leader, /livez, /readyz")
    if method not in READ:
        return refusal(405, f"{path} is only read: use GET", (("Allow", ", ".join(READ)),))
    return answer


def find(source: Source, path: str) -> Response | None:  # noqa: PLR0911 - one for each route
    """What stands at a path, or nothing."""
    match [unquote(part) for part in path.split("/")]:
        case ["", "leader"]:
            return leader(source, "default")
        case ["", "v1", "elections", election, "leader"]:
            return leader(source, election)
        case ["", "v1", "elections", election]:
            return one_election(source, election)
        case ["", "v1", "status"]:
            return document(200, asdict(source.view()))
        case ["", "v1", "events"]:
            return Response(200, line(snapshot(source)), joins=source.subscribe)
        case ["", "v1", "elections", election, "guard"]:
            return guard(source, election)
        case ["", "livez"]:
            alive = source.alive()
            return document(200 if alive else 503, {"alive": alive})
        case ["", "readyz"]:
            reasons = source.unready()
            return document(503 if reasons else 200, {"ready": not reasons, "reasons": reasons})
        case _:
            return None


def leader(source: Source, election: str) -> Response:
    """Whether this node leads: 200 or 503, and in headers all that a caller needs."""
    if election not in source.elections():
        return no_such_election(source, election)
    leadership = source.leadership(election)
    content = {name: getattr(leadership, name) for name in LEADERSHIP_FIELDS}
    return document(200 if leadership.leader else 503, content, leadership_headers(leadership))


def leadership_headers(leadership: Leadership) -> tuple[tuple[str, str], ...]:
    """The same as in the body, for callers without JSON."""
    return (
        ("Leader-Remaining-Ms", str(leadership.remaining_ms)),
        ("Leader-Term", str(leadership.term)),
        ("Leader-Node", printable(leadership.node)),
        ("Leader-Holder", printable(leadership.holder)),
    )


def guard(source: Source, election: str) -> Response:
    """A stream for whoever runs jobs while this node leads: it says when they must end, and is waited for."""
    if election not in source.elections():
        return no_such_election(source, election)
    view = source.view()
    about = {"event": "guarding", "cluster": view.cluster, "node": view.node, "lease_ms": view.lease_ms}
    return Response(200, line(about), joins=partial(source.guard, election))


def one_election(source: Source, election: str) -> Response:
    """One election in detail."""
    for view in source.view().elections:
        if view.election == election:
            return document(200, asdict(view))
    return no_such_election(source, election)


def no_such_election(source: Source, election: str) -> Response:
    """404, with the names that do exist."""
    names = sorted(source.elections())
    there = ", ".join(names) or "none"
    content = {"error": f"there is no election {election!r}; there is: {there}", "elections": names}
    return document(404, content, (("Leader-Elections", printable(", ".join(names))),))


def refusal(status: int, sentence: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """An answer that says what is wrong and what to do."""
    return document(status, {"error": sentence}, headers)


def document(
    status: int, content: Mapping[str, object], headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    """An answer in JSON."""
    return Response(status, line(content), headers)


def snapshot(source: Source) -> dict[str, object]:
    """The first line of a stream of events: all that is known before the first change."""
    return {"event": "snapshot", "status": asdict(source.view())}


def line(content: Mapping[str, object]) -> bytes:
    """One line of JSON."""
    return json.dumps(content).encode() + b"\n"


def path_of(target: str) -> str:
    """The path of a request's target, without the query, and without the origin that a proxy leaves in."""
    path = target.partition("?")[0]
    if path.startswith("http://"):
        path = "/" + path.removeprefix("http://").partition("/")[2]
    return path


def printable(text: str) -> str:
    """The text as a header may hold it: what other agents wrote must not break an answer."""
    return "".join(char if " " <= char <= "~" else "?" for char in text).strip()
