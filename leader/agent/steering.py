"""What an operator asks of this agent: to step down, to pause, to resume, to forget a node.

It is the `leader.api.control.Control` of the agent. Whom a step-down would name is the protocol's to say;
what runs under a leadership, and when it has ended, that of guards and jobs. Each use is logged with uid and
pid.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from leader import clock
from leader.agent.conductor import Conductor
from leader.agent.contention import Contention
from leader.agent.jobs import Jobs
from leader.agent.journal import Journal
from leader.agent.logs import log
from leader.agent.pause import Pause, PauseStore
from leader.agent.registry import Registry
from leader.agent.threads import on_a_thread
from leader.api.control import HandedOver, Paused, StepDown, Work
from leader.api.peers import Peer
from leader.durations import format_duration
from leader.errors import Refused
from leader.protocol import ranking
from leader.protocol.events import Cause, Instant, StepDownAsked

LOOK_S = 0.05
"""How often a drain looks whether the jobs have ended."""

LONGEST_SLEEP_S = 60.0
"""So often at least a pause looks at the wall clock, which may have been set."""

MS_PER_S = 1000

Done = TypeVar("Done")

Forget = Callable[[str], Awaitable[dict[str, str]]]
"""Drops a node from the registry of each instance; why not, by the names of those that did not."""

Announce = Callable[[Mapping[str, str]], Awaitable[None]]
"""Lets those who are to follow prepare for it, by election."""


@dataclass(frozen=True, slots=True)
class Steered:
    """The parts of the agent that are steered; nodes that were seen within `lease_ns` are alive."""

    node: str
    conductor: Conductor
    contention: Contention
    jobs: Jobs
    registry: Registry
    journal: Journal
    forget: Forget
    lease_ns: int
    announce: Announce


class Steering:
    """Carries out what operators ask of one agent."""

    def __init__(self, steered: Steered, store: PauseStore) -> None:
        """Takes up the pause that is kept.

        Raises:
            ConfigurationError: it cannot be read.
        """
        self._steered = steered
        self._store = store
        self._draining: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self._leaves = asyncio.Event()
        self._why_it_leaves = ""
        self._turn = asyncio.Lock()
        """One change of the pause after the other: file and memory say the same."""
        self._working: set[asyncio.Task[Any]] = set()
        self.pause_now = store.load()

    # Its life.

    def begin(self) -> None:
        """Let this node not contend, if it was paused before the agent started."""
        if self.pause_now is not None and not self.pause_now.is_over:
            self._steered.contention.forbid(Cause.PAUSED, self.pause_now.sentence)

    async def run(self) -> None:
        """End each pause when its time has come, until cancelled."""
        while True:
            self._changed.clear()
            pause = self.pause_now
            if pause is not None and pause.is_over:
                await self._time_is_over(pause)
                continue
            left_ms = pause.left_ms if pause is not None else None
            sleep_s = None if left_ms is None else min(left_ms / MS_PER_S, LONGEST_SLEEP_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(sleep_s):
                    await self._changed.wait()

    def leave(self, why: str) -> None:
        """Wait for no jobs any more, because the agent goes."""
        self._why_it_leaves = why
        self._leaves.set()

    async def _time_is_over(self, pause: Pause) -> None:
        """End this pause, if no other has come since; a file that cannot be removed does no harm any more."""
        async with self._turn:
            if self.pause_now is not pause:
                return
            try:
                await on_a_thread(self._store.remove)
            except OSError as error:
                log.warning("%s, which is over: it has no effect any more", _not_kept("ended", error))
            self._contend("its time was over")

    # Stepping down.

    async def step_down(self, order: StepDown, peer: Peer) -> HandedOver:
        """Hand over, after what runs here has ended if it is to be waited for; cancelled before, it stays.

        Raises:
            Refused: everything stays as it is.
        """
        try:
            heir = self._heir(order)
            if order.drains:
                await self._drain(order, peer)
            elif heir:
                await self._steered.announce({order.election: heir})
            successor = self._heir(order)
        except Refused as error:
            self.deny(f"to step down from {order.election}", str(error), peer)
            raise
        elector = self._steered.conductor.electors[order.election]
        tenure = elector.tenure
        assert tenure is not None
        self._steered.journal.tell(
            "step-down",
            "this node was asked to step down",
            election=order.election,
            to=successor,
            uid=peer.uid,
            pid=peer.pid,
        )
        self._steered.conductor.feed(
            order.election, StepDownAsked(f"{_who(peer)} asked this node to step down", successor or None)
        )
        await self._steered.conductor.over(order.election, tenure.holder)
        return HandedOver(order.election, self._steered.node, tenure.holder.term, successor)

    def _heir(self, order: StepDown) -> str:
        """Whom to name; nobody, if that is forced.

        Raises:
            Refused: this node does not lead, or nobody could follow.
        """
        elector = self._steered.conductor.electors[order.election]
        now = clock.now_ns()
        heir = elector.heir(order.to, now)
        if heir.node:
            return heir.node
        if not elector.leads(now):
            holder = elector.electorate.standing_holder(now)
            where = f"; run this on {holder.node}" if holder and holder.node != self._steered.node else ""
            raise Refused(f"{heir.refusal}{where}")
        others = {candidate.node for candidate in elector.electorate.candidates}
        if order.to is not None and order.to not in others:
            raise Refused(heir.refusal)
        if not order.is_forced:
            raise Refused(f"{heir.refusal}; --force steps down all the same")
        return order.to or ""

    async def _drain(self, order: StepDown, peer: Peer) -> None:
        """Return once nothing runs here under this leadership; meanwhile nothing new begins.

        Raises:
            Refused: it took too long, or the agent goes.
        """
        fields = {"fields": {"election": order.election, "uid": peer.uid, "pid": peer.pid}}
        self._draining[order.election] += 1
        try:
            await self._steered.jobs.look()  # runs that the process before this one knew
            log.info("drains: nothing new begins here, until what runs has ended", extra=fields)
            async with asyncio.timeout(order.timeout_ms / MS_PER_S):
                while self.work(order.election):
                    await self._pass_time(order)
        except asyncio.CancelledError:
            log.warning("the drain is given up: whoever asked for it is gone", extra=fields)
            raise
        except TimeoutError:
            raise Refused(
                f"after {format_duration(order.timeout_ms)} there still runs {self.work(order.election)}; "
                f"{self._steered.node} goes on leading {order.election}; end it, or say a longer --timeout"
            ) from None
        finally:
            self._draining[order.election] -= 1
            self._steered.jobs.look_again()

    async def _pass_time(self, order: StepDown) -> None:
        """Return after a moment: guards, runs and claims end in many places.

        Raises:
            Refused: the agent goes.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._leaves.wait()
                raise Refused(
                    f"the agent of {self._steered.node} {self._why_it_leaves}, and waits for no jobs of "
                    f"{order.election} any more: see `leader status` who leads, and ask again if need be"
                )

    def work(self, election: str) -> Work:
        """What runs on this node under its leadership of an election."""
        guards = self._steered.conductor.guards
        count = guards.count(election)
        is_returning = count == 0 and not guards.are_gone(election)
        return Work(election, count, self._steered.jobs.running(election), is_returning)

    def drains(self, election: str) -> bool:
        """Whether nothing new may begin here."""
        return self._draining[election] > 0

    # Pausing.

    async def pause(self, reason: str, for_ms: int | None, peer: Peer) -> Paused:
        """Let this node lead nothing from now on; a pause that there is is replaced.

        Raises:
            Refused: it cannot be kept over a restart.
        """
        return await self._carried_through(self._pause(reason, for_ms, peer))

    async def _pause(self, reason: str, for_ms: int | None, peer: Peer) -> Paused:
        now_ms = clock.wall_ms()
        pause = Pause(reason, _who(peer), now_ms, None if for_ms is None else now_ms + for_ms)
        async with self._turn:
            try:
                await on_a_thread(lambda: self._store.save(pause))
            except OSError as error:
                raise Refused(_not_kept("kept", error)) from error
            self.pause_now = pause
            self._changed.set()
            self._steered.journal.tell(
                "paused",
                "this node is paused" + (f" for {format_duration(for_ms)}" if for_ms else ""),
                level=logging.WARNING,
                reason=reason,
                uid=peer.uid,
                pid=peer.pid,
            )
            warning = self._nobody_else()
            self._steered.contention.forbid(Cause.PAUSED, pause.sentence)
        return Paused(pause.view(), warning)

    async def resume(self, peer: Peer) -> bool:
        """End the pause; False if there was none.

        Raises:
            Refused: it cannot be removed, and goes on.
        """
        return await self._carried_through(self._resume(peer))

    async def _resume(self, peer: Peer) -> bool:
        async with self._turn:
            if self.pause_now is None:
                return False
            try:
                await on_a_thread(self._store.remove)
            except OSError as error:
                raise Refused(_not_kept("ended", error)) from error
            self._contend("resumed", uid=peer.uid, pid=peer.pid)
            return True

    async def _carried_through(self, work: Coroutine[Any, Any, Done]) -> Done:
        """What this work comes to; whoever asked for it may go away, and it is done all the same."""
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return await asyncio.shield(task)

    def _contend(self, why: str, **by: int) -> None:
        """Let this node contend again."""
        self.pause_now = None
        self._changed.set()
        self._steered.contention.allow(Cause.PAUSED)
        self._steered.journal.tell("resumed", "this node is paused no more", reason=why, **by)

    def _nobody_else(self) -> str:
        """A warning, if without this node some election has no candidate."""
        now = clock.now_ns()
        left = [
            election
            for election, elector in self._steered.conductor.electors.items()
            if elector.identity.priority > 0
            and not ranking.live(elector.electorate.candidates, now, self._steered.lease_ns)
        ]
        return f"no other node is able to lead {', '.join(left)}: nobody will" if left else ""

    # Forgetting.

    async def forget(self, node: str, peer: Peer) -> None:
        """Drop a node that is gone from the registry.

        Raises:
            Refused: it is alive or unknown, or not every instance has dropped it.
        """
        nodes = self._steered.registry.nodes()
        try:
            self._check_gone(node, nodes, clock.now_ns())
            self._check_dropped(node, await self._steered.forget(node))
        except Refused as error:
            self.deny(f"to forget {node}", str(error), peer)
            raise
        self._steered.registry.drop(node)
        self._steered.journal.tell(
            "forgotten", f"{node} is dropped from the registry", dropped=node, uid=peer.uid, pid=peer.pid
        )

    def _check_gone(self, node: str, nodes: Mapping[str, tuple[Instant, object]], now: Instant) -> None:
        if node not in nodes:
            raise Refused(f"no node is called {node}: there is {', '.join(sorted(nodes)) or 'none'}")
        unseen_ns = now - nodes[node][0]
        if unseen_ns < self._steered.lease_ns or node == self._steered.node:
            raise Refused(f"{node} is alive, and would register again at once: stop its agent first")

    @staticmethod
    def _check_dropped(node: str, failures: Mapping[str, str]) -> None:
        if failures:
            why = "; ".join(failures.values())
            raise Refused(f"{node} is not dropped everywhere, so try again later: {why}")

    def deny(self, what: str, why: str, peer: Peer | None) -> None:
        """Tell the log that somebody asked in vain."""
        log.warning(
            "refused %s: %s",
            what,
            why,
            extra={
                "fields": {"uid": peer.uid if peer else "unknown", "pid": peer.pid if peer else "unknown"}
            },
        )


def _not_kept(what: str, error: OSError) -> str:
    return f"the pause cannot be {what} ({error.strerror}): make the state directory writable, and try again"


def _who(peer: Peer) -> str:
    return f"uid {peer.uid}, pid {peer.pid}"
