"""How are the words after `leader run` read: options, names, and the command behind `--`?

A small parser of its own, because the one of the command line costs more than starting the job. Here and in
the rest of this folder no dataclasses, typing or pathlib are loaded, for the same reason.
"""

from leader.durations import parse_duration_ms
from leader.errors import UsageError


class Words:
    """What was said: each option's value by its name (flags have an empty one), names, and the command."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.names: list[str] = []
        self.command: list[str] = []

    def milliseconds(self, option: str) -> int | None:
        """The duration that an option gives; None if it was not said.

        Raises:
            UsageError: it is no duration.
        """
        text = self.values.get(option)
        if text is None:
            return None
        try:
            return parse_duration_ms(text)
        except ValueError as error:
            raise UsageError(f"{option}: {error}") from None


def read(arguments: list[str], with_value: tuple[str, ...], flags: tuple[str, ...]) -> Words | None:
    """What these words say; None if help is asked for.

    Raises:
        UsageError: an option is not known, has no value, or there is no command.
    """
    words = scan(arguments, with_value, flags, "; the command stands behind --")
    if words is not None and not words.command:
        raise UsageError("there is no command: put it behind --, as in: -- /usr/local/bin/report")
    return words


def scan(
    arguments: list[str], with_value: tuple[str, ...], flags: tuple[str, ...], hint: str = ""
) -> Words | None:
    """What these words say, with or without a command; None if help is asked for.

    Raises:
        UsageError: an option is not known, or has no value.
    """
    words, left = Words(), list(arguments)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            words.command = left
            break
        if word in ("-h", "--help"):
            return None
        if name in with_value:
            if not equals and left[:1] in ([], ["--"]):
                raise UsageError(f"{name} needs a value: see --help")
            words.values[name] = value if equals else left.pop(0)
        elif word in flags:
            words.values[word] = ""
        elif name in flags:
            raise UsageError(f"{name} takes no value: leave out {value!r}")
        elif word.startswith("-"):
            known = ", ".join(sorted((*with_value, *flags)))
            raise UsageError(f"there is no option {word!r}: there are {known}{hint}")
        else:
            words.names.append(word)
    return words
