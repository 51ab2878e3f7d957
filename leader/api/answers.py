"""What does an agent's answer say, and what is it worth after a while? Nothing here sends or waits.

Source: rule R6 of `leader/protocol/__init__.py` for the age of an answer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from leader.clock import now_ns
from leader.errors import AgentUnreachable, UnknownElection
from leader.protocol.snapshot import Leadership
from leader.reach import why_not

MILLISECOND_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Sure:
    """The answer to the main question as it was given, and until when it is sure, as of the question."""

    leadership: Leadership
    until_ns: int

    def counted_down(self) -> Leadership:
        """The leadership with what remains of it at this moment.

        Raises:
            AgentUnreachable: nothing remains, so that nobody knows.
        """
        remaining_ms = max(0, (self.until_ns - now_ns()) // MILLISECOND_NS)
        if self.leadership.leader and remaining_ms == 0:
            raise AgentUnreachable("the answer is too old: the lease it tells of may have ended; ask again")
        return replace(self.leadership, remaining_ms=remaining_ms)


def path_of(election: str, below: str = "") -> str:
    """Where the agent tells of an election."""
    return f"/v1/elections/{quote(election, safe='')}{below}"


def sure(content: Mapping[str, Any], asked_ns: int, socket_path: str) -> Sure:
    """The answer to the main question, which was asked at that instant.

    Raises:
        AgentUnreachable: it says something else.
    """
    try:
        leadership = Leadership(**{field.name: content[field.name] for field in fields(Leadership)})
    except KeyError as error:
        raise unreachable(socket_path, ValueError(error)) from error
    return Sure(leadership, asked_ns + leadership.remaining_ms * MILLISECOND_NS)


def is_no(answer: Sure | None) -> bool:
    """Whether the agent says that this node does not lead; None is what it did not answer."""
    return answer is not None and not answer.leadership.leader


def nobody(election: str) -> Sure:
    """A no where there is no such election any more."""
    return Sure(Leadership(election, "", leader=False, term=0, holder="", remaining_ms=0), 0)


def document(body: bytes) -> dict[str, Any]:
    """The JSON object in an answer.

    Raises:
        ValueError: there is none.
    """
    content = json.loads(body)
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - as what is no JSON at all
    return content


def checked(status: int, content: dict[str, Any], socket_path: str) -> dict[str, Any]:
    """The same document, unless it says what is wrong.

    Raises:
        UnknownElection: there is no such election.
        AgentUnreachable: the agent answers, but not this.
    """
    if status == HTTPStatus.NOT_FOUND and "elections" in content:
        raise UnknownElection(str(content["error"]))
    if "error" in content:
        raise AgentUnreachable(f"the agent at {socket_path} gave no answer: {content['error']}")
    return content


def unreachable(socket_path: str, error: Exception) -> AgentUnreachable:
    """The error that says why there was no answer."""
    if isinstance(error, OSError):
        return AgentUnreachable(why_not(socket_path, error))
    return AgentUnreachable(f"what answers at {socket_path} is not a leader agent: check --socket")
