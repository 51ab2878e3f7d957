"""Which answer belongs to which request: a pure function of the source, the method and the target.

Knows nothing of sockets, connections or bytes on a wire.
"""

from dataclasses import asdict, fields
from functools import partial

from leader.api import control_routes, job_routes
from leader.api.message import (
    READ,
    Request,
    Response,
    document,
    line,
    no_such_election,
    parts_of,
    printable,
    refusal,
)
from leader.api.source import Source
from leader.protocol.snapshot import Leadership

LEADERSHIP_FIELDS = tuple(field.name for field in fields(Leadership))


def respond(source: Source, request: Request) -> Response:
    """The answer to one request, whatever it asks for."""
    parts = parts_of(request.target)
    path = "/".join(parts)
    change = job_routes.change(source, request, parts) or control_routes.change(source, request, parts)
    if change is not None:
        return change
    answer = find(source, parts)
    if answer is None:
        there = "/v1/status, /v1/history, /v1/jobs, /v1/events, /leader, /livez, /readyz, /metrics"
        return refusal(404, f"there is no {path}: see {there}")
    if request.method not in READ:
        return refusal(405, f"{path} is only read: use GET", (("Allow", ", ".join(READ)),))
    return answer


def find(source: Source, parts: list[str]) -> Response | None:  # noqa: C901, PLR0911, PLR0912 - one for each route
    """What stands at a path, or nothing."""
    match parts:
        case ["", "leader"]:
            return leader(source, "default")
        case ["", "v1", "elections", election, "leader"]:
            return leader(source, election)
        case ["", "v1", "elections", election]:
            return one_election(source, election)
        case ["", "v1", "status"]:
            return document(200, source.view())
        case ["", "v1", "history"]:
            return document(200, source.history())
        case ["", "v1", "events"]:
            return Response(200, line(snapshot(source)), joins=source.subscribe)
        case ["", "v1", "elections", election, "guard"]:
            return guard(source, election)
        case ["", "v1", "elections", election, "work"]:
            return control_routes.work(source, election)
        case ["", "v1", "jobs"]:
            return job_routes.jobs(source)
        case ["", "v1", "jobs", job]:
            return job_routes.one_job(source, job)
        case ["", "metrics"]:
            return metrics(source)
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
        return no_such_election(source.elections(), election)
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


def metrics(source: Source) -> Response:
    """What Prometheus scrapes; its library, 1.8 MB of memory, is loaded only where somebody does."""
    from leader.api.metrics import render  # noqa: PLC0415 - an agent that nobody scrapes stays small

    return render(source)


def guard(source: Source, election: str) -> Response:
    """A stream for whoever runs jobs while this node leads: it says when they must end, and is waited for."""
    if election not in source.elections():
        return no_such_election(source.elections(), election)
    if source.control().drains(election):
        return refusal(503, f"this node is about to hand {election} over, so no job starts here any more")
    about = {"event": "guarding", **asdict(source.about())}
    return Response(200, line(about), joins=partial(source.guard, election))


def one_election(source: Source, election: str) -> Response:
    """One election in detail."""
    for view in source.view().elections:
        if view.election == election:
            return document(200, view)
    return no_such_election(source.elections(), election)


def snapshot(source: Source) -> dict[str, object]:
    """The first line of a stream of events: all that is known before the first change."""
    return {"event": "snapshot", "status": source.view()}
