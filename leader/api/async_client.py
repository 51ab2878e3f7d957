"""How a coroutine asks this node's agent: the twin of `client.py` on asyncio, where waiting makes sense."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from leader.api.answers import Sure, checked, document, path_of, sure, unreachable
from leader.api.async_once import AsyncRunningBlock, decide
from leader.api.async_orders import AsyncOrders
from leader.api.async_reach import AsyncGuard, fetch
from leader.api.async_watch import AsyncLeading, AsyncWatch
from leader.api.client import DEFAULT_TIMEOUT_S
from leader.api.once import DEFAULT_GAP_S, ClaimedTick, Overlap, Terms, claimed
from leader.api.patience import Patience
from leader.api.token import POLL_S, token
from leader.api.vigil import Vigil
from leader.claims import Call, Run
from leader.clock import now_ns
from leader.errors import AgentUnreachable, LeadershipLost, UsageError
from leader.paths import client_socket
from leader.protocol.snapshot import Leadership
from leader.reach import SECOND_NS


class AsyncClient(AsyncOrders):
    """Asks one agent. It holds no connection between two questions, and may be shared by tasks."""

    def __init__(
        self, socket_path: str | os.PathLike[str] | None = None, timeout: float = DEFAULT_TIMEOUT_S
    ) -> None:
        """Without a path, it is found as `leader is-leader` finds it; `timeout` is seconds per question.

        Raises:
            ConfigurationError: the path is longer than the kernel takes.
        """
        self.socket_path = client_socket(os.environ, os.fspath(socket_path) if socket_path else None)
        self.timeout = timeout

    async def is_leader(self, election: str = "default") -> bool:
        """Whether this node leads the election now.

        Raises:
            UnknownElection: there is none of that name.
            AgentUnreachable: nobody knows; that is not a no.
        """
        return (await self.leadership(election)).leader

    async def leadership(self, election: str = "default") -> Leadership:
        """Whether this node leads, with `remaining_ms` counted down to this moment.

        Raises:
            UnknownElection: there is none of that name.
            AgentUnreachable: no answer, or one that is too old to be worth anything.
        """
        return (await self._sure(election, self._deadline_ns())).counted_down()

    async def check(
        self, election: str | None = None, *, term: int | None = None, for_s: float = 0
    ) -> Leadership:
        """The leadership, if this node still leads with that very term, and surely so for `for_s` seconds.

        As `Client.check`.

        Raises:
            LeadershipLost: this node leads no more, or with another term, or not for so long.
            UsageError: the program was not started under a leadership, or there is none of that name.
            AgentUnreachable: nobody knows; that is not a no.
        """
        own, deadline_ns = token(os.environ, election, term), self._deadline_ns()
        while True:
            leadership = (await self._sure(own.election, deadline_ns)).counted_down()
            doubt = own.doubt(leadership, for_s)
            if not doubt:
                return leadership
            if not own.may_come_back(leadership) or now_ns() + int(POLL_S * SECOND_NS) >= deadline_ns:
                raise LeadershipLost(doubt)
            await asyncio.sleep(POLL_S)

    async def wait(
        self,
        election: str = "default",
        *,
        any_node: bool = False,
        timeout: float | None = None,  # noqa: ASYNC109 - its end is an answer and no error
    ) -> Leadership | None:
        """The leadership, once this node leads (`any_node`: once some node does); None if time ran out first.

        `timeout` is seconds: None for ever, 0 asks once. While the agent is down it goes on trying.

        Raises:
            UnknownElection: there is none of that name.
            AgentUnreachable: time ran out, and no answer ever came.
        """
        patience = Patience(timeout)
        while True:
            try:
                answer = await self._sure(election, patience.question_ns(self.timeout))
                leadership = answer.counted_down()
            except AgentUnreachable as error:
                patience.miss(error)
            else:
                patience.hear(leadership)
                if leadership.leader or (any_node and leadership.holder):
                    return leadership
            pause_s = patience.pause_s()
            if pause_s is None:
                return None
            await asyncio.sleep(pause_s)

    @asynccontextmanager
    async def run_while_leader(
        self,
        election: str = "default",
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it is for the waiting, and not for the block
        grace: float | None = None,
    ) -> AsyncIterator[AsyncLeading]:
        """A block that works only while this node leads: wait to lead, and cancel the block when it must end.

        The block's task is cancelled when nobody can say any more that this node leads, `grace` seconds
        before the deadline (a third of the lease without it), and when the agent hands over, which then
        waits for the block, at most until the deadline. At the end of the block the cancellation becomes
        LeadershipLost, as that of `asyncio.timeout` becomes TimeoutError. What the block does at its
        cancellation has to be done before the deadline; tasks that it started and does not wait for go on.
        An agent that restarts and resumes in time is not noticed. `timeout` is how many seconds to wait to
        lead: None for ever, 0 asks once.

        Raises:
            TimeoutError: this node did not lead in time.
            LeadershipLost: it was lost before the block had ended.
            UnknownElection: there is none of that name.
            UsageError: the grace is longer than half of the lease.
            AgentUnreachable: time ran out, and no answer ever came.
        """
        guard, won = await self._join(election, Patience(timeout))
        try:
            vigil = Vigil(won, guard.lease_ms, grace, now_ns())
        except UsageError:
            guard.close()
            raise
        async with AsyncWatch(self._sure, self.socket_path, guard, vigil) as watch:
            yield watch.leading

    @asynccontextmanager
    async def once(
        self,
        job: str,
        *,
        gap: float = DEFAULT_GAP_S,
        wait: float | None = None,
        election: str = "default",
        overlap: Overlap = "allow",
        rerun_interrupted: bool = False,
    ) -> AsyncIterator[ClaimedTick | None]:
        """A block that runs once per tick in the whole cluster; it gets None where it is not to run.

        As `Client.once`; a block that is cancelled is written down as failed.

        Raises:
            Undecided: nobody claimed the tick in time, or nobody can tell; it is worth another try.
            Refused: this user may not claim; the message says what to do.
            UsageError: a value is wrong; UnknownElection: there is no election of that name.
            AgentUnreachable: time ran out, and no answer ever came.
        """
        call = Call(self.socket_path, job, election)
        asking = Terms(gap, wait, overlap, rerun_interrupted).asking(call)
        tick = claimed(call, await decide(asking))
        if tick is None:
            yield None
        else:
            async with AsyncRunningBlock(Run(call, tick.term)):
                yield tick

    async def _join(self, election: str, patience: Patience) -> tuple[AsyncGuard, Sure]:
        """Wait until this node leads and the agent knows of the work."""
        while True:
            try:
                answer = await self._sure(election, patience.question_ns(self.timeout))
                patience.hear(answer.counted_down())
                joined = await self._guarded(election, patience) if answer.leadership.leader else None
            except AgentUnreachable as error:
                patience.miss(error)
                joined = None
            if joined:
                return joined
            pause_s = patience.pause_s()
            if pause_s is None:
                raise patience.over(election)
            await asyncio.sleep(pause_s)

    async def _guarded(self, election: str, patience: Patience) -> tuple[AsyncGuard, Sure] | None:
        """The guard, and the answer once it stood: a hand-over in between is then seen."""
        deadline_ns = patience.question_ns(self.timeout)
        guard = await AsyncGuard.join(self.socket_path, election, deadline_ns)
        try:
            won = await self._sure(election, patience.question_ns(self.timeout))
        except BaseException:
            guard.close()
            raise
        if won.leadership.leader:
            return guard, won
        guard.close()
        return None

    async def _sure(self, election: str, deadline_ns: int) -> Sure:
        """The answer to the main question, sure for so long from the moment before it was asked."""
        asked_ns = now_ns()
        status, body = await fetch(self.socket_path, path_of(election, "/leader"), deadline_ns)
        try:
            content = document(body)
        except ValueError as error:
            raise unreachable(self.socket_path, error) from error
        return sure(checked(status, content, self.socket_path), asked_ns, self.socket_path)

    def _deadline_ns(self) -> int:
        """When a question that is asked now has taken too long."""
        return now_ns() + int(self.timeout * SECOND_NS)
