"""The plainest requests of all, read and answered without h11: what load balancers ask, a connection each.

h11 takes most of the time of such a request. So what is exactly a question for the leader, whole, with
nothing but simple headers, is recognised by one pattern, and everything else is h11's, whatever it is: this
file never refuses anything. Its answers are h11's own, byte by byte, as a test shows.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

from leader.api.message import Response, headers_of

LONGEST = 2048
"""Bytes that are looked at; a request is shorter."""

_VALUE = rb" ?[!-~](?:[ -~]*[!-~])?\r\n"
_OTHERS = (
    rb"(?i:(?:User-Agent|Accept|Accept-Encoding|Accept-Language|Cache-Control|Pragma):" + _VALUE + rb")*"
)
_REQUEST = re.compile(
    rb"(GET|HEAD|OPTIONS) (/leader|/v1/elections/[A-Za-z0-9._-]+/leader) HTTP/1\.([01])\r\n"
    + _OTHERS
    + rb"((?i:Host): ?[A-Za-z0-9.:\[\]_-]+\r\n)?"
    + _OTHERS
    + rb"((?i:Connection: ?(?:close|keep-alive))\r\n)?"
    + _OTHERS
    + rb"\r\n"
)


@dataclass(frozen=True, slots=True)
class Plain:
    """One such request; `closes`: the connection ends with its answer."""

    method: str
    target: str
    closes: bool


def read(data: bytes) -> Plain | None:
    """The request that these bytes are, if they are just one and of that kind."""
    if len(data) >= LONGEST:
        return None
    found = _REQUEST.fullmatch(data)
    if found is None:
        return None
    method, target, minor, host, connection = found.groups()
    if minor == b"1" and host is None:
        return None
    closes = minor == b"0" or (connection is not None and connection.lower().endswith(b"close\r\n"))
    return Plain(method.decode(), target.decode(), closes)


def write(plain: Plain, response: Response) -> bytes:
    """The answer's bytes."""
    reason = HTTPStatus(response.status).phrase
    lines = [f"HTTP/1.1 {response.status} {reason}", *(f"{n}: {v}" for n, v in headers_of(response))]
    if plain.closes:
        lines.append("Connection: close")
    head = "\r\n".join([*lines, "\r\n"]).encode("latin-1")
    return head if plain.method == "HEAD" else head + response.body
