"""Who observes a hand-over goes before all that is observed, so that it does not wait in their queue.

Only the thread that observes, while it does: what it starts meanwhile does not. Its priority is real-time,
since the kernel weighs `nice` within a session alone where it groups sessions (sched(7), autogroup), and each
agent has a session of its own. Linux alone has such a priority for each thread; it needs root, or
RLIMIT_RTPRIO.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

FIRST = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK


@contextmanager
def precedence() -> Iterator[bool]:
    """This thread goes first meanwhile; false if it may not."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, FIRST, os.sched_param(os.sched_get_priority_min(os.SCHED_FIFO)))
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, policy, parameters)


def how_observed() -> str:
    """Whether it may, in words for a row."""
    with precedence() as may:
        return "observed at real-time priority" if may else "observed at the same priority"
