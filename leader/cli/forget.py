"""`leader forget`: drops a node that is gone from the registry."""

from typing import Annotated

import typer

from leader.cli.asking import SocketOption, Timeout
from leader.cli.question import client

Node = Annotated[str, typer.Argument(help="The node that is gone.", metavar="NODE")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="forget", short_help="Drop a vanished node from the registry.")(forget)


def forget(node: Node, socket: SocketOption = "", timeout: Timeout = "1s") -> None:
    """Show a node no more that will not come back; after 24 hours that happens by itself."""
    client(socket, timeout).forget(node)
    print(f"{node} is forgotten")
