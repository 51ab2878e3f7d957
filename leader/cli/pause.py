"""`leader pause` and `leader resume`: keep this node from leading, and let it lead again."""

import sys
from typing import Annotated

import typer

from leader.cli.asking import SocketOption, Timeout
from leader.cli.question import client, duration
from leader.errors import UsageError
from leader.tui.words import brief

For = Annotated[str, typer.Option("--for", help="End the pause by itself after this time.", metavar="D")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for all who ask.", metavar="R")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="pause", short_help="Keep this node from leading; survives a restart.")(pause)
    app.command(name="resume", short_help="Let this node lead again.")(resume)


def pause(for_: For = "", reason: Reason = "", socket: SocketOption = "", timeout: Timeout = "1s") -> None:
    """Hand over what this node leads, and contend for nothing until it is resumed."""
    for_ms = duration("--for", for_)
    if for_ms == 0:
        raise UsageError("--for is no time at all: leave it out for a pause that lasts until `leader resume`")
    done = client(socket, timeout).pause(reason, for_ms)
    left = "until `leader resume`" if for_ms is None else f"for {brief(done['remaining_ms'])}"
    print(f"this node is paused {left}, also over restarts")
    if done["warning"]:
        print(f"leader: {done['warning']}", file=sys.stderr)


def resume(socket: SocketOption = "", timeout: Timeout = "1s") -> None:
    """Let this node contend again."""
    was_paused = client(socket, timeout).resume()
    print("this node contends again" if was_paused else "this node was not paused")
