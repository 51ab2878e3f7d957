"""What does the command line offer? Its commands, their words and help, for manual and completion.

Read from the same declarations that `--help` is made of, so that neither can say anything else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer.main

from leader.cli.main import MODULES
from leader.cli.whole import build

PLAIN = "leader"
_HELP_OPTIONS = ("-h", "--help")


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its names, the short one first; what its value is called, empty for a flag; its default."""

    names: tuple[str, ...]
    metavar: str
    help: str
    default: str


@dataclass(frozen=True, slots=True)
class Argument:
    """One word without a name: what it is called, and whether it may be left out or be many."""

    metavar: str
    help: str
    is_required: bool
    is_many: bool


@dataclass(frozen=True, slots=True)
class Command:
    """One command, such as `leader config check`: a line on it, its help in paragraphs, and what it takes."""

    path: tuple[str, ...]
    short: str
    paragraphs: tuple[str, ...]
    arguments: tuple[Argument, ...]
    options: tuple[Option, ...]
    commands: tuple["Command", ...]

    @property
    def name(self) -> str:
        """The last word."""
        return self.path[-1]

    def option(self, name: str) -> Option | None:
        """The one of that name."""
        return next((option for option in self.options if name in option.names), None)


def read_tree() -> Command:
    """The whole of it, from `leader` down."""
    whole: Any = typer.main.get_command(build(list(dict.fromkeys(MODULES.values()))))
    return _command((PLAIN,), whole)


def _command(path: tuple[str, ...], command: Any) -> Command:  # noqa: ANN401 - typer's own kind of command
    paragraphs = tuple(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    within = getattr(command, "commands", {})
    return Command(
        path,
        command.short_help or paragraphs[0],
        paragraphs,
        tuple(_argument(one) for one in command.params if one.param_type_name == "argument"),
        (*(_option(one) for one in command.params if one.param_type_name == "option"), *_help()),
        tuple(_command((*path, name), one) for name, one in within.items()),
    )


def _help() -> Iterator[Option]:
    """The one that typer adds by itself."""
    yield Option(_HELP_OPTIONS, "", "Show this message and exit.", "")


def _option(option: Any) -> Option:  # noqa: ANN401
    names = tuple(sorted(option.opts, key=len))
    default = "" if option.is_flag or option.default in (None, "", []) else str(option.default)
    return Option(names, "" if option.is_flag else option.metavar or "VALUE", option.help or "", default)


def _argument(argument: Any) -> Argument:  # noqa: ANN401
    metavar = argument.metavar or argument.name.upper()
    return Argument(metavar, argument.help or "", argument.required, argument.nargs != 1)
