"""Answers that cost much and that many may ask for: worked out once for all who asked before that began."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Shared(Generic[Found]):
    """One piece of work: at most one is under way, and whoever asks meanwhile shares the next."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[Found] | None = None

    async def get(self, work: Callable[[], Awaitable[Found]]) -> Found:
        """What the work finds, begun after this was asked; whoever gives up stops nobody else's."""
        if self._next is None:
            self._next = asyncio.create_task(self._do(work))
        return await asyncio.shield(self._next)

    async def _do(self, work: Callable[[], Awaitable[Found]]) -> Found:
        async with self._turn:
            self._next = None
            return await work()
