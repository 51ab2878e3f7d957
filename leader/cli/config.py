"""`leader config`: check, show or write the configuration. Connects to nothing."""

import os
from pathlib import Path
from typing import Annotated

import typer

from leader.config import Config, configuration_path, load
from leader.config.example import example
from leader.config.show import render
from leader.durations import format_duration
from leader.errors import Refused, UsageError

app = typer.Typer(short_help="Check, show or write the configuration.", rich_markup_mode=None)

ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help="Default: LEADER_CONFIG, else /etc/leader/leader.toml."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")]


def register(parent: typer.Typer) -> None:
    """Add the group of commands."""
    parent.add_typer(app, name="config")


@app.callback(invoke_without_command=True)
def group(context: typer.Context) -> None:
    """Check, show or write the configuration.

    What each key means, takes, and is by default stands in the file that `leader config init` writes, and in
    leader.toml(5).
    """
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(UsageError.exit_code)


@app.command(short_help="Say whether the configuration is good.")
def check(config: ConfigOption = None) -> None:
    """Say whether the configuration is good, and what is unwise about it; exit 78 if it is not good."""
    loaded = load(config)
    print(f"{loaded.source}: good: {_summary(loaded)}")
    for warning in loaded.warnings:
        print(f"warning: {warning}")
    for note in loaded.notes:
        print(f"note: {note}")


@app.command(short_help="Print the configuration in effect.")
def show(config: ConfigOption = None) -> None:
    """Print the configuration in effect as TOML, secrets hidden, with where each value came from."""
    print(render(load(config)), end="")


@app.command()
def init(config: ConfigOption = None, force: Force = False) -> None:
    """Write a commented configuration file to fill in."""
    path = configuration_path(config, os.environ)
    write_example(Path(path), force=force)
    option = f" --config {path}" if config else ""
    print(f"wrote {path}: list your Redis servers in quorum.instances, then run: leader config check{option}")


def write_example(path: Path, *, force: bool) -> None:
    """Write the commented file, in a folder that is made if need be.

    Raises:
        Refused: something is there already, or the system does not allow it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(example())
    except OSError as error:
        if isinstance(error, FileExistsError) and path.exists():
            raise Refused(f"{path} is there already: --force overwrites it, --config names another") from None
        raise Refused(
            f"{path} cannot be written ({error.strerror}): run this as root, or name another with --config"
        ) from None


def _summary(config: Config) -> str:
    quorum = config.quorum
    changes = f" ({quorum.changes})" if quorum.changes else ""
    return (
        f"cluster {config.cluster}, node {config.node.name}, {len(quorum.instances)} instances{changes}, "
        f"majority {quorum.majority}, lease {format_duration(quorum.lease_ms)}, "
        f"elections {', '.join(config.elections)}"
    )
