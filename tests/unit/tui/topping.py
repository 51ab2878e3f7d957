"""An agent for top that says what it is told to say, and what stands on top's screen, as plain text."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from textual.pilot import Pilot

from leader.protocol.snapshot import AgentView
from leader.tui.top.agent import Away, Declined
from leader.tui.top.app import Top
from tests.support.polling import eventually
from tests.unit.tui.examples import CLUSTER, DEFAULT, LED, node

NAMES = [f"election-{number:02}" for number in range(50)]
LARGE = replace(
    CLUSTER,
    elections=tuple(replace(DEFAULT, election=name) for name in NAMES),
    nodes=tuple(
        replace(
            node(f"web-{number:03}", "candidate"),
            roles=dict.fromkeys(NAMES, "candidate"),
            priority=dict.fromkeys(NAMES, 100),
        )
        for number in range(200)
    ),
)
LEADING = replace(CLUSTER, elections=(LED, *CLUSTER.elections[1:]))


class FakeAgent:
    """Answers from `view`; away while `is_away`; declines with `sentence`, if there is one."""

    def __init__(self, view: AgentView = CLUSTER) -> None:
        self.view = view
        self.is_away = False
        self.sentence = ""
        self.calls: list[str] = []
        self._queue: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()

    async def status(self) -> Mapping[str, Any]:
        if self.is_away:
            raise Away("nobody")
        return asdict(self.view)

    async def events(self) -> AsyncIterator[Mapping[str, Any]]:
        yield {"event": "snapshot", "status": await self.status()}
        while change := await self._queue.get():
            yield change

    async def step_down(self, election: str) -> Mapping[str, Any]:
        return self._done(f"step-down {election}", {"successor": "web-3"})

    async def pause(self) -> Mapping[str, Any]:
        return self._done("pause", {})

    async def resume(self) -> Mapping[str, Any]:
        return self._done("resume", {"resumed": True})

    def tell(self, change: Mapping[str, Any]) -> None:
        """Send one change."""
        self._queue.put_nowait(change)

    def go_away(self) -> None:
        """End the stream, and answer nothing."""
        self.is_away = True
        self._queue.put_nowait(None)

    def _done(self, call: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        self.calls.append(call)
        if self.sentence:
            raise Declined(self.sentence)
        return answer


def top(agent: FakeAgent) -> Top:
    """Top on a clock that stands still."""
    return Top(agent, lambda: 0)


def screen(app: Top) -> str:
    """What stands there, without blanks at the ends of lines."""
    strips = app.screen._compositor.render_strips()
    return "".join(f"{strip.text.rstrip()}\n" for strip in strips)


async def shows(pilot: "Pilot[None]", app: Top, *texts: str) -> None:
    """Return once all of this stands there."""
    await pilot.pause()
    await eventually(lambda: all(text in screen(app) for text in texts))
