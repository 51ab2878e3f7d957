"""What does the body of a request say? A JSON object, each value checked as it is taken out.

Knows nothing of what the values are for.
"""

import json
from collections.abc import Mapping

from leader import clock
from leader.claims import checked_name
from leader.errors import UsageError
from leader.protocol.events import NS_PER_MS
from leader.protocol.gap import LONGEST_GAP_MS

LONGEST_MS = 2**53
LARGEST_INSTANT = 2**63


class Unfit(ValueError):
    """The body does not say what it must; the text is one sentence."""


class Body:
    """The JSON object in a request; what is missing has a default, what is wrong is `Unfit`."""

    def __init__(self, data: bytes) -> None:
        try:
            content = json.loads(data or b"{}")
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise Unfit("the body is no JSON object: send one, such as {}")
        self._content: Mapping[str, object] = content

    def number(self, name: str, default: int, greatest: int = LONGEST_MS) -> int:
        """A whole number from 0 on."""
        value = self._content.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= greatest:
            raise Unfit(f"{name} must be a whole number from 0 to {greatest}")
        return value

    def name(self, name: str, default: str) -> str:
        """A name, such as that of an election."""
        return name_of(self._content.get(name, default), name)

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._content.get(name, False)
        if not isinstance(value, bool):
            raise Unfit(f"{name} must be true or false")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of these; the first is the default."""
        value = self._content.get(name, choices[0])
        if value not in choices:
            raise Unfit(f"{name} must be one of {', '.join(choices)}")
        return str(value)

    def called_at(self) -> int:
        """When `once` was called, by this host's boot clock; now, if that was not said, or cannot be."""
        now = clock.now_ns()
        said = self.number("called_at_ns", now, LARGEST_INSTANT)
        return said if now - LONGEST_GAP_MS * NS_PER_MS < said <= now else now

    def text(self, name: str, longest: int) -> str:
        """Words for people, on one line; empty if none were said."""
        value = self._content.get(name, "")
        if not isinstance(value, str) or len(value) > longest or not value.isprintable():
            raise Unfit(f"{name} must be one line of at most {longest} characters")
        return value.strip()

    def has(self, name: str) -> bool:
        """Whether it was said; null is as if it was not."""
        return self._content.get(name) is not None


def name_of(value: object, what: str) -> str:
    """The value, if it can be a name of something.

    Raises:
        Unfit: it cannot.
    """
    try:
        return checked_name(value, what)
    except UsageError as error:
        raise Unfit(str(error)) from None
