"""How much may an instance say? hiredis' reader, within bounds: whatever arrives, it grows and hangs nothing.

hiredis makes room for an array as soon as its length is announced, and redis-py follows pushes ever deeper; a
hostile or broken server could have either do so for long. Here all of that ends as what is no Redis protocol.
"""

import re
from collections.abc import Callable
from typing import Any

from hiredis import PushNotification, Reader
from redis._parsers.hiredis import NOT_ENOUGH_DATA, _AsyncHiredisParser
from redis.exceptions import InvalidResponse, ResponseError

LARGEST_REPLY = 4_194_304
"""Bytes of one reply: all runs of all jobs that an instance keeps are half of that."""

LARGEST_MESSAGE = 65_536
"""Bytes of one published message: a record or a run takes less than a thousand."""

NOT_ENOUGH = NOT_ENOUGH_DATA
"""In the place of a value: the rest of it has not arrived yet."""

TOO_MUCH = "more than an instance has to say"
_LONGEST_HEADER = 24
_HUGE_ARRAY = re.compile(rb"\n[*~%>|]\d{6,}")
"""The beginning of an array of 100,000 or more. No text of ours has a line that begins like that."""

ParseError = Callable[[str], Exception]


class BoundedReader:
    """Takes bytes in and gives values out, in the order in which they came; `feed` and `gets` as hiredis'."""

    def __init__(self, parse_error: ParseError, most_bytes: int) -> None:
        self._reader = Reader(
            protocolError=InvalidResponse,
            replyError=_careful(parse_error),
            encoding="utf-8",
            errors="replace",
            notEnoughData=NOT_ENOUGH,
        )
        self._most_bytes = most_bytes
        self._unread_bytes = 0
        """How much has arrived since the last whole value."""
        self._tail = b"\n"

    def feed(self, data: bytes) -> None:
        """Take in what has arrived.

        Raises:
            InvalidResponse: it announces more than a value may hold.
        """
        seen = self._tail + data
        if _HUGE_ARRAY.search(seen):
            raise InvalidResponse(TOO_MUCH)
        self._unread_bytes += len(data)
        self._tail = seen[-_LONGEST_HEADER:]
        self._reader.feed(data)

    def gets(self) -> Any:  # noqa: ANN401 - a value is whatever the server says
        """The next value; `NOT_ENOUGH` if it is not whole yet.

        Raises:
            InvalidResponse: this is not the Redis protocol, not its version 2, or too much.
        """
        try:
            value = self._reader.gets()
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidResponse(str(error)) from error
        if value is NOT_ENOUGH:
            if self._unread_bytes > self._most_bytes:
                raise InvalidResponse(TOO_MUCH)
            return value
        self._unread_bytes = 0
        if isinstance(value, PushNotification):
            raise InvalidResponse("a push, which nobody has asked for")
        return value

    def has_data(self) -> bool:
        """Whether something has arrived that was not given out."""
        return bool(self._reader.has_data())


class BoundedParser(_AsyncHiredisParser):
    """redis-py's parser, with that reader."""

    def on_connect(self, connection: Any) -> None:  # noqa: ANN401 - redis-py's signature
        """Read from this connection."""
        super().on_connect(connection)  # type: ignore[no-untyped-call]
        self._reader: Any = BoundedReader(self.parse_error, LARGEST_REPLY)


def _careful(parse_error: ParseError) -> ParseError:
    """The same for errors of the form that they should have; any other is an answer in words."""

    def parse(text: str) -> Exception:
        try:
            return parse_error(text)
        except (ValueError, TypeError, IndexError, AttributeError, KeyError):
            return ResponseError(text)

    return parse
