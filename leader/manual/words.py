"""What can stand where on a command line? The table that the completions of all shells are made of."""

from collections.abc import Iterator
from dataclasses import dataclass

from leader.cli.tree import Argument, Command, Option

NAMES = ("ELECTION", "NODE", "JOB")
"""What `leader status` lists under these headings, asked when it is completed."""
FILES = ("FILE", "PATH")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a word is: one of the names that the agent knows, a file, one of some words, or nobody knows."""

    names: str = ""
    is_file: bool = False
    choices: tuple[str, ...] = ()


def kind_of(metavar: str) -> Kind:
    """What a word that is called so is."""
    word = metavar.rstrip("…")
    if word in NAMES:
        return Kind(names=word)
    return Kind(is_file=word in FILES, choices=tuple(word.split("|")) if "|" in word else ())


def first_argument(command: Command) -> Argument | None:
    """The one that is not a command behind --."""
    return next((one for one in command.arguments if not takes_command(one)), None)


def takes_command(argument: Argument) -> bool:
    """Whether it is a command with words of its own."""
    return argument.metavar.startswith("-- ")


def with_values(command: Command) -> Iterator[Option]:
    """The options that are followed by a value."""
    return (option for option in command.options if option.metavar)


def leaves(tree: Command) -> Iterator[Command]:
    """Every command that takes words of its own, those within others too."""
    for command in tree.commands:
        yield from command.commands or (command,)
