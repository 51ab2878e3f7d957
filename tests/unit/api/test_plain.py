"""The short cut around h11 changes no answer: what it takes is answered as h11 would, the rest is h11's."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leader.api import plain
from tests.unit.api.handmade import HandmadeSource, serving
from tests.unit.api.talking import connected, request

CLOSE = "Connection: close\r\n"
ODD = ["", " ", "\t", "\x00", "é", "close, te", "chunked", "5"]
METHODS = st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "get", "GETS"])
TARGETS = st.sampled_from(
    [
        "/leader",
        "/v1/elections/default/leader",
        "/v1/elections/nope/leader",
        "/leader?x",
        "/leader/",
        "/livez",
        "*",
    ]
)
VERSIONS = st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2", "http/1.1", ""])
NAMES = st.sampled_from(
    [
        "Host",
        "host",
        "User-Agent",
        "Accept",
        "Accept-Encoding",
        "Connection",
        "Expect",
        "Upgrade",
        "X-Forwarded-For",
    ]
    + ["Content-Length", "Transfer-Encoding", "Cookie", "Connection ", ""]
)
VALUES = st.sampled_from(["close", "keep-alive", "leader", "a b", "[::1]:80", "*/*", "100-continue", *ODD])
HEADERS = st.tuples(
    NAMES, st.sampled_from([":", ": ", ":  ", ""]), VALUES, st.sampled_from(["\r\n", "\n", "\r\n "])
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Bytes that are a plain request, or nearly one."""
    headers = ["Host: leader\r\n"] if draw(st.booleans()) else []
    headers += ["".join(header) for header in draw(st.lists(HEADERS, max_size=4))]
    head = f"{draw(METHODS)} {draw(TARGETS)} {draw(VERSIONS)}\r\n{''.join(headers)}\r\n"
    return head.encode("latin-1") + draw(st.sampled_from([b"", b"", b"{}", b"\r\n"]))


async def both(path: Path, sent: bytes, *, leads: bool) -> tuple[bytes, bytes]:
    """The answers to the same bytes in one piece, and in two, of which the first is none that is plain."""
    async with asyncio.timeout(30), serving(path, HandmadeSource(leads=leads)) as source:
        del source
        answers = []
        for pieces in ((sent,), (sent[:3], sent[3:])):
            async with connected(path) as (reader, writer):
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                writer.write_eof()
                answers.append(await reader.read())
    return answers[0], answers[1]


@given(sent=requests(), leads=st.booleans())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_plain_requests_are_answered_as_h11_answers_them(path: Path, sent: bytes, leads: bool) -> None:  # noqa: FBT001
    """Byte by byte, whether the connection stays or not, for requests that are plain and for those that are nearly so."""
    shortly, by_h11 = asyncio.run(both(path, sent, leads=leads))
    assert shortly == by_h11
