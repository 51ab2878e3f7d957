"""`leader agent` as the whole command line shows it; what it does is in `serve`."""

import typer

from leader.cli.serve import LOG_STYLES, serve


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="agent", short_help="Run this node's agent in the foreground.")(agent)


def agent(
    config: str = typer.Option("", "--config", "-c", help="The configuration file.", metavar="FILE"),
    dev: bool = typer.Option(
        False, "--dev", help="Try it: an embedded quorum of three servers, a 2 s lease."
    ),
    node: str = typer.Option("", "--node", help="This node's name.", metavar="NAME"),
    socket: str = typer.Option("", "--socket", help="Where to listen.", metavar="PATH"),
    log_style: str = typer.Option(LOG_STYLES[0], "--log", help="How to log.", metavar="|".join(LOG_STYLES)),
) -> None:
    """Run this node's agent in the foreground: it holds, or contends for, the leader lease."""
    raise typer.Exit(serve(config, node, socket, log_style, dev=dev))
