"""`leader top`: the cluster live and interactive, as this node's agent sees it."""

import os
import sys

import typer

from leader.cli.asking import SocketOption, Timeout, client
from leader.errors import UsageError

NO_SCREENS = ("", "dumb", "unknown")
NO_COLOURS = ("vt100", "vt102", "vt220", "linux-m", "xterm-mono")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="top", short_help="The same as status, live and interactive.")(top)


def top(socket: SocketOption = "", timeout: Timeout = "1s") -> None:
    """Follow elections, nodes, instances, events and jobs; keys hand over, pause and resume. ? is help."""
    asked = client(socket, timeout)
    terminal = os.environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or terminal in NO_SCREENS:
        raise UsageError("leader top needs a terminal that can show a full screen: use `leader status`")
    if terminal in NO_COLOURS:
        os.environ["NO_COLOR"] = "1"
    run(os.fspath(asked.socket_path), asked.timeout)


def run(socket_path: str, timeout_s: float) -> None:
    """Show it until the user quits; what draws is loaded for this command alone."""
    from leader.cli.top_agent import TopAgent  # noqa: PLC0415 - not before there is a screen to draw on
    from leader.clock import now_ns  # noqa: PLC0415
    from leader.tui.top.app import Top  # noqa: PLC0415

    app = Top(TopAgent(socket_path, timeout_s), now_ns)
    app.run(mouse=False)
    raise typer.Exit(app.return_code or 0)
