"""How an operator's program steers this node's agent: each order comes back when it is carried out.

Source: the routes of `control_routes.py`.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.parse import quote

from leader.api.answers import checked, document, path_of, unreachable
from leader.api.unix import UnixConnection
from leader.clock import now_ns
from leader.errors import Refused, UsageError
from leader.reach import SECOND_NS

REFUSED = (HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)
DEFAULT_PATIENCE_S = 300.0
"""How long a hand-over may take, with the jobs that it waits for."""

MARGIN_S = 5.0
"""So much longer the answer is waited for than the agent waits."""


class Orders:
    """The part of a client that changes something; `timeout` is seconds per question."""

    socket_path: str
    timeout: float

    def step_down(
        self,
        election: str = "default",
        *,
        to: str | None = None,
        drain: bool = False,
        force: bool = False,
        timeout: float = DEFAULT_PATIENCE_S,
    ) -> dict[str, Any]:
        """Hand the leadership over, to that node or to the best; who was named, once it is over here.

        `drain` waits until no job of it runs here, `timeout` seconds at most. `force`: although no other node
        seems able to lead.

        Raises:
            Refused: this node does not lead, nobody could follow, or this user may not; it says which.
            UnknownElection: there is no election of that name.
            AgentUnreachable: no answer, so that nobody knows.
        """
        body = {"to": to, "drain": drain, "force": force, "timeout_ms": int(timeout * 1000)}
        return self._order(path_of(election, "/step-down"), body, timeout + MARGIN_S)

    def pause(self, reason: str = "", for_ms: int | None = None) -> dict[str, Any]:
        """Keep this node from leading, until it is resumed or that time is over; the pause as it is now.

        Raises:
            Refused: this user may not, or it cannot be kept.
            AgentUnreachable: no answer, so that nobody knows.
        """
        return self._order("/v1/pause", {"reason": reason, "for_ms": for_ms}, self.timeout + MARGIN_S)

    def resume(self) -> bool:
        """Let this node lead again; False if it was not paused.

        Raises:
            Refused: this user may not, or the pause cannot be ended.
            AgentUnreachable: no answer, so that nobody knows.
        """
        return bool(self._order("/v1/resume", {}, self.timeout + MARGIN_S)["resumed"])

    def forget(self, node: str) -> None:
        """Drop a node that is gone from the registry.

        Raises:
            Refused: it is alive or unknown, this user may not, or an instance did not answer.
            AgentUnreachable: no answer, so that nobody knows.
        """
        self._order(f"/v1/nodes/{quote(node, safe='')}/forget", {}, self.timeout + MARGIN_S)

    def _order(self, path: str, body: Mapping[str, object], patience_s: float) -> dict[str, Any]:
        connection = UnixConnection(self.socket_path, now_ns() + int(patience_s * SECOND_NS))
        try:
            connection.request("POST", path, json.dumps(body))
            response = connection.getresponse()
            content = document(response.read())
        except (OSError, HTTPException, ValueError) as error:
            raise unreachable(self.socket_path, error) from error
        finally:
            connection.close()
        return carried_out(response.status, content, self.socket_path)


def carried_out(status: int, content: dict[str, Any], socket_path: str) -> dict[str, Any]:
    """What came of an order.

    Raises:
        Refused: nothing; the agent says why.
        UsageError: it was no order.
        UnknownElection: there is no election of that name.
        AgentUnreachable: the agent answers, but not this.
    """
    if status in REFUSED:
        raise Refused(str(content.get("error")))
    if status == HTTPStatus.BAD_REQUEST:
        raise UsageError(str(content.get("error")))
    return checked(status, content, socket_path)
