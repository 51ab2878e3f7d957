"""A command's limit under a leadership: what the agent says of the lease, and a guard that hears its end."""

from leader.errors import AgentUnreachable, UnknownElection
from leader.guard import Guard
from leader.jobs.lease import Lease
from leader.jobs.limit import NS_PER_MS, TOO_LONG, Answer, Limit

SHORTEST_MARGIN_NS = 50 * NS_PER_MS


class Leadership(Limit):
    """As long as this node leads with this term, and no longer than it was allowed to."""

    keeps_leftovers = False

    def __init__(
        self, lease: Lease, guard: Guard, grace_ms: int | None = None, most_ms: int | None = None
    ) -> None:
        """`grace_ms`: how long before the deadline SIGTERM is sent; a third of the lease without it."""
        super().__init__(most_ms)
        lease_ns = guard.lease_ms * NS_PER_MS
        lease.bind()
        self.guard = guard
        self.poll_ns = lease_ns // 10
        self.margin_ns = max(lease_ns // 40, SHORTEST_MARGIN_NS)
        self.grace_ns = lease_ns // 3 if grace_ms is None else grace_ms * NS_PER_MS
        self._lease = lease

    @property
    def sure_until_ns(self) -> int:
        """When the lease is not sure any more, or time is up."""
        return min(self._lease.sure_until_ns, super().sure_until_ns)

    @property
    def over(self) -> str:
        """Which of the two it is."""
        if super().sure_until_ns <= self._lease.sure_until_ns:
            return TOO_LONG
        return "nobody could say any more that this node leads"

    def ask(self, deadline_ns: int) -> Answer:
        """Whether this node still leads with that term."""
        try:
            return self._lease.ask(deadline_ns)
        except UnknownElection:
            return Answer.LEADS_NOT

    def rejoin(self, deadline_ns: int) -> Guard | None:
        """Let the agent know of the command again, after it was restarted."""
        try:
            self.guard = Guard(self._lease.path, self._lease.election, deadline_ns)
        except AgentUnreachable:
            return None
        return self.guard
