"""How a coroutine steers this node's agent, and asks it for all that it knows: the twins of `orders.py`.

Source: the routes of `control_routes.py`.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from leader.api.answers import checked, document, path_of, unreachable
from leader.api.async_reach import fetch
from leader.api.orders import DEFAULT_PATIENCE_S, MARGIN_S, carried_out
from leader.clock import now_ns
from leader.reach import SECOND_NS


class AsyncOrders:
    """The part of an asynchronous client that changes something, or shows all; as `Client` has it."""

    socket_path: str
    timeout: float

    async def status(self) -> dict[str, Any]:
        """All that the agent knows.

        Raises:
            AgentUnreachable: no answer in time.
        """
        return await self._shown("/v1/status")

    async def history(self) -> dict[str, Any]:
        """Who led when and why no longer, and what befell this node: two lists, the newest first.

        Raises:
            AgentUnreachable: no answer in time.
        """
        return await self._shown("/v1/history")

    async def step_down(
        self,
        election: str = "default",
        *,
        to: str | None = None,
        drain: bool = False,
        force: bool = False,
        timeout: float = DEFAULT_PATIENCE_S,  # noqa: ASYNC109 - it is the agent's patience with the jobs
    ) -> dict[str, Any]:
        """Hand the leadership over, as `Client.step_down`; a task that is cancelled gives a drain up.

        Raises:
            Refused: this node does not lead, nobody could follow, or this user may not; it says which.
            UnknownElection: there is no election of that name.
            AgentUnreachable: no answer, so that nobody knows.
        """
        body = {"to": to, "drain": drain, "force": force, "timeout_ms": int(timeout * 1000)}
        return await self._order(path_of(election, "/step-down"), body, timeout + MARGIN_S)

    async def pause(self, reason: str = "", for_ms: int | None = None) -> dict[str, Any]:
        """Keep this node from leading, until it is resumed or that time is over; the pause as it is now.

        Raises:
            Refused: this user may not, or it cannot be kept.
            AgentUnreachable: no answer, so that nobody knows.
        """
        body = {"reason": reason, "for_ms": for_ms}
        return await self._order("/v1/pause", body, self.timeout + MARGIN_S)

    async def resume(self) -> bool:
        """Let this node lead again; False if it was not paused.

        Raises:
            Refused: this user may not, or the pause cannot be ended.
            AgentUnreachable: no answer, so that nobody knows.
        """
        return bool((await self._order("/v1/resume", {}, self.timeout + MARGIN_S))["resumed"])

    async def forget(self, node: str) -> None:
        """Drop a node that is gone from the registry.

        Raises:
            Refused: it is alive or unknown, this user may not, or an instance did not answer.
            AgentUnreachable: no answer, so that nobody knows.
        """
        await self._order(f"/v1/nodes/{quote(node, safe='')}/forget", {}, self.timeout + MARGIN_S)

    async def _order(self, path: str, body: Mapping[str, object], patience_s: float) -> dict[str, Any]:
        status, content = await self._content(path, patience_s, json.dumps(body).encode())
        return carried_out(status, content, self.socket_path)

    async def _shown(self, path: str) -> dict[str, Any]:
        return checked(*await self._content(path, self.timeout), self.socket_path)

    async def _content(
        self, path: str, patience_s: float, body: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        """The status and the document of an answer, however long."""
        deadline_ns = now_ns() + int(patience_s * SECOND_NS)
        status, answer = await fetch(self.socket_path, path, deadline_ns, body=body, longest=None)
        try:
            return status, document(answer)
        except ValueError as error:
            raise unreachable(self.socket_path, error) from error
