"""An answer as h11 writes it."""

from http import HTTPStatus

import h11

from leader.api.message import Response, headers_of

STREAM_HEADERS = [("Content-Type", "application/x-ndjson"), ("Cache-Control", "no-store")]


def whole(http: h11.Connection, response: Response, *, with_body: bool) -> bytes:
    """All bytes of an answer that is sent whole."""
    head = http.send(_start(response, headers_of(response))) or b""
    body = (http.send(h11.Data(response.body)) or b"") if with_body else b""
    return head + body + (http.send(h11.EndOfMessage()) or b"")


def start_of_stream(response: Response) -> h11.Response:
    """The status line and the headers of an answer that goes on."""
    return _start(response, STREAM_HEADERS)


def _start(response: Response, headers: list[tuple[str, str]]) -> h11.Response:
    reason = HTTPStatus(response.status).phrase
    return h11.Response(status_code=response.status, headers=headers, reason=reason)
