"""`leader history`: past leaderships and why each ended, and what befell this node."""

from dataclasses import asdict
from typing import Annotated

import typer

from leader.cli.asking import AsJson, SocketOption, Timeout, client
from leader.cli.output import show, show_json
from leader.cli.question import understood
from leader.errors import UsageError
from leader.tui.history import page
from leader.tui.read import read_history

DEFAULT_LIMIT = "20"
Election = Annotated[
    str, typer.Argument(help="One election; without it, all.", metavar="ELECTION", show_default=False)
]
Limit = Annotated[
    str, typer.Option("--limit", help="At most so many lines of each kind; 0: all.", metavar="N")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="history", short_help="Show past leaderships and why each ended.")(history)


def history(
    election: Election = "",
    limit: Limit = DEFAULT_LIMIT,
    as_json: AsJson = False,
    socket: SocketOption = "",
    timeout: Timeout = "1s",
) -> None:
    """Show who led when and why no longer, and when this node stood still or its clock jumped."""
    if not limit.isdecimal():
        raise UsageError(f"--limit is {limit!r}: say how many lines, or 0 for all")
    agent = client(socket, timeout)
    found = understood(agent, agent.history(), read_history)
    if election:
        agent.election(election)  # whose error names those that there are
    wanted = found.only(election, int(limit) or None)
    if as_json:
        show_json(asdict(wanted))
    else:
        show(*page(wanted))
