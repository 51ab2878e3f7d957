"""`leader status` as the whole command line shows it; what it does is in `look`."""

from typing import Annotated

import typer

from leader.cli.asking import AsJson, SocketOption, Timeout, client
from leader.cli.look import TIMEOUT, look

Election = Annotated[
    str,
    typer.Argument(
        help="One election in detail; without it, the whole cluster.", metavar="ELECTION", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="status", short_help="Show leaders, instances and nodes.")(status)


def status(
    election: Election = "", as_json: AsJson = False, socket: SocketOption = "", timeout: Timeout = TIMEOUT
) -> None:
    """Show who leads, which instances vote, which nodes there are; for one election, why and since when."""
    look(client(socket, timeout), election, as_json=as_json)
