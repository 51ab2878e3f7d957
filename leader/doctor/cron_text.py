"""How does cron read this text? Lines become entries with the settings that are in force there.

Knows nothing of `leader`, of shells, or of this machine.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SETTING = re.compile(r"""[ \t]*(["']?)(?P<name>[^"'=\s#]+)\1[ \t]*=[ \t]*(?P<value>.*)""", re.DOTALL)
ENTRY = re.compile(
    r"[ \t]*(?P<schedule>@\w+|(?:[\d*/,A-Za-z~-]++[ \t]++){4}[\d*/,A-Za-z~-]++)[ \t]++(?P<rest>.*)", re.DOTALL
)
FIRST_WORD = re.compile(r"(\S++)[ \t]++(?=\S)")
PERCENT = re.compile(r"\\.|%", re.DOTALL)


@dataclass(frozen=True)
class Setting:
    """A line that gives a variable to the entries below it."""

    number: int
    line: str
    name: str
    value: str


@dataclass(frozen=True)
class Entry:
    """A line that starts something: `line[start:]` is what stands behind the schedule and the user.

    The user's name, if there is one, stands at `line[user_at:]`.
    """

    number: int
    line: str
    schedule: str
    user: str
    user_at: int
    start: int
    settings: Mapping[str, str]

    @property
    def end(self) -> int:
        """Where the shell's part ends: at the first bare `%`, for what follows is its standard input."""
        bare = (mark.start() for mark in PERCENT.finditer(self.line, self.start) if mark.group() == "%")
        return next(bare, len(self.line))

    @property
    def command_with_percents_kept(self) -> str:
        """The line as it should be, if its bare `%` were meant to reach the shell."""
        kept = PERCENT.sub(
            lambda mark: r"\%" if mark.group() == "%" else mark.group(), self.line[self.start :]
        )
        return self.line[: self.start] + kept


@dataclass(frozen=True)
class Crontab:
    """What cron reads in one file."""

    entries: tuple[Entry, ...]
    settings: tuple[Setting, ...]


def read(text: str, *, has_users: bool) -> Crontab:
    """The entries and the settings of a text; what is neither, such as a comment, is left out."""
    found = list(_lines(text, has_users=has_users))
    return Crontab(
        tuple(line for line in found if isinstance(line, Entry)),
        tuple(line for line in found if isinstance(line, Setting)),
    )


def _lines(text: str, *, has_users: bool) -> Iterator[Entry | Setting]:
    in_force: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if setting := SETTING.fullmatch(line):
            value = _unquoted(setting["value"].rstrip())
            in_force = {**in_force, setting["name"]: value}
            yield Setting(number, line, setting["name"], value)
        elif entry := ENTRY.fullmatch(line):
            yield _entry(number, entry, in_force, has_user=has_users)


def _entry(number: int, found: re.Match[str], settings: Mapping[str, str], *, has_user: bool) -> Entry:
    line, start = found.string, found.start("rest")
    word = FIRST_WORD.match(line, start) if has_user else None
    user = word[1] if word else ""
    return Entry(number, line, found["schedule"], user, start, word.end() if word else start, settings)


def _unquoted(value: str) -> str:
    for quote in "\"'":
        if len(value) > 1 and value[0] == value[-1] == quote:
            return value[1:-1]
    return value
