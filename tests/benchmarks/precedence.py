"""Who observes a hand-over goes before all that is observed, so that it does not wait in their queue.

Only the thread that observes, while it does: what it starts meanwhile would go first as well. Linux alone has
a priority for each thread; raising it needs root, or RLIMIT_NICE.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

NICE = -15


@contextmanager
def precedence() -> Iterator[bool]:
    """This thread goes first meanwhile; false if it may not."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


def how_observed() -> str:
    """Whether it may, in words for a row."""
    with precedence() as may:
        return f"observed at nice {NICE}" if may else "observed at the same priority"
