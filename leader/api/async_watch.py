"""Watches one leadership from a task, while another task works under it; never blocks the event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from leader.api.answers import Sure, is_no, nobody
from leader.api.async_reach import AsyncGuard
from leader.api.vigil import FAILED, SECOND_NS, Known, Vigil
from leader.api.watch import lost_error
from leader.clock import now_ns
from leader.errors import AgentUnreachable, UnknownElection

Ask = Callable[[str, int], Awaitable[Sure]]
"""Asks the main question about an election, until an instant."""


class AsyncLeading(Known):
    """The leadership that a block of `run_while_leader` works under."""

    def __init__(self, vigil: Vigil) -> None:
        super().__init__(vigil)
        self.lost = asyncio.Event()
        """Set when the work must end, at the moment at which the block is cancelled."""


class AsyncWatch:
    """A block that works under a leadership, and the task that watches it and cancels the block's own.

    The cancellation is counted as `asyncio.timeout` does it, so that one from outside is never swallowed.
    """

    def __init__(self, ask: Ask, path: str, guard: AsyncGuard, vigil: Vigil) -> None:
        self.leading = AsyncLeading(vigil)
        self._ask = ask
        self._path = path
        self._guard: AsyncGuard | None = guard
        self._vigil = vigil
        self._has_left = False
        self._task: asyncio.Task[object]
        self._cancelling = 0
        self._watching: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        self._task, self._cancelling = task, task.cancelling()
        self._watching = asyncio.create_task(self._watch(), name=f"leader-{self._vigil.election}")
        self._watching.add_done_callback(lambda _: self._let_go())  # it may end before it has begun
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_late = now_ns() >= self._vigil.until_ns
        self._leave()
        if self.leading.lost.is_set():
            is_ours = self._task.uncancel() <= self._cancelling
            if kind is None or (kind is asyncio.CancelledError and is_ours):
                raise lost_error(self._vigil) from error
        elif kind is None and is_late and not await self._goes_on():
            raise lost_error(self._vigil)

    def _leave(self) -> None:
        """Let a hand-over go on, and the watching task end, with which the guard is closed."""
        self._has_left = True
        if self._guard is not None:
            self._guard.leave()
        self._watching.cancel()

    async def _goes_on(self) -> bool:
        """Whether the agent says that the leadership was never interrupted, however long we stood still."""
        try:
            return self._vigil.confirms(await self._ask(self._vigil.election, now_ns() + SECOND_NS))
        except (AgentUnreachable, UnknownElection):
            return False

    # In the watching task.

    async def _watch(self) -> None:
        try:
            while not self._vigil.lost:
                await self._step()
        finally:
            self._end()
        await asyncio.Event().wait()  # the guard stands until the block has ended

    def _end(self) -> None:
        """Cancel the block, unless it has ended already."""
        if not self._has_left:
            self._vigil.lose(FAILED)
            self.leading.lost.set()
            self._task.cancel()

    async def _step(self) -> None:
        await self._wait(max(0, self._vigil.wakes_at_ns - now_ns()) / SECOND_NS)
        now = now_ns()
        if self._vigil.lost or now < self._vigil.wakes_at_ns:
            return
        deadline_ns = self._vigil.question_ns(now)
        if self._guard is None:
            await self._join((now + deadline_ns) // 2)
        answer = await self._answer(deadline_ns)
        if is_no(answer) and self._guard is None:
            await self._join(deadline_ns)
        self._vigil.hear(answer, now_ns(), guarded=self._guard is not None)

    async def _answer(self, deadline_ns: int) -> Sure | None:
        try:
            return await self._ask(self._vigil.election, deadline_ns)
        except UnknownElection:
            return nobody(self._vigil.election)
        except AgentUnreachable:
            return None

    async def _wait(self, pause_s: float) -> None:
        if self._guard is None:
            await asyncio.sleep(pause_s)
            return
        try:
            async with asyncio.timeout(pause_s):
                await self._guard.must_end()
        except TimeoutError:
            return
        except AgentUnreachable:
            self._let_go()
            self._vigil.unguarded(now_ns(), at_once=True)
        else:
            self._vigil.hear_end()

    async def _join(self, deadline_ns: int) -> None:
        """Let the agent know of the work again, after it was restarted; before its no counts."""
        try:
            self._guard = await AsyncGuard.join(self._path, self._vigil.election, deadline_ns)
        except AgentUnreachable:
            self._vigil.unguarded(now_ns(), at_once=False)

    def _let_go(self) -> None:
        if self._guard is not None:
            self._guard.close()
            self._guard = None
