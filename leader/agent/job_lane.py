"""The way to one instance for calls about jobs: those that wait go out together, one script call at a time.

Whatever happens, each call gets an answer or None: what that means is the asker's business.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from leader.instances.instance import Instance
from leader.instances.problems import Ineligible, Unanswered
from leader.protocol.runs import Look, TickAnswer, TickCall

MOST_AT_ONCE = 100
"""Calls in one script call: an instance serves nobody else meanwhile."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer, and the process that gave it."""

    process: str
    answer: TickAnswer


class JobLane:
    """The calls about jobs to one instance."""

    def __init__(self, instance: Instance, patience_ns: int) -> None:
        self.name = instance.name
        self._instance = instance
        self._patience_ns = patience_ns
        self._waiting: list[tuple[TickCall, asyncio.Future[Heard | None]]] = []
        self._wanted = asyncio.Event()

    async def ask(self, call: TickCall) -> Heard | None:
        """What the instance answers; None if it did not in time, whether it did it or not (rule R8)."""
        future: asyncio.Future[Heard | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, future))
        self._wanted.set()
        return await future

    async def run(self) -> None:
        """Carry calls until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                heard = await self._carry([call for call, _ in batch])
                for (_, future), answer in zip(batch, heard, strict=True):
                    if not future.done():
                        future.set_result(answer)

    async def _carry(self, calls: Sequence[TickCall]) -> Sequence[Heard | None]:
        """The answers to those that may go; while the instance's clock is not known, only looks may.

        A call that waits in a hung server would else be of the moment at which it is carried out.
        """
        knows_clock = self._instance.wall_ms() > 0
        going = [call for call in calls if knows_clock or isinstance(call.operation, Look)]
        if not going:
            return [None] * len(calls)
        try:
            reply = await self._instance.call_jobs(going, timeout_ns=self._patience_ns)
        except (Unanswered, Ineligible):
            return [None] * len(calls)
        answers = iter(reply.answers)
        return [Heard(reply.process, next(answers)) if call in going else None for call in calls]
