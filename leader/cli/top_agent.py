"""How top asks the agent: every call that it makes, over the socket, without blocking its screen."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any

from leader.api.answers import path_of
from leader.reach import why_not
from leader.tui.top.agent import Away, Declined

LONGEST_LINE = 64 * 1024 * 1024
ACT_S = 60.0
"""A hand-over waits for jobs to end, at most until the deadline."""


class TopAgent:
    """The agent at one socket, with so many seconds of patience for a status."""

    def __init__(self, socket_path: str, timeout_s: float) -> None:
        self._path = socket_path
        self._timeout_s = timeout_s

    async def status(self) -> Mapping[str, Any]:
        """All that it knows."""
        return await self._exchange("GET", "/v1/status", None, self._timeout_s)

    async def events(self) -> AsyncIterator[Mapping[str, Any]]:
        """A snapshot, then each change."""
        with self._as_away():
            async with asyncio.timeout(self._timeout_s):
                reader, writer = await asyncio.open_unix_connection(self._path, limit=LONGEST_LINE)
            try:
                writer.write(_request("GET", "/v1/events", None))
                async with asyncio.timeout(self._timeout_s):
                    await reader.readuntil(b"\r\n\r\n")
                while line := await reader.readline():
                    yield json.loads(line)
            finally:
                writer.close()

    async def step_down(self, election: str) -> Mapping[str, Any]:
        """Hand one election over."""
        body = {"to": None, "drain": False, "force": False, "timeout_ms": int(ACT_S * 1000)}
        return await self._exchange("POST", path_of(election, "/step-down"), body, ACT_S)

    async def pause(self) -> Mapping[str, Any]:
        """Keep this node from leading."""
        return await self._exchange("POST", "/v1/pause", {"reason": "leader top", "for_ms": None}, ACT_S)

    async def resume(self) -> Mapping[str, Any]:
        """Let it lead again."""
        return await self._exchange("POST", "/v1/resume", {}, ACT_S)

    async def _exchange(self, method: str, target: str, body: object, timeout_s: float) -> Mapping[str, Any]:
        with self._as_away():
            async with asyncio.timeout(timeout_s):
                reader, writer = await asyncio.open_unix_connection(self._path, limit=LONGEST_LINE)
                try:
                    writer.write(_request(method, target, body))
                    head, _, content = (await reader.read()).partition(b"\r\n\r\n")
                finally:
                    writer.close()
            document: Mapping[str, Any] = json.loads(content)
            status = int(head.split(b" ")[1])
        if status >= HTTPStatus.BAD_REQUEST:
            raise Declined(str(document.get("error", f"the agent answered {status}")))
        return document

    @contextlib.contextmanager
    def _as_away(self) -> Any:  # noqa: ANN401 - a generator of nothing
        try:
            yield
        except OSError as error:
            raise Away(why_not(self._path, error)) from error
        except (ValueError, IndexError, EOFError, asyncio.LimitOverrunError) as error:
            raise Away(f"what answers at {self._path} is not a leader agent: check --socket") from error


def _request(method: str, target: str, body: object) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {target} HTTP/1.0\r\nHost: leader\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content
