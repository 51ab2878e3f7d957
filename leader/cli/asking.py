"""What commands that ask the agent have in common: their options, and the client that these mean."""

from typing import Annotated

import typer

from leader.api.client import Client
from leader.durations import parse_duration_ms
from leader.errors import UsageError

MS_PER_SECOND = 1000

AsJson = Annotated[bool, typer.Option("--json", help="Print what the agent's API says, for programs.")]
SocketOption = Annotated[str, typer.Option("--socket", help="The agent's socket.", metavar="PATH")]
Timeout = Annotated[
    str, typer.Option("--timeout", help="How long to be patient with the agent.", metavar="D")
]


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
