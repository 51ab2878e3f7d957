"""The whole command line, with help, of the modules that carry its commands."""

import importlib

import typer

from leader import __version__
from leader.errors import UsageError


def run(arguments: list[str], modules: list[str]) -> object:
    """Run the command that the arguments name; what it returned.

    Raises:
        UsageError: they name none, or not as it is called.
    """
    try:
        return build(modules)(args=arguments, standalone_mode=False, prog_name="leader")
    except typer.TyperException as error:
        raise UsageError(sentence(error.format_message())) from None


def sentence(message: str) -> str:
    """What typer found wrong, and where to look; it may have ended with a question of its own."""
    said = message[:1].lower() + message[1:]
    return f"{said} See `leader --help`" if said.endswith("?") else f"{said.rstrip('.')}: see `leader --help`"


def build(modules: list[str]) -> typer.Typer:
    """The command line with so many of its commands."""
    app = typer.Typer(
        name="leader",
        help="Leader election over a quorum of independent Redis servers: leader is-leader && job",
        rich_markup_mode=None,
        add_completion=False,  # typer's asks Python at each key; ours is made beforehand (leader/manual)
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(top_level)
    for module in modules:
        importlib.import_module(module).register(app)
    return app


def show_version(asked: bool) -> None:
    """Print the version and end, if that is what was asked."""
    if asked:
        typer.echo(f"leader {__version__}")
        raise typer.Exit


def top_level(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=show_version, is_eager=True
    ),
) -> None:
    """Leader election over a quorum of independent Redis servers."""
