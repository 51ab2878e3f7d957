"""The client that the options of a command mean, for commands with and without the whole command line."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from leader.api.client import Client
from leader.durations import parse_duration_ms
from leader.errors import AgentUnreachable, UsageError

MS_PER_SECOND = 1000
View = TypeVar("View")


def client(socket: str, timeout: str) -> Client:
    """A client of the agent at that socket, or where it is by default, with so much patience per question.

    Raises:
        UsageError: the time-out is no duration.
    """
    return Client(socket or None, timeout=(duration("--timeout", timeout) or 0) / MS_PER_SECOND)


def duration(option: str, text: str) -> int | None:
    """The milliseconds that an option's value says, None if it is empty.

    Raises:
        UsageError: it is no duration.
    """
    try:
        return parse_duration_ms(text) if text else None
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def understood(agent: Client, document: Mapping[str, Any], read: Callable[[Mapping[str, Any]], View]) -> View:
    """The agent's answer as a value of the read model.

    Raises:
        AgentUnreachable: it says what this version does not understand.
    """
    try:
        return read(document)
    except ValueError as error:
        raise AgentUnreachable(
            f"the agent at {agent.socket_path} is of another version ({error}): "
            "restart it, or ask it with the command that belongs to it"
        ) from None
