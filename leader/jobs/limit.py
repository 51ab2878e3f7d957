"""How long may a command run, and how is that found out? Under a leadership, or as long as it was allowed to.

Asked by the watcher; when and how a command is ended is the watcher's own business.
"""

from typing import Protocol

from leader.clock import now_ns
from leader.errors import AgentUnreachable, UnknownElection
from leader.jobs.lease import Answer, Guard, Lease

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
NEVER_NS = 2**63
SHORTEST_MARGIN_NS = 50 * NS_PER_MS
TOO_LONG = "it ran for longer than it may"
ALLOWANCE_GRACE_NS = 10 * NS_PER_S
"""Between SIGTERM and SIGKILL for a command that ran for too long, where no deadline says less."""


class Limit(Protocol):
    """What the watcher of a command needs to know.

    `sure_until_ns` is the moment at which nothing of it may live any more, as far as is known now; SIGTERM is
    sent `grace_ns` before, SIGKILL `margin_ns` before. `over` says in words what it means when it has come.
    """

    guard: Guard | None
    poll_ns: int
    grace_ns: int
    margin_ns: int
    keeps_leftovers: bool
    """Whether what the command leaves running when it ends by itself is left alone."""

    @property
    def sure_until_ns(self) -> int:
        """The moment at which nothing of the command may live any more."""

    @property
    def over(self) -> str:
        """Why the command is stopped when that moment comes near."""

    def ask(self, deadline_ns: int) -> Answer:
        """Whether it may go on, asked now; a later `sure_until_ns` may follow."""

    def rejoin(self, deadline_ns: int) -> bool:
        """Have a guard again, if there is to be one; whether it is there."""


class Leadership:
    """As long as this node leads with this term, and at most until `most_ns`."""

    keeps_leftovers = False

    def __init__(self, lease: Lease, guard: Guard, grace_ms: int | None, most_ns: int = NEVER_NS) -> None:
        """`grace_ms`: how long before the deadline SIGTERM is sent; a third of the lease without it."""
        lease_ns = guard.lease_ms * NS_PER_MS
        lease.bind()
        self.guard: Guard | None = guard
        self.poll_ns = lease_ns // 10
        self.margin_ns = max(lease_ns // 40, SHORTEST_MARGIN_NS)
        self.grace_ns = lease_ns // 3 if grace_ms is None else grace_ms * NS_PER_MS
        self._lease = lease
        self._most_ns = most_ns if most_ns == NEVER_NS else most_ns + self.grace_ns

    @property
    def sure_until_ns(self) -> int:
        """When the lease is not sure any more, or time is up."""
        return min(self._lease.sure_until_ns, self._most_ns)

    @property
    def over(self) -> str:
        """Which of the two it is."""
        if self._most_ns <= self._lease.sure_until_ns:
            return TOO_LONG
        return "nobody could say any more that this node leads"

    def ask(self, deadline_ns: int) -> Answer:
        """Whether this node still leads with that term."""
        try:
            return self._lease.ask(deadline_ns)
        except UnknownElection:
            return Answer.LEADS_NOT

    def rejoin(self, deadline_ns: int) -> bool:
        """Let the agent know of the command again, after it was restarted."""
        try:
            self.guard = Guard(self._lease.path, self._lease.election, deadline_ns)
        except AgentUnreachable:
            return False
        return True


class Allowance:
    """Whoever leads: for so many milliseconds from now, or, with None, for ever."""

    guard: Guard | None = None
    poll_ns = 3600 * NS_PER_S
    over = TOO_LONG
    keeps_leftovers = True

    def __init__(self, most_ms: int | None) -> None:
        self.grace_ns = ALLOWANCE_GRACE_NS
        self.margin_ns = 0
        self._sure_until_ns = NEVER_NS if most_ms is None else now_ns() + most_ms * NS_PER_MS + self.grace_ns

    @property
    def sure_until_ns(self) -> int:
        """When time is up, and the grace after it."""
        return self._sure_until_ns

    def ask(self, deadline_ns: int) -> Answer:  # noqa: ARG002 - as in `Limit`
        """It may go on."""
        return Answer.LEADS

    def rejoin(self, deadline_ns: int) -> bool:  # noqa: ARG002 - as in `Limit`
        """There is no guard."""
        return False
