"""What commands that ask the agent have in common: their options, and the client that these mean."""

from typing import Annotated

import typer

from leader.cli.question import client, duration

__all__ = ["AsJson", "SocketOption", "Timeout", "client", "duration"]

AsJson = Annotated[bool, typer.Option("--json", help="Print what the agent's API says, for programs.")]
SocketOption = Annotated[str, typer.Option("--socket", help="The agent's socket.", metavar="PATH")]
Timeout = Annotated[
    str, typer.Option("--timeout", help="How long to be patient with the agent.", metavar="D")
]
