"""The client that the options of a command mean, for commands with and without the whole command line."""

from leader.api.client import Client
from leader.durations import parse_duration_ms
from leader.errors import UsageError

MS_PER_SECOND = 1000


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
