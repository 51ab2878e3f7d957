"""The twin of `once.py` on asyncio: a task stands for the run, and nothing blocks the event loop."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from leader.api.async_reach import exchange, stay
from leader.api.once import ending
from leader.claims import END_NS, PAUSE_S, RETURN_NS, Asking, Headers, Run, is_recorded
from leader.clock import now_ns
from leader.errors import AgentUnreachable, Unanswered
from leader.reach import SECOND_NS, why_not


async def decide(asking: Asking) -> Headers:
    """The headers of the agent's answer; asked again, with the same nonce, until one has come or time is up.

    Raises:
        LeaderError: none came in time, or it was a refusal.
    """
    while True:
        try:
            answer = asking.call.judge(await _asked(asking))
            if asking.takes(answer):
                return answer
        except AgentUnreachable as error:
            if asking.gives_up(error):
                raise
        await asyncio.sleep(PAUSE_S)


async def _asked(asking: Asking) -> bytes:
    """The head of the answer to one question.

    Raises:
        AgentUnreachable: nobody could be asked in time; Unanswered: none came in time, or it was cut off.
    """
    path = asking.call.path
    head, end, _ = (await exchange(path, asking.request(), asking.deadline_ns)).partition(b"\r\n\r\n")
    if not end:
        raise Unanswered(why_not(path, ConnectionResetError()))
    return head


class AsyncRunningBlock:
    """A block that is the run of a tick; a task tells the agent that it goes on."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._standing: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._standing = asyncio.create_task(self._stand(), name="leader-once")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell how it ended; what is said of the run after its end would come too late."""
        self._standing.cancel()
        await asyncio.wait([self._standing])
        await self._tell_end(*ending(error))

    async def _stand(self) -> None:
        while True:
            tried_ns = now_ns()
            with contextlib.suppress(OSError):
                await stay(self._run.path, self._run.running())
            await asyncio.sleep(max(0, RETURN_NS - (now_ns() - tried_ns)) / SECOND_NS)

    async def _tell_end(self, state: str, code: int) -> None:
        """Have it written down by a majority; an agent that restarts is waited for, but not for long."""
        path, deadline_ns, duration_ms = self._run.path, now_ns() + END_NS, self._run.duration_ms
        while True:
            with contextlib.suppress(AgentUnreachable):
                told = await exchange(path, self._run.ended(state, code, duration_ms), deadline_ns)
                if is_recorded(path, told):
                    return
            if now_ns() >= deadline_ns:
                return
            await asyncio.sleep(PAUSE_S)
