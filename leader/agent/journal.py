"""What happened, told twice: a log line for people, a change for those who follow `/v1/events`.

One line per transition, with its reason. Nothing here decides anything.
"""

import logging
from collections import deque
from collections.abc import Callable

from leader import clock
from leader.agent.logs import log

Change = dict[str, object]
Listener = Callable[[Change], None]
REMEMBERED_CHANGES = 200


class Journal:
    """The agent's transitions: logged, remembered for a while, and passed on to listeners."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._listeners: list[Listener] = []
        self.recent: deque[Change] = deque(maxlen=REMEMBERED_CHANGES)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call the listener at each change until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, event: str, message: str, *, level: int = logging.INFO, **fields: object) -> None:
        """Note one transition: its name for programs, a message for people, and its facts."""
        log.log(level, message, extra={"event": event, "fields": fields})
        change: Change = {"event": event, "node": self._node, **fields, "at": clock.utc_iso(clock.wall_ms())}
        self.recent.append(change)
        for listener in tuple(self._listeners):
            listener(change)
