"""Work that is done once for all who ask before it begins."""

import asyncio

from leader.api.shared import Shared


async def test_who_asks_while_it_is_under_way_shares_the_next_and_may_give_up() -> None:
    """Nobody is told what was found before he asked, and nobody who gives up stops the others."""
    begun, goes_on = 0, asyncio.Event()
    shared: Shared[int] = Shared()

    async def work() -> int:
        nonlocal begun
        begun += 1
        found = begun
        await goes_on.wait()
        return found

    async with asyncio.TaskGroup() as group:
        first = group.create_task(shared.get(work))
        while not begun:  # noqa: ASYNC110 - it begins within a few turns of the loop
            await asyncio.sleep(0)
        others = [group.create_task(shared.get(work)) for _ in range(20)]
        await asyncio.sleep(0)
        others.pop(0).cancel()
        goes_on.set()
    assert (first.result(), {task.result() for task in others}, begun) == (1, {2}, 2)
