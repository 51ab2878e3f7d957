"""Who waits for the disk? A thread of its own: one that hangs holds up neither renewals nor the agent's end.

The thread is a daemon: the process ends without it, which the loop's own pool of threads would not allow.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue

from leader.agent.store import TermStore
from leader.deaf import start_deaf
from leader.errors import TermNotSaved

Written = Callable[[str, int, TermNotSaved | None], None]
"""Called on the event loop with election, term, and what kept the term from being saved, if anything did."""

SEEN_WAITS_S = 0.2
"""How long a term that was only seen waits: at a hand-over all nodes see one, while the successor hurries."""


class TermWriter:
    """Saves terms one after the other, as they are asked for, and tells when each is durable."""

    def __init__(self, terms: TermStore, written: Written) -> None:
        self._terms = terms
        self._written = written
        self._seen: dict[str, int] = {}
        """Terms that no claim waits for, by election."""
        self._timer: asyncio.TimerHandle | None = None
        self._wanted: SimpleQueue[tuple[str, int] | None] = SimpleQueue()

    def start(self) -> None:
        """Begin to work; must be called on the event loop, as all the rest."""
        loop = asyncio.get_running_loop()
        start_deaf(threading.Thread(target=self._work, args=(loop,), name="terms", daemon=True))

    def save(self, election: str, term: int, *, at_once: bool) -> None:
        """Save this term, at once or in a moment, and tell afterwards."""
        if at_once:
            self._wanted.put((election, term))
            return
        self._seen[election] = term
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SEEN_WAITS_S, self.hurry)

    def hurry(self) -> None:
        """Save now what waits for its moment."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for wanted in self._seen.items():
            self._wanted.put(wanted)
        self._seen.clear()

    def close(self) -> None:
        """Save nothing more than what was asked for, and wait for nothing."""
        self.hurry()
        self._wanted.put(None)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while (wanted := self._wanted.get()) is not None:
            failure = None
            try:
                self._terms.save(*wanted)
            except TermNotSaved as error:
                failure = error
            try:
                loop.call_soon_threadsafe(self._written, *wanted, failure)
            except RuntimeError:
                return  # the loop is closed: nobody waits for it any more
