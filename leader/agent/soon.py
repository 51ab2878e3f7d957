"""A call that is due a moment after it was first asked for, however often it is asked for until then."""

import asyncio
from collections.abc import Callable


class Soon:
    """What five instances occasion at one beat is so done once."""

    def __init__(self, delay_s: float, call: Callable[[], None]) -> None:
        self._delay_s = delay_s
        self._call = call
        self._timer: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """Have it called within a moment."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._delay_s, self.now)

    def now(self) -> None:
        """Call it, and not once more for what was asked before."""
        self.cancel()
        self._call()

    def cancel(self) -> None:
        """Call it no more for what was asked before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
