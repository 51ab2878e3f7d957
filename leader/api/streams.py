"""The answers that go on: who has joined what, and who is too slow to be told any more.

Knows nothing of what is told.
"""

from collections.abc import Callable
from functools import partial

from leader.api.connection import Connection
from leader.api.limits import Limits
from leader.api.message import line
from leader.api.source import Change, Leave, Listener

TOO_SLOW = line({"event": "dropped", "reason": "this reader is too slow; connect again for a new snapshot"})
STOPPED = line({"event": "ended", "reason": "the agent stops or restarts; connect again"})


class Streams:
    """The streams of one server."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._leaves: dict[Connection, Leave] = {}

    @property
    def are_full(self) -> bool:
        """Whether there are as many as there may be."""
        return len(self._leaves) >= self._limits.streams

    def begin(self, connection: Connection, joins: Callable[[Listener], Leave]) -> None:
        """Let this connection join something: it is sent a line for each change."""
        self._leaves[connection] = joins(partial(self._tell, connection))

    def forget(self, connection: Connection) -> None:
        """Leave what this connection has joined, if anything."""
        leave = self._leaves.pop(connection, None)
        if leave is not None:
            leave()

    def end_all(self) -> None:
        """End every stream, and say why."""
        for connection in tuple(self._leaves):
            self._end(connection, STOPPED)

    def _tell(self, connection: Connection, change: Change) -> None:
        """Send one change; who has not taken what came before is dropped."""
        data = line(change)
        if connection.is_gone:
            self.forget(connection)
        elif connection.behind_bytes + len(data) > self._limits.stream_bytes:
            self._end(connection, TOO_SLOW)
        else:
            connection.send_line(data)

    def _end(self, connection: Connection, last: bytes) -> None:
        self.forget(connection)
        connection.finish(last)
