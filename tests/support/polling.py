"""How tests wait: they ask again and again until something is so, up to a deadline, and never just sleep."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from leader.clock import now_ns

T = TypeVar("T")

PATIENCE_S = 30.0
"""Far longer than anything takes; a loaded machine must not fail a test."""

POLL_S = 0.01
NS_PER_S = 1_000_000_000


def until(condition: Callable[[], T | None], what: str, within_s: float = PATIENCE_S) -> T:
    """The first answer of the condition that is true.

    Raises:
        AssertionError: there was none in time; `what` says what was waited for.
    """
    deadline = now_ns() + int(within_s * NS_PER_S)
    while True:
        answer = condition()
        if answer:
            return answer
        assert now_ns() < deadline, f"within {within_s:g} s: {what}"
        time.sleep(POLL_S)


async def eventually(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    """Return when the condition holds, with the event loop's other tasks running meanwhile.

    Raises:
        TimeoutError: it did not in time.
    """
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for happens elsewhere
            await asyncio.sleep(POLL_S)


async def throughout(condition: Callable[[], bool], for_s: float) -> None:
    """Return when the condition held at each look, for so long, with the loop's other tasks running.

    Raises:
        AssertionError: once it did not.
    """
    end = now_ns() + int(for_s * NS_PER_S)
    while now_ns() < end:
        assert condition()
        await asyncio.sleep(POLL_S)


def always(condition: Callable[[], bool], what: str, for_s: float) -> None:
    """Return when the condition held at each look, for so long.

    Raises:
        AssertionError: once it did not.
    """
    end = now_ns() + int(for_s * NS_PER_S)
    while now_ns() < end:
        assert condition(), what
        time.sleep(POLL_S)
