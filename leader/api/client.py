"""How a program asks this node's agent, on the standard library alone, with a deadline on every question.

Source: rule R6 of `leader/protocol/__init__.py` for what an answer is worth after a while.
"""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import fields, replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from time import sleep
from typing import Any
from urllib.parse import quote

from leader.clock import now_ns
from leader.errors import AgentUnreachable, UnknownElection
from leader.paths import client_socket
from leader.protocol.snapshot import Leadership
from leader.reach import SECOND_NS, connect, patience_s, why_not

DEFAULT_TIMEOUT_S = 1.0
POLL_S = 0.1
MILLISECOND_NS = 1_000_000
NO_DEADLINE_NS = 2**63


class Client:
    """Asks one agent. It holds no connection between two questions, and may be shared by threads."""

    def __init__(
        self, socket_path: str | os.PathLike[str] | None = None, timeout: float = DEFAULT_TIMEOUT_S
    ) -> None:
        """Without a path, it is found as `leader is-leader` finds it; `timeout` is seconds per question.

        Raises:
            ConfigurationError: the path is longer than the kernel takes.
        """
        self.socket_path = client_socket(os.environ, os.fspath(socket_path) if socket_path else None)
        self.timeout = timeout

    def is_leader(self, election: str = "default") -> bool:
        """Whether this node leads the election now.

        Raises:
            UnknownElection: there is none of that name.
            AgentUnreachable: nobody knows; that is not a no.
        """
        return self.leadership(election).leader

    def leadership(self, election: str = "default") -> Leadership:
        """Whether this node leads, with `remaining_ms` counted down to this moment.

        Raises:
            UnknownElection: there is none of that name.
            AgentUnreachable: no answer, or one that is too old to be worth anything.
        """
        return self._leadership(election, self._deadline_ns())

    def status(self) -> dict[str, object]:
        """All that the agent knows.

        Raises:
            AgentUnreachable: no answer in time.
        """
        return self._ask("/v1/status", self._deadline_ns())

    def election(self, election: str = "default") -> dict[str, object]:
        """One election in detail.

        Raises:
            UnknownElection: there is none of that name.
            AgentUnreachable: no answer in time.
        """
        return self._ask(f"/v1/elections/{quote(election, safe='')}", self._deadline_ns())

    def jobs(self, job: str = "") -> list[dict[str, object]]:
        """What `once` ran: each job with its last ticks, or one of them; none of an unknown one.

        Raises:
            AgentUnreachable: no answer in time.
        """
        found = self._ask("/v1/jobs", self._deadline_ns())["jobs"]
        return [entry for entry in found if job in ("", entry["job"])]

    def events(self) -> Iterator[dict[str, object]]:
        """A snapshot, then each change as it happens, until the agent ends the stream; it may be silent long.

        Raises:
            AgentUnreachable: there is no agent, or it is gone.
        """
        connection, response = self._open("/v1/events", self._deadline_ns())
        try:
            if response.status != HTTPStatus.OK:
                raise AgentUnreachable(f"the agent does not tell its changes: {_read(response).get('error')}")
            connection.unbound()
            for text in response:
                yield json.loads(text)
        except (OSError, HTTPException, ValueError) as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()

    def wait(
        self, election: str = "default", *, any_node: bool = False, timeout: float | None = None
    ) -> Leadership | None:
        """The leadership, once this node leads (`any_node`: once some node does); None if time ran out first.

        `timeout` is seconds, None for ever. While the agent is down it goes on trying.

        Raises:
            UnknownElection: there is none of that name.
            AgentUnreachable: time ran out, and no answer ever came.
        """
        deadline_ns = NO_DEADLINE_NS if timeout is None else now_ns() + int(timeout * SECOND_NS)
        silence: AgentUnreachable | None = None
        answered = False
        while True:
            try:
                leadership = self._leadership(election, min(deadline_ns, self._deadline_ns()))
            except AgentUnreachable as error:
                if silence is None or now_ns() < deadline_ns:  # at the end it is only ever "in time"
                    silence = error
            else:
                answered = True
                if leadership.leader or (any_node and leadership.holder):
                    return leadership
            left_s = (deadline_ns - now_ns()) / SECOND_NS
            if left_s > 0:
                sleep(min(POLL_S, left_s))
            elif answered or silence is None:
                return None
            else:
                raise silence

    def _deadline_ns(self) -> int:
        """When a question that is asked now has taken too long."""
        return now_ns() + int(self.timeout * SECOND_NS)

    def _leadership(self, election: str, deadline_ns: int) -> Leadership:
        """The answer to the main question, all the time since it was asked off what remains."""
        asked_ns = now_ns()
        content = self._ask(f"/v1/elections/{quote(election, safe='')}/leader", deadline_ns)
        try:
            leadership = Leadership(**{field.name: content[field.name] for field in fields(Leadership)})
        except KeyError as error:
            raise self._unreachable(ValueError(error)) from error
        sure_until_ns = asked_ns + leadership.remaining_ms * MILLISECOND_NS
        remaining_ms = max(0, (sure_until_ns - now_ns()) // MILLISECOND_NS)
        if leadership.leader and remaining_ms == 0:
            raise AgentUnreachable("the answer is too old: the lease it tells of may have ended; ask again")
        return replace(leadership, remaining_ms=remaining_ms)

    def _ask(self, path: str, deadline_ns: int) -> dict[str, Any]:
        """The document at a path."""
        connection, response = self._open(path, deadline_ns)
        try:
            content = _read(response)
        except (OSError, HTTPException, ValueError) as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()
        if response.status == HTTPStatus.NOT_FOUND and "elections" in content:
            raise UnknownElection(str(content["error"]))
        if "error" in content:
            raise AgentUnreachable(f"the agent at {self.socket_path} gave no answer: {content['error']}")
        return content

    def _open(self, path: str, deadline_ns: int) -> "tuple[UnixConnection, HTTPResponse]":
        """The head of the answer to one question; its body is still to be read."""
        connection = UnixConnection(self.socket_path, deadline_ns)
        try:
            connection.request("GET", path)
            return connection, connection.getresponse()
        except (OSError, HTTPException) as error:
            connection.close()
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> AgentUnreachable:
        if isinstance(error, OSError):
            return AgentUnreachable(why_not(self.socket_path, error))
        return AgentUnreachable(f"what answers at {self.socket_path} is not a leader agent: check --socket")


def is_leader(election: str = "default", *, timeout: float = DEFAULT_TIMEOUT_S) -> bool:
    """Whether this node leads the election now; the agent is found as `leader is-leader` finds it.

    Raises:
        UnknownElection: there is none of that name.
        AgentUnreachable: nobody knows; that is not a no.
    """
    return Client(timeout=timeout).is_leader(election)


class DeadlineSocket(socket.socket):
    """A Unix socket all of whose steps together end at one instant."""

    def __init__(self, deadline_ns: int) -> None:
        super().__init__(socket.AF_UNIX)
        self.deadline_ns: int | None = deadline_ns

    def sendall(self, data: Any, flags: int = 0, /) -> None:  # noqa: ANN401 - as in the class above
        """Send, before the deadline."""
        self._set_patience()
        super().sendall(data, flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:  # noqa: ANN401 - likewise
        """Receive, before the deadline."""
        self._set_patience()
        return super().recv_into(buffer, nbytes, flags)

    def _set_patience(self) -> None:
        self.settimeout(None if self.deadline_ns is None else patience_s(self.deadline_ns))


class UnixConnection(HTTPConnection):
    """HTTP over the agent's socket, ended by one deadline."""

    def __init__(self, path: str, deadline_ns: int) -> None:
        super().__init__("leader")
        self._path = path
        self._deadline_ns = deadline_ns
        self.sock: DeadlineSocket

    def connect(self) -> None:
        """Connect to the agent, however full its backlog is, before the deadline."""
        self.sock = DeadlineSocket(self._deadline_ns)
        connect(self.sock, self._path, self._deadline_ns)

    def unbound(self) -> None:
        """Wait for ever from now on: a stream may be silent for long."""
        self.sock.deadline_ns = None


def _read(response: HTTPResponse) -> dict[str, Any]:
    """The JSON object in an answer.

    Raises:
        ValueError: there is none.
    """
    content = json.loads(response.read())
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - as what is no JSON at all
    return content
