"""Has what another machine wrote the shape that it should have, and is it as small as it should be?

Whatever an instance says passes through here before anything else sees it: what is not what it should be is
a ValueError, so the instance gives no vote, and nothing that it made up goes any further.
"""

from typing import cast

from leader.clock import LATEST_MS
from leader.names import is_name
from leader.protocol.record import LARGEST_TERM

LARGEST = LARGEST_TERM
"""Beyond this, Lua's numbers are no longer exact, so no script of ours has written it."""

LONGEST_WORD = 256
"""Characters of what is no name and yet one word: a process, a fingerprint."""

_LONGEST_NUMBER = len(str(LARGEST))


def array(value: object) -> list[object]:
    """The list that this is.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, list):
        raise ValueError(f"{type(value).__name__} where an array belongs")  # noqa: TRY004  a shape, not a bug
    return value


def text(value: object) -> str:
    """The text that this is.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, str):
        raise ValueError(f"{type(value).__name__} where a text belongs")  # noqa: TRY004  a shape, not a bug
    return value


def texts(value: object) -> list[str]:
    """The list of texts that this is.

    Raises:
        ValueError: it is something else.
    """
    items = array(value)
    if set(map(type, items)) <= {str}:
        return cast("list[str]", items)
    return [text(item) for item in items]


def whole(said: str, greatest: int = LARGEST) -> int:
    """The whole number that a text says in plain digits.

    Raises:
        ValueError: it says none, or a greater one.
    """
    if not (said.isascii() and said.isdecimal()) or len(said) > _LONGEST_NUMBER or int(said) > greatest:
        raise ValueError("no whole number, or one out of bounds")
    return int(said)


def difference(said: str) -> int:
    """The whole number that a text says, which may stand below 0.

    Raises:
        ValueError: it says none, or one that is out of bounds.
    """
    return -whole(said[1:]) if said.startswith("-") else whole(said)


def instant(said: str) -> int:
    """The moment of a wall clock that a text says, in milliseconds since 1970; one that a calendar knows.

    Raises:
        ValueError: it says none.
    """
    return whole(said, LATEST_MS)


def name(said: str) -> str:
    """The text, which can be a name.

    Raises:
        ValueError: it cannot.
    """
    if not is_name(said):
        raise ValueError("no name")
    return said


def word(said: str) -> str:
    """The text, which is short and can be shown.

    Raises:
        ValueError: it is long, or would steer a terminal.
    """
    if len(said) > LONGEST_WORD or not said.isprintable():
        raise ValueError("no word")
    return said
