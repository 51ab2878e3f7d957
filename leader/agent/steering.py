"""What an operator asks of this agent: to step down, to pause, to resume, to forget a node.

It is the `leader.api.control.Control` of the agent. Whom a step-down would name is the protocol's to say;
what runs under a leadership, and when it has ended, that of guards and jobs. Each use is logged with uid and
pid.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from leader import clock
from leader.agent.conductor import Conductor
from leader.agent.contention import Contention
from leader.agent.jobs import Jobs
from leader.agent.journal import Journal
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

Forget = Callable[[str], Awaitable[dict[str, str]]]
"""Drops a node from the registry of each instance; why not, by the names of those that did not."""


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
        self.pause_now = store.load()

    # Its life.

    def begin(self) -> None:
        """Let this node not contend, if it was paused before the agent started."""
        if self.pause_now is not None:
            self._steered.contention.forbid(Cause.PAUSED, self.pause_now.sentence)

    async def run(self) -> None:
        """End each pause when its time has come, until cancelled."""
        while True:
            self._changed.clear()
            pause = self.pause_now
            if pause is not None and pause.is_over:
                await self._end_pause("its time was over")
                continue
            left_ms = pause.left_ms if pause is not None else None
            try:
                async with asyncio.timeout(
                    None if left_ms is None else min(left_ms / MS_PER_S, LONGEST_SLEEP_S)
                ):
                    await self._changed.wait()
            except TimeoutError:
                continue

    # Stepping down.

    async def step_down(self, order: StepDown, peer: Peer) -> HandedOver:
        """Hand over, after what runs here has ended if it is to be waited for; cancelled before, it stays.

        Raises:
            Refused: everything stays as it is.
        """
        try:
            self._heir(order)
            if order.drains:
                await self._drain(order)
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
        if not order.is_forced:
            raise Refused(f"{heir.refusal}; --force steps down all the same")
        return order.to or ""

    async def _drain(self, order: StepDown) -> None:
        """Return once nothing runs here under this leadership; meanwhile nothing new begins.

        Raises:
            Refused: it took too long.
        """
        self._draining[order.election] += 1
        try:
            async with asyncio.timeout(order.timeout_ms / MS_PER_S):
                while self.work(order.election):  # noqa: ASYNC110 - guards, runs and claims end in many places
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise Refused(
                f"after {format_duration(order.timeout_ms)} there still runs {self.work(order.election)}; "
                f"{self._steered.node} goes on leading {order.election}; end it, or say a longer --timeout"
            ) from None
        finally:
            self._draining[order.election] -= 1
            self._steered.jobs.look_again()

    def work(self, election: str) -> Work:
        """What runs on this node under its leadership of an election."""
        guarded = self._steered.conductor.guards.count(election)
        return Work(election, guarded, self._steered.jobs.running(election))

    def drains(self, election: str) -> bool:
        """Whether nothing new may begin here."""
        return self._draining[election] > 0

    # Pausing.

    async def pause(self, reason: str, for_ms: int | None, peer: Peer) -> Paused:
        """Let this node lead nothing from now on; a pause that there is is replaced.

        Raises:
            Refused: it cannot be kept over a restart.
        """
        now_ms = clock.wall_ms()
        pause = Pause(reason, _who(peer), now_ms, None if for_ms is None else now_ms + for_ms)
        await self._keep(lambda: self._store.save(pause), "the pause cannot be kept")
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
        if self.pause_now is None:
            return False
        await self._end_pause("resumed", uid=peer.uid, pid=peer.pid)
        return True

    async def _end_pause(self, why: str, **by: int) -> None:
        await self._keep(self._store.remove, "the pause cannot be ended")
        self.pause_now = None
        self._changed.set()
        self._steered.contention.allow(Cause.PAUSED)
        self._steered.journal.tell("resumed", "this node is paused no more", reason=why, **by)

    async def _keep(self, write: Callable[[], None], what: str) -> None:
        try:
            await on_a_thread(write)
        except OSError as error:
            raise Refused(
                f"{what} ({error.strerror}): make the state directory writable, and try again"
            ) from error

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
            "forgotten", f"{node} is dropped from the registry", node=node, uid=peer.uid, pid=peer.pid
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
        logging.getLogger("leader").warning(
            "refused %s: %s",
            what,
            why,
            extra={
                "fields": {"uid": peer.uid if peer else "unknown", "pid": peer.pid if peer else "unknown"}
            },
        )


def _who(peer: Peer) -> str:
    return f"uid {peer.uid}, pid {peer.pid}"
