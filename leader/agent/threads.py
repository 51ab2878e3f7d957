"""Work that may hang for as long as a disk does, so that it must not be done on the event loop."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from leader.deaf import start_deaf

Found = TypeVar("Found")


def on_a_thread(work: Callable[[], Found]) -> asyncio.Future[Found]:
    """What the work finds, or the OSError that it raises; the end of the process does not wait for it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Found] = loop.create_future()

    def tell(set_it: Callable[[], None]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(lambda: None if future.done() else set_it())

    def run() -> None:
        try:
            found = work()
        except OSError as error:
            tell(partial(future.set_exception, error))
        else:
            tell(partial(future.set_result, found))

    start_deaf(threading.Thread(target=run, daemon=True))
    return future
