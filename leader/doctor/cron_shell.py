"""Which simple commands does a shell line have, what joins them, and which of them call `leader`?

A reader of the common forms and no shell: what it does not understand, it passes over.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

TOKEN = re.compile(
    r"""
    (?P<redirect> \d*+(?:>>|>\||>&|<&|<<<|<<|<>|>|<) | &>>? )
    | (?P<operator> && | \|\| | ;; | [;|&()\n] )
    | (?P<word> (?: [^\s;|&()<>"'\\] | \\. | "(?:[^"\\]|\\.)*+" | '[^']*+' )++ )
    """,
    re.VERBOSE | re.DOTALL,
)
QUOTING = re.compile(r"""\\(.)|"((?:[^"\\]|\\.)*+)"|'([^']*+)'""", re.DOTALL)
COMMANDS = ("is-leader", "run", "once", "wait", "fence", "status", "health", "jobs", "history")
WITH_VALUE = {
    "is-leader": ("--for", "--timeout", "--socket"),
    "run": ("--grace", "--timeout", "--socket"),
    "once": ("--election", "--gap", "--wait", "--overlap", "--max-run", "--skipped-exit", "--socket"),
}


@dataclass(frozen=True)
class Word:
    """A word as the program gets it, and where it stands in the line."""

    text: str
    start: int
    end: int


@dataclass
class Part:
    """A simple command: its words, where its output goes, and the operator behind it."""

    depth: int
    words: list[Word] = field(default_factory=list)
    redirects: list[str] = field(default_factory=list)
    operator: str = ""
    operator_at: int = 0

    @property
    def first(self) -> str:
        """The first word, or nothing."""
        return self.words[0].text if self.words else ""


@dataclass(frozen=True)
class Option:
    """An option of a call, and what of the line says it."""

    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Call:
    """A simple command that calls `leader`."""

    index: int
    before: tuple[str, ...]
    program: Word
    command: Word
    options: dict[str, Option]
    names: tuple[Word, ...]

    @property
    def election(self) -> str:
        """The election that it asks for."""
        if self.command.text == "once":
            asked = self.options.get("--election")
            return asked.value if asked else "default"
        return self.names[0].text if self.names else "default"


def parts_of(line: str, start: int) -> list[Part]:
    """The simple commands in a line from here on; braces and brackets deepen what stands in them."""
    parts, takes_target = [Part(0)], False
    for token in TOKEN.finditer(line, start):
        if token["word"] is not None and not takes_target:
            _add_word(parts[-1], Word(_unquoted(token["word"]), token.start(), token.end()))
        elif token["redirect"] is not None:
            parts[-1].redirects.append(token["redirect"])
        elif token["operator"] is not None:
            _end_part(parts, token)
        takes_target = token["redirect"] is not None
    return parts


def calls_in(parts: list[Part]) -> list[Call]:
    """The calls of `leader`, each with its options up to the command that it starts."""
    return [call for index, part in enumerate(parts) for call in _call(index, part.words)]


def _add_word(part: Part, word: Word) -> None:
    if not part.words and word.text in ("{", "}"):
        part.depth += 1 if word.text == "{" else -1
    part.words.append(word)


def _end_part(parts: list[Part], token: re.Match[str]) -> None:
    part, operator = parts[-1], token["operator"]
    part.operator, part.operator_at = operator, token.start()
    parts.append(Part(part.depth + (operator == "(") - (operator == ")")))


def _call(index: int, words: list[Word]) -> Iterator[Call]:
    for at, (program, command) in enumerate(pairwise(words)):
        if program.text.rpartition("/")[2] == "leader" and command.text in COMMANDS:
            options, names = _options(words[at + 2 :], WITH_VALUE.get(command.text, ()))
            before = tuple(word.text for word in words[:at])
            yield Call(index, before, program, command, options, tuple(names))
            return


def _options(words: list[Word], with_value: tuple[str, ...]) -> tuple[dict[str, Option], list[Word]]:
    options: dict[str, Option] = {}
    names: list[Word] = []
    left = iter(words)
    for word in left:
        name, equals, value = word.text.partition("=")
        if word.text == "--":
            break
        if not word.text.startswith("-"):
            names.append(word)
        elif equals or name not in with_value:
            options[name] = Option(value, word.start, word.end)
        elif behind := next(left, None):
            options[name] = Option(behind.text, word.start, behind.end)
    return options, names


def _unquoted(text: str) -> str:
    return QUOTING.sub(lambda quoted: quoted[1] or quoted[2] or quoted[3] or "", text)
