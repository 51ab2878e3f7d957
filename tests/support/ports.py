"""Ports of this machine for what a test starts, and HTTP over them."""

import socket
from http.client import HTTPConnection
from typing import NamedTuple

PATIENCE_S = 10.0


class Answer(NamedTuple):
    """What a server said."""

    status: int
    headers: dict[str, str]
    body: bytes


def free_port(host: str = "127.0.0.1") -> int:
    """A port of this machine that nobody has at the moment."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as probe:
        return int(probe.getsockname()[1])


def fetch(
    port: int, path: str, method: str = "GET", *, host: str = "127.0.0.1", body: bytes | None = None
) -> Answer:
    """One request on a connection of its own.

    Raises:
        OSError: nobody answers there.
    """
    connection = HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body, {"Connection": "close"})
        response = connection.getresponse()
        return Answer(response.status, dict(response.headers), response.read())
    finally:
        connection.close()
