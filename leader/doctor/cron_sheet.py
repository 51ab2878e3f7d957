"""What do the rules for crontabs know of a file: its name, its text, what calls `leader`, and this machine.

Reads no file itself: what is to be known of the machine is handed in.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property

from leader.doctor.cron_shell import COMMANDS, Call, Part, calls_in, parts_of
from leader.doctor.cron_text import Crontab, Entry, read

USER = re.compile(r"[a-z_][a-z0-9_.-]*+", re.IGNORECASE)
GUARDS = ("is-leader", "run", "once", "wait")


@dataclass(frozen=True)
class Host:
    """What of this machine decides what a crontab does."""

    finds: Callable[[str, str], bool]
    """Whether a program is found in a PATH, or at its own full path."""
    is_user: Callable[[str], bool]
    program: str
    """The full path of `leader`, or nothing."""
    is_debian: bool


@dataclass(frozen=True)
class Line:
    """An entry, with the simple commands and the calls of `leader` in it."""

    entry: Entry
    parts: list[Part]
    calls: list[Call]
    lacks_user: bool = False

    @cached_property
    def calling(self) -> frozenset[int]:
        """Which of its parts call `leader`."""
        return frozenset(call.index for call in self.calls)

    @property
    def is_guarded(self) -> bool:
        """Whether anything in it depends on who leads."""
        return any(call.command.text in GUARDS for call in self.calls)

    def rewritten(self, start: int, end: int, text: str) -> str:
        """What to do: the line with this piece of it replaced."""
        line = self.entry.line
        return write_as(self.entry.number, line[:start] + text + line[end:])


@dataclass(frozen=True)
class Sheet:
    """One crontab as the rules see it; `has_users` is the form of /etc/crontab."""

    name: str
    text: str
    has_users: bool
    host: Host
    elections: Collection[str]

    @cached_property
    def crontab(self) -> Crontab:
        """The text as cron reads it."""
        return read(self.text, has_users=self.has_users)

    @cached_property
    def lines(self) -> list[Line]:
        """All entries."""
        return [self._line(entry) for entry in self.crontab.entries]

    @cached_property
    def calling(self) -> list[Line]:
        """The entries that call `leader`."""
        return [line for line in self.lines if line.calls]

    def at(self, number: int) -> str:
        """Where: the file and the line."""
        return f"{self.name}:{number}"

    def _line(self, entry: Entry) -> Line:
        lacks_user = self.has_users and self._is_command(entry)
        if lacks_user:
            entry = replace(entry, user="", start=entry.user_at)
        parts = parts_of(entry.line, entry.start)
        return Line(entry, parts, calls_in(parts), lacks_user)

    def _is_command(self, entry: Entry) -> bool:
        """Whether what stands in the place of the user is the command already."""
        behind = entry.line[entry.start :].split(maxsplit=1)
        if entry.user == "leader" and behind and behind[0] in COMMANDS:
            return True
        if not entry.user or self.host.is_user(entry.user):
            return not entry.user
        path = entry.settings.get("PATH", DEFAULT_PATH)
        return not USER.fullmatch(entry.user) or self.host.finds(entry.user, path)


DEFAULT_PATH = "/usr/bin:/bin"
"""What cron has where no line of the file gives another."""


def write_as(number: int, line: str) -> str:
    """The remedy that is a corrected line."""
    return f"write line {number} as: {line}"
