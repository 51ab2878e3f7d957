"""A source of answers written by hand, and an API server of its own around it, in this process or another.

`python -m tests.unit.api.handmade SOCKET [SETTINGS]`, with SETTINGS as JSON, serves until it is ended.
"""

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from leader.api.control import HandedOver, Paused, StepDown, Work
from leader.api.figures import Figures
from leader.api.limits import Limits
from leader.api.peers import Peer
from leader.api.server import Server, bind_socket
from leader.api.source import About, Change, Listener
from leader.errors import Refused
from leader.protocol.quorum import Voters
from leader.protocol.runs import Run
from leader.protocol.snapshot import (
    AgentView,
    ElectionView,
    HistoryView,
    JobView,
    Leadership,
    PauseView,
    Role,
)
from leader.protocol.ticks import Decision, Tick, Wish

PROJECT = Path(__file__).resolve().parents[3]


@dataclass
class HandmadeControl:
    """Does what it is asked, unless it has been given a sentence to refuse with."""

    refusal: str = ""
    draining: bool = False
    running: Work = field(default_factory=lambda: Work("default", 0, ()))
    orders: list[object] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    is_paused: bool = False

    def _note(self, order: object) -> None:
        if self.refusal:
            raise Refused(self.refusal)
        self.orders.append(order)

    async def step_down(self, order: StepDown, peer: Peer) -> HandedOver:  # noqa: ARG002 - as in `Control`
        self._note(order)
        return HandedOver(order.election, "web-1", 4610, order.to or "web-2")

    async def pause(self, reason: str, for_ms: int | None, peer: Peer) -> Paused:
        self._note((reason, for_ms))
        self.is_paused = True
        return Paused(
            PauseView(reason, f"uid {peer.uid}, pid {peer.pid}", "2026-01-31T12:00:00Z", for_ms), ""
        )

    async def resume(self, peer: Peer) -> bool:  # noqa: ARG002 - as in `Control`
        self._note("resume")
        was_paused, self.is_paused = self.is_paused, False
        return was_paused

    async def forget(self, node: str, peer: Peer) -> None:  # noqa: ARG002 - as in `Control`
        self._note(node)

    def deny(self, what: str, why: str, peer: Peer | None) -> None:  # noqa: ARG002 - as in `Control`
        self.denied.append(what)

    def work(self, election: str) -> Work:  # noqa: ARG002 - as in `Control`
        return self.running

    def drains(self, election: str) -> bool:  # noqa: ARG002 - as in `Control`
        return self.draining


@dataclass
class HandmadeSource:
    """Says what it was told to say."""

    leads: bool = True
    remaining_ms: int = 8000
    term: int = 4610
    lease_ms: int = 10_000
    names: list[str] = field(default_factory=lambda: ["default", "reports"])
    node: str = "web-1"
    reasons: list[str] = field(default_factory=list)
    turns: bool = True
    listeners: list[Listener] = field(default_factory=list)
    guards: dict[str, list[Listener]] = field(default_factory=dict)
    forbidden: str = ""
    decision: Decision | None = Decision.YOURS
    wishes: list[Wish] = field(default_factory=list)
    connected: list[Run] = field(default_factory=list)
    ended: list[Run] = field(default_factory=list)
    ledger: tuple[JobView, ...] = ()
    writes: bool = True
    past: HistoryView = field(default_factory=lambda: HistoryView((), ()))
    counted: Figures = field(default_factory=Figures)
    operator: HandmadeControl = field(default_factory=HandmadeControl)
    decides: asyncio.Event = field(default_factory=asyncio.Event)

    def about(self) -> About:
        return About("prod", self.node, self.lease_ms)

    def forbids(self, peer: Peer | None) -> str:  # noqa: ARG002 - as in `Source`
        return self.forbidden

    async def claim(self, wish: Wish) -> Tick | None:
        self.wishes.append(wish)
        await self.decides.wait()
        tick = Tick(wish, Voters((("1", "2", "3"),)), 10_000, 0)
        tick.decision, tick.term = self.decision, 4610
        return tick if self.decision else None

    def why_not_claimed(self, election: str) -> str:
        return f"nobody leads {election}"

    def run_connected(self, run: Run) -> Callable[[], None]:
        self.connected.append(run)
        return lambda: self.connected.remove(run)

    def run_ended(self, run: Run) -> asyncio.Event:
        self.ended.append(run)
        written = asyncio.Event()
        if self.writes:
            written.set()
        return written

    async def jobs(self, only: str = "") -> tuple[JobView, ...]:
        return tuple(job for job in self.ledger if only in ("", job.job))

    def elections(self) -> Collection[str]:
        return self.names

    def leadership(self, election: str) -> Leadership:
        left = self.remaining_ms if self.leads else 0
        return Leadership(
            election, self.node, self.leads, self.term, self.node if self.leads else "web-2", left
        )

    def view(self) -> AgentView:
        role = Role.HOLDER if self.leads else Role.CANDIDATE
        elections = tuple(
            ElectionView(name, role, self.node, 4610, 5, self.remaining_ms, 100, False, "", None, ())
            for name in self.names
        )
        return AgentView(
            "prod", self.node, "0.1.0", self.lease_ms, 1, 2, 1, "well", None, "", elections, (), ()
        )

    def history(self) -> HistoryView:
        return self.past

    def control(self) -> HandmadeControl:
        return self.operator

    def figures(self) -> Figures:
        return self.counted

    def unready(self) -> list[str]:
        return self.reasons

    def alive(self) -> bool:
        return self.turns

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def guard(self, election: str, listener: Listener) -> Callable[[], None]:
        guards = self.guards.setdefault(election, [])
        guards.append(listener)
        return lambda: guards.remove(listener)

    def tell_guards(self, change: Change, election: str = "default") -> None:
        """Tell all guards of an election."""
        for listener in tuple(self.guards.get(election, ())):
            listener(change)

    def publish(self, change: Change) -> None:
        """Tell all listeners."""
        for listener in tuple(self.listeners):
            listener(change)


@asynccontextmanager
async def serving(
    path: Path, source: HandmadeSource | None = None, limits: Limits | None = None
) -> AsyncIterator[HandmadeSource]:
    """A server on this event loop, and the source it answers from."""
    source = source or HandmadeSource()
    listening = bind_socket(path)
    server = Server(source, limits or Limits())
    server.serve(listening)
    try:
        yield source
    finally:
        await server.close()
        listening.close()


@contextmanager
def thread(path: Path, source: HandmadeSource | None = None) -> Iterator["Served"]:
    """A server in a thread of this process, whose source the test may change meanwhile."""
    source = source or HandmadeSource()
    ended, begun, loop = asyncio.Event(), threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        async with serving(path, source):
            begun.set()
            await ended.wait()

    server = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    server.start()
    try:
        assert begun.wait(10)
        yield Served(source, loop)
    finally:
        loop.call_soon_threadsafe(ended.set)
        server.join()
        loop.close()


@dataclass(frozen=True, slots=True)
class Served:
    """What answers in a thread: its source, and its event loop."""

    source: HandmadeSource
    loop: asyncio.AbstractEventLoop

    def tell_guards(self, change: Change) -> None:
        """Tell all guards of the election `default`."""
        self.loop.call_soon_threadsafe(self.source.tell_guards, change)

    def guards(self) -> int:
        """How many guards that election has."""
        return len(self.source.guards.get("default", ()))


@contextmanager
def process(path: Path, **settings: object) -> "Iterator[subprocess.Popen[str]]":
    """A server process that answers from a source with these settings, and is ended at the end.

    It has a session of its own, as a daemon has: the scheduler shares the processors between sessions.
    """
    command = [sys.executable, "-m", "tests.unit.api.handmade", str(path), json.dumps(settings)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=PROJECT, start_new_session=True
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "serving\n"
            yield server
        finally:
            server.kill()


async def serve_until_ended(path: Path, settings: dict[str, object]) -> None:
    """Serve until SIGTERM; a line on standard output says that it has begun."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    source = HandmadeSource(**settings)  # type: ignore[arg-type]
    async with serving(path, source):
        sys.stdout.write("serving\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve_until_ended(Path(sys.argv[1]), json.loads("".join(sys.argv[2:]) or "{}")))
