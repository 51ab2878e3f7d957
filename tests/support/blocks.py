"""Blocks of `once`, in a thread and in a task, that call a function with the tick that they are given."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leader.api.async_client import AsyncClient
from leader.api.client import Client
from leader.api.once import ClaimedTick

Body = Callable[[ClaimedTick | None], object]
Block = Callable[..., None]
"""Takes the agent's socket, the function, the job, and what `once` takes."""


def in_thread(path: Path, body: Body, job: str = "report", **said: Any) -> None:  # noqa: ANN401 - any of them
    """One of `Client`."""
    with Client(path).once(job, **said) as tick:
        body(tick)


def in_task(path: Path, body: Body, job: str = "report", **said: Any) -> None:  # noqa: ANN401 - any of them
    """One of `AsyncClient`; the function is called in a thread, so that it may wait."""

    async def work() -> None:
        async with AsyncClient(path).once(job, **said) as tick:
            await asyncio.to_thread(body, tick)

    asyncio.run(work())


BLOCKS: dict[str, Block] = {"thread": in_thread, "task": in_task}
