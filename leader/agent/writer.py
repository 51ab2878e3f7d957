"""Who waits for the disk? A thread of its own: one that hangs holds up neither renewals nor the agent's end.

The thread is a daemon: the process ends without it, which the loop's own pool of threads would not allow.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue

from leader.agent.store import TermStore
from leader.errors import TermNotSaved

Written = Callable[[str, int, TermNotSaved | None], None]
"""Called on the event loop with election, term, and what kept the term from being saved, if anything did."""


class TermWriter:
    """Saves terms one after the other, as they are asked for, and tells when each is durable."""

    def __init__(self, terms: TermStore, written: Written) -> None:
        self._terms = terms
        self._written = written
        self._wanted: SimpleQueue[tuple[str, int] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def save(self, election: str, term: int) -> None:
        """Save this term, and tell afterwards; must be called on the event loop."""
        if self._thread is None:
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._work, args=(loop,), name="terms", daemon=True)
            self._thread.start()
        self._wanted.put((election, term))

    def close(self) -> None:
        """Save nothing more, and wait for nothing."""
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
