"""The short cut around h11 changes no answer: what it takes is answered as h11 would, the rest is h11's."""

import asyncio
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leader.api import plain
from leader.api.plain import Plain
from tests.unit.api.handmade import HandmadeSource, serving
from tests.unit.api.talking import PATIENCE_S, connected

METHODS = st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "get", "GETS"])
TARGETS = st.sampled_from(
    [
        "/leader",
        "/v1/elections/default/leader",
        "/v1/elections/x/leader",
        "/leader?x",
        "/leader/",
        "/livez",
        "*",
    ]
)
VERSIONS = st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2", "http/1.1", ""])
NAMES = st.sampled_from(
    [
        *(
            "Host",
            "host",
            "User-Agent",
            "Accept",
            "Accept-Encoding",
            "Connection",
            "Expect",
            "Upgrade",
            "Cookie",
        ),
        *("X-Forwarded-For", "Content-Length", "Transfer-Encoding", "Connection ", ""),
    ]
)
VALUES = st.sampled_from(
    [
        *("close", "keep-alive", "leader", "a b", "[::1]:80", "*/*", "100-continue", "close, te", "chunked"),
        *("", " ", "\t", "\x00", "é", "5"),
    ]
)
COLONS = st.sampled_from([":", ": ", ":  ", ""])
ENDS = st.sampled_from(["\r\n", "\n", "\r\n "])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Bytes that are a plain request, or nearly one."""
    headers = ["Host: leader\r\n"] if draw(st.booleans()) else []
    headers += [
        "".join(header) for header in draw(st.lists(st.tuples(NAMES, COLONS, VALUES, ENDS), max_size=4))
    ]
    head = f"{draw(METHODS)} {draw(TARGETS)} {draw(VERSIONS)}\r\n{''.join(headers)}\r\n"
    return head.encode("latin-1") + draw(st.sampled_from([b"", b"", b"{}", b"\r\n"]))


async def in_pieces(path: Path, *pieces: bytes) -> bytes:
    """The answer to what comes in these pieces, after the connection stands."""
    async with connected(path) as (reader, writer):
        for piece in pieces:
            await asyncio.sleep(0.0)  # the server takes the connection, and then each piece by itself
            await asyncio.sleep(0.0)
            writer.write(piece)
            await asyncio.sleep(0.0)
            await asyncio.sleep(0.0)
        writer.write_eof()
        return await reader.read()


async def at_once(path: Path, sent: bytes) -> bytes:
    """The answer to what is there before the server has so much as accepted the connection."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        client.setblocking(False)
        answer = b""
        while more := await asyncio.get_running_loop().sock_recv(client, 65536):
            answer += more
        return answer


async def answers(path: Path, sent: bytes, source: HandmadeSource) -> set[bytes]:
    """All different answers to the same bytes: by h11, which gets two pieces, and by the short cuts."""
    async with asyncio.timeout(PATIENCE_S), serving(path, source):
        return {
            await in_pieces(path, sent[:3], sent[3:]),
            await in_pieces(path, sent),
            await at_once(path, sent),
        }


@given(sent=requests(), leads=st.booleans())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_plain_requests_are_answered_as_h11_answers_them(path: Path, sent: bytes, leads: bool) -> None:  # noqa: FBT001
    """Byte by byte, whether the connection stays or not, for plain ones and for those that are nearly so."""
    assert len(asyncio.run(answers(path, sent, HandmadeSource(leads=leads)))) == 1


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"GET /leader HTTP/1.0\r\n\r\n", Plain("GET", "/leader", closes=True)),
        (b"OPTIONS /leader HTTP/1.0\r\nhost: a\r\n\r\n", Plain("OPTIONS", "/leader", closes=True)),
        (
            b"GET /leader HTTP/1.0\r\nHost: h:8009\r\nUser-Agent: ApacheBench/2.3\r\nAccept: */*\r\n\r\n",
            Plain("GET", "/leader", closes=True),
        ),
        (
            b"GET /leader HTTP/1.1\r\nHost: [::1]:8009\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n",
            Plain("GET", "/leader", closes=False),
        ),
        (
            b"HEAD /v1/elections/reports/leader HTTP/1.1\r\nHost: leader\r\nConnection: close\r\n\r\n",
            Plain("HEAD", "/v1/elections/reports/leader", closes=True),
        ),
    ],
)
def test_what_load_balancers_and_is_leader_ask_is_plain(sent: bytes, read: Plain) -> None:
    """The short cut is taken: HAProxy's checks, ab, curl, and the command's own question."""
    assert plain.read(sent) == read


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /leader HTTP/1.1\r\n\r\n",
        b"GET /leader HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n",
        b"GET /leader HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /leader HTTP/1.0\r\n\r\nGET /leader HTTP/1.0\r\n\r\n",
        b"GET /leader HTTP/1.0\r\n",
        b"GET /v1/elections/a%2Fb/leader HTTP/1.0\r\n\r\n",
        b"GET /leader HTTP/1.0\r\nAccept: " + b"x" * plain.LONGEST + b"\r\n\r\n",
    ],
)
def test_anything_else_is_left_to_h11(sent: bytes) -> None:
    """What is half there, two at once, with a body, escaped, too long or wrong."""
    assert plain.read(sent) is None
