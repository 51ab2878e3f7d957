"""How a program asks this node's agent, on the standard library alone, with a deadline on every question.

Source: rule R6 of `leader/protocol/__init__.py` for what an answer is worth after a while.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from time import sleep
from typing import Any

from leader.api.answers import Sure, checked, document, path_of, sure, unreachable
from leader.api.once import DEFAULT_GAP_S, ClaimedTick, Overlap, RunningBlock, Terms, claimed
from leader.api.orders import Orders
from leader.api.patience import Patience
from leader.api.token import POLL_S, token
from leader.api.unix import UnixConnection
from leader.api.vigil import Vigil
from leader.api.watch import Leading, OnLoss, Watch
from leader.claims import Call, Run, decide
from leader.clock import now_ns
from leader.errors import AgentUnreachable, LeadershipLost, UsageError
from leader.guard import Guard
from leader.paths import client_socket
from leader.protocol.snapshot import Leadership
from leader.reach import SECOND_NS

DEFAULT_TIMEOUT_S = 1.0


class Client(Orders):
    """Asks one agent. It holds no connection between two questions, and may be shared by threads."""

    def __init__(
        self, socket_path: str | os.PathLike[str] | None = None, timeout: float = DEFAULT_TIMEOUT_S
    ) -> None:
        """Without a path, it is found as `leader is-leader` finds it; `timeout` is seconds per question.

        Raises:
            ConfigurationError: the path is longer than the kernel takes.
        """
        self.socket_path = client_socket(os.environ, os.fspath(socket_path) if socket_path else None)
        self.timeout = timeout

    def is_leader(self, election: str = "default") -> bool:
        """Whether this node leads the election now.

        Raises:
            UnknownElection: there is none of that name.
            AgentUnreachable: nobody knows; that is not a no.
        """
        return self.leadership(election).leader

    def leadership(self, election: str = "default") -> Leadership:
        """Whether this node leads, with `remaining_ms` counted down to this moment.

        Raises:
            UnknownElection: there is none of that name.
            AgentUnreachable: no answer, or one that is too old to be worth anything.
        """
        return self._sure(election, self._deadline_ns()).counted_down()

    def check(self, election: str | None = None, *, term: int | None = None, for_s: float = 0) -> Leadership:
        """The leadership, if this node still leads with that very term, and surely so for `for_s` seconds.

        Without them, election and term are those that `leader run` says in the environment. An agent that was
        restarted a moment ago is asked again, for as long as one question may take.

        Raises:
            LeadershipLost: this node leads no more, or with another term, or not for so long.
            UsageError: the program was not started under a leadership, or there is none of that name.
            AgentUnreachable: nobody knows; that is not a no.
        """
        own, deadline_ns = token(os.environ, election, term), self._deadline_ns()
        while True:
            leadership = self._sure(own.election, deadline_ns).counted_down()
            doubt = own.doubt(leadership, for_s)
            if not doubt:
                return leadership
            if not own.may_come_back(leadership) or now_ns() + int(POLL_S * SECOND_NS) >= deadline_ns:
                raise LeadershipLost(doubt)
            sleep(POLL_S)

    def status(self) -> dict[str, object]:
        """All that the agent knows.

        Raises:
            AgentUnreachable: no answer in time.
        """
        return self._ask("/v1/status", self._deadline_ns())

    def election(self, election: str = "default") -> dict[str, object]:
        """One election in detail.

        Raises:
            UnknownElection: there is none of that name.
            AgentUnreachable: no answer in time.
        """
        return self._ask(path_of(election), self._deadline_ns())

    def history(self) -> dict[str, object]:
        """Who led when and why no longer, and what befell this node: two lists, the newest first.

        Raises:
            AgentUnreachable: no answer in time.
        """
        return self._ask("/v1/history", self._deadline_ns())

    def jobs(self, job: str = "") -> list[dict[str, object]]:
        """What `once` ran: each job with its last ticks, or one of them; none of an unknown one.

        Raises:
            AgentUnreachable: no answer in time.
        """
        found = self._ask("/v1/jobs", self._deadline_ns())["jobs"]
        return [entry for entry in found if job in ("", entry["job"])]

    def work(self, election: str = "default") -> str:
        """What runs here under the leadership of an election, in words; empty if nothing does.

        Raises:
            UnknownElection: there is none of that name.
            AgentUnreachable: no answer in time.
        """
        return str(self._ask(path_of(election, "/work"), self._deadline_ns())["running"])

    def events(self) -> Iterator[dict[str, object]]:
        """A snapshot, then each change as it happens, until the agent ends the stream; it may be silent long.

        Raises:
            AgentUnreachable: there is no agent, or it is gone.
        """
        connection, response = self._open("/v1/events", self._deadline_ns())
        try:
            if response.status != HTTPStatus.OK:
                raise AgentUnreachable(
                    f"the agent does not tell its changes: {document(response.read()).get('error')}"
                )
            connection.unbound()
            for text in response:
                yield json.loads(text)
        except (OSError, HTTPException, ValueError) as error:
            raise unreachable(self.socket_path, error) from error
        finally:
            connection.close()

    def wait(
        self, election: str = "default", *, any_node: bool = False, timeout: float | None = None
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
                leadership = self._sure(election, patience.question_ns(self.timeout)).counted_down()
            except AgentUnreachable as error:
                patience.miss(error)
            else:
                patience.hear(leadership)
                if leadership.leader or (any_node and leadership.holder):
                    return leadership
            pause_s = patience.pause_s()
            if pause_s is None:
                return None
            sleep(pause_s)

    @contextmanager
    def run_while_leader(
        self,
        election: str = "default",
        *,
        timeout: float | None = None,
        grace: float | None = None,
        on_loss: OnLoss | None = None,
    ) -> Iterator[Leading]:
        """A block that works only while this node leads: wait to lead, and tell the block when it must end.

        No thread can be killed from outside, so the block has to end by itself: before the deadline, and so
        within `grace` seconds after `lost` is set and `on_loss(reason)` is called from a thread of its own.
        That happens when nobody can say any more that this node leads, `grace` before the deadline (a third
        of the lease without it), and when the agent hands over, which then waits for the block, at most
        until the deadline. An agent that restarts and resumes in time is not noticed. `timeout` is how many
        seconds to wait to lead: None for ever, 0 asks once.

        What the block raises goes on as it is. If it ends by itself although the leadership was lost, it
        may not have done all of its work, so that it raises LeadershipLost.

        Raises:
            TimeoutError: this node did not lead in time.
            LeadershipLost: it was lost before the block had ended.
            UnknownElection: there is none of that name.
            UsageError: the grace is longer than half of the lease.
            AgentUnreachable: time ran out, and no answer ever came.
        """
        guard, won = self._join(election, Patience(timeout))
        try:
            vigil = Vigil(won, guard.lease_ms, grace, now_ns())
        except UsageError:
            guard.close()
            raise
        with Watch(self._sure, self.socket_path, guard, vigil, on_loss) as watch:
            yield watch.leading

    @contextmanager
    def once(
        self,
        job: str,
        *,
        gap: float = DEFAULT_GAP_S,
        wait: float | None = None,
        election: str = "default",
        overlap: Overlap = "allow",
        rerun_interrupted: bool = False,
    ) -> Iterator[ClaimedTick | None]:
        """A block that runs once per tick in the whole cluster; it gets None where it is not to run.

        Every node calls it at the same tick, as it would `leader once`. The one that leads claims the tick
        for its block; the others get None, and so does a tick that would overlap with the last run if
        `overlap` is "skip". While nobody leads this waits: `wait` seconds, or two leases, at most `gap` less
        15 s. The claim outlives the block: it refuses a second start for `gap` seconds.

        A block that ends is written down as done, one that raises as failed, or as stopped if that is
        LeadershipLost; what it raises goes on as it is. To write it down, an agent that is away is waited
        for, at most 10 s. If the program dies, the tick is shown as interrupted, and only
        `rerun_interrupted`, which may start it twice, lets another node run it. A block runs on when its
        node loses the leadership; one that may not calls `check(tick.election, term=tick.term)` before each
        step.

        Raises:
            Undecided: nobody claimed the tick in time, or nobody can tell; it is worth another try.
            Refused: this user may not claim; the message says what to do.
            UsageError: a value is wrong; UnknownElection: there is no election of that name.
            AgentUnreachable: time ran out, and no answer ever came.
        """
        call = Call(self.socket_path, job, election)
        asking = Terms(gap, wait, overlap, rerun_interrupted).asking(call)
        tick = claimed(call, decide(asking))
        if tick is None:
            yield None
        else:
            with RunningBlock(Run(call, tick.term)):
                yield tick

    def _join(self, election: str, patience: Patience) -> tuple[Guard, Sure]:
        """Wait until this node leads and the agent knows of the work."""
        while True:
            try:
                leadership = self._sure(election, patience.question_ns(self.timeout)).counted_down()
                patience.hear(leadership)
                joined = self._guarded(election, patience) if leadership.leader else None
            except AgentUnreachable as error:
                patience.miss(error)
                joined = None
            if joined:
                return joined
            pause_s = patience.pause_s()
            if pause_s is None:
                raise patience.over(election)
            sleep(pause_s)

    def _guarded(self, election: str, patience: Patience) -> tuple[Guard, Sure] | None:
        """The guard, and the answer once it stood: a hand-over in between is then seen."""
        guard = Guard(self.socket_path, election, patience.question_ns(self.timeout))
        try:
            won = self._sure(election, patience.question_ns(self.timeout))
        except BaseException:
            guard.close()
            raise
        if won.leadership.leader:
            return guard, won
        guard.close()
        return None

    def _deadline_ns(self) -> int:
        """When a question that is asked now has taken too long."""
        return now_ns() + int(self.timeout * SECOND_NS)

    def _sure(self, election: str, deadline_ns: int) -> Sure:
        """The answer to the main question, sure for so long from the moment before it was asked."""
        asked_ns = now_ns()
        return sure(self._ask(path_of(election, "/leader"), deadline_ns), asked_ns, self.socket_path)

    def _ask(self, path: str, deadline_ns: int) -> dict[str, Any]:
        """The document at a path."""
        connection, response = self._open(path, deadline_ns)
        try:
            content = document(response.read())
        except (OSError, HTTPException, ValueError) as error:
            raise unreachable(self.socket_path, error) from error
        finally:
            connection.close()
        return checked(response.status, content, self.socket_path)

    def _open(self, path: str, deadline_ns: int) -> "tuple[UnixConnection, HTTPResponse]":
        """The head of the answer to one question; its body is still to be read."""
        connection = UnixConnection(self.socket_path, deadline_ns)
        try:
            connection.request("GET", path)
            return connection, connection.getresponse()
        except (OSError, HTTPException) as error:
            connection.close()
            raise unreachable(self.socket_path, error) from error


def is_leader(election: str = "default", *, timeout: float = DEFAULT_TIMEOUT_S) -> bool:
    """Whether this node leads the election now; the agent is found as `leader is-leader` finds it.

    Raises:
        UnknownElection: there is none of that name.
        AgentUnreachable: nobody knows; that is not a no.
    """
    return Client(timeout=timeout).is_leader(election)


def check(election: str | None = None, *, term: int | None = None, for_s: float = 0) -> Leadership:
    """The leadership, if this node still leads with the term that this program was started under.

    As `Client.check`, with the agent that `leader run` names.

    Raises:
        LeadershipLost: this node leads no more, or with another term, or not for `for_s` seconds.
        UsageError: the program was not started under a leadership, or there is none of that name.
        AgentUnreachable: nobody knows; that is not a no.
    """
    return Client().check(election, term=term, for_s=for_s)
