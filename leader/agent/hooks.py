"""The commands that an operator wants run when this node gains or loses an election.

In order per election, never two at once, each within its time: what hangs is killed with all of its group. A
planned hand-over waits for `on_lost`, renewals wait for nothing. Decides nothing about elections.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from leader.agent import children
from leader.agent.logs import log
from leader.config.model import ElectionConfig

MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class Occasion:
    """What has happened: `gained` or `lost`, with which term, and why it was lost."""

    event: str
    term: int
    reason: str = ""


class Hooks:
    """The hooks of all elections of one agent; `run` works them off."""

    def __init__(
        self,
        elections: Mapping[str, ElectionConfig],
        environment: Mapping[str, str],
    ) -> None:
        """`environment` is added to each hook's own; `ended_one` is called when an election's have ended."""
        self.ended_one: Callable[[str], None] = lambda _election: None
        self._elections = elections
        self._environment = environment
        self._waiting: dict[str, deque[Occasion]] = {name: deque() for name in elections}
        self._wanted = {name: asyncio.Event() for name in elections}
        self._idle = {name: asyncio.Event() for name in elections}
        for event in self._idle.values():
            event.set()

    def happened(self, election: str, occasion: Occasion) -> None:
        """Run the hooks of this occasion after those of earlier ones."""
        if self._commands(election, occasion):
            self._idle[election].clear()
            self._waiting[election].append(occasion)
            self._wanted[election].set()

    def are_idle(self, election: str) -> bool:
        """Whether no hook of this election runs or waits."""
        return self._idle[election].is_set()

    async def ended(self) -> None:
        """Return when no hook runs or waits."""
        for event in self._idle.values():
            await event.wait()

    async def run(self) -> None:
        """Run what is wanted, the elections beside each other, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for election in self._elections:
                group.create_task(self._work(election), name=f"hooks {election}")

    def _commands(self, election: str, occasion: Occasion) -> tuple[str, ...]:
        settings = self._elections[election]
        return settings.on_gained if occasion.event == "gained" else settings.on_lost

    async def _work(self, election: str) -> None:
        while True:
            await self._wanted[election].wait()
            self._wanted[election].clear()
            while self._waiting[election]:
                occasion = self._waiting[election].popleft()
                for command in self._commands(election, occasion):
                    await self._run(election, occasion, command)
            self._idle[election].set()
            self.ended_one(election)

    async def _run(self, election: str, occasion: Occasion, command: str) -> None:
        """Run one command to its end, or to the end of its time."""
        timeout_s = self._elections[election].hook_timeout_ms / MS_PER_S
        try:
            ended = await children.run(
                ("/bin/sh", "-c", command), timeout_s, {**self._environment, **_about(election, occasion)}
            )
        except OSError as error:
            log.error(
                "the hook %s cannot be started (%s)",
                command,
                error.strerror,
                extra=_fields(election, occasion),
            )
            return
        if ended.code is None:
            log.error(
                "the hook %s was ended: it ran longer than hook_timeout",
                command,
                extra=_fields(election, occasion),
            )
        elif ended.code != 0:
            log.warning("the hook %s ended with %s", command, ended.code, extra=_fields(election, occasion))


def _about(election: str, occasion: Occasion) -> dict[str, str]:
    return {
        "LEADER_ELECTION": election,
        "LEADER_EVENT": occasion.event,
        "LEADER_TERM": str(occasion.term),
        "LEADER_REASON": occasion.reason,
    }


def _fields(election: str, occasion: Occasion) -> dict[str, object]:
    return {"fields": {"election": election, "event": occasion.event, "term": occasion.term}}
