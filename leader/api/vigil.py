"""May work go on under one leadership, and until when? Decides for both watches; time is passed in.

The same judgement as that of `leader run`, but that nobody can be killed here: who works is told.
"""

from leader.api.answers import Sure, is_no
from leader.clock import now_ns
from leader.durations import format_duration
from leader.errors import UsageError

MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
SHORTEST_PATIENCE_NS = 50 * MILLISECOND_NS
FAILED = "watching it failed"


class Vigil:
    """What is known of one leadership from its beginning to its loss."""

    def __init__(self, won: Sure, lease_ms: int, grace_s: float | None, now: int) -> None:
        """`grace_s`: how long before the deadline it counts as lost; a third of the lease without it.

        Raises:
            UsageError: the grace leaves no room for a renewal that is late.
        """
        lease_ns = lease_ms * MILLISECOND_NS
        if grace_s is not None and not 0 <= grace_s <= lease_ms / 2000:
            raise UsageError(
                f"a grace of {grace_s:g} s is not between nothing and half of the lease, "
                f"{format_duration(lease_ms)}: "
                "say a shorter one, or raise quorum.lease"
            )
        self.election, self.node = won.leadership.election, won.leadership.node
        self.term = won.leadership.term
        self.until_ns = won.until_ns
        self.lost = ""
        """Why it is lost, or empty."""
        self._grace_ns = lease_ns // 3 if grace_s is None else int(grace_s * SECOND_NS)
        self._pause_ns = lease_ns // 10
        self._ask_at_ns = now + self._pause_ns

    @property
    def _ends_ns(self) -> int:
        return self.until_ns - self._grace_ns

    @property
    def wakes_at_ns(self) -> int:
        """When the agent is to be asked next."""
        return min(self._ask_at_ns, self._ends_ns)

    def question_ns(self, now: int) -> int:
        """Until when a question may take that is asked now: not past the grace, but for a last one."""
        self._ask_at_ns = now + self._pause_ns
        return now + min(self._pause_ns, max(self._ends_ns - now, SHORTEST_PATIENCE_NS))

    def hear(self, answer: Sure | None, now: int, *, guarded: bool) -> None:
        """Judge the answer, None if there was none.

        While the agent knows of the work, a no is no reason to stop: an agent that was restarted says so
        until it has resumed, and one that hands over says it in words, and waits.
        """
        if answer is not None and answer.leadership.leader:
            if answer.leadership.term != self.term:
                self.lose(f"this node leads with term {answer.leadership.term} now")
                return
            self.until_ns = max(self.until_ns, answer.until_ns)
        elif is_no(answer) and not guarded:
            self.lose("this node leads no more")
        if now >= self._ends_ns:
            self.lose("nobody could say any more that this node leads")

    def hear_end(self) -> None:
        """The agent says that work must end."""
        self.lose("this node hands its leadership over")

    def unguarded(self, now: int, *, at_once: bool) -> None:
        """The agent does not know of the work: look again, at once or soon."""
        self._ask_at_ns = now if at_once else now + self._pause_ns // 10

    def confirms(self, answer: Sure) -> bool:
        """Whether an answer says that this leadership goes on."""
        leadership = answer.leadership
        return leadership.leader and leadership.term == self.term and answer.until_ns > now_ns()

    def lose(self, why: str) -> None:
        """It is lost; only the first reason counts."""
        self.lost = self.lost or why


class Known:
    """One leadership under which this program works."""

    def __init__(self, vigil: Vigil) -> None:
        self._vigil = vigil
        self.election, self.node = vigil.election, vigil.node
        self.term = vigil.term
        """The number of this leadership: the fencing token for what is written under it."""

    @property
    def deadline(self) -> float:
        """Until when it is sure, in seconds of the clock that goes on in suspend: Linux's `CLOCK_BOOTTIME`.

        It moves on while the agent renews the lease. After it another node may lead.
        """
        return self._vigil.until_ns / SECOND_NS

    def remaining(self) -> float:
        """The seconds until the deadline; 0 when it has passed."""
        return max(0, self._vigil.until_ns - now_ns()) / SECOND_NS

    @property
    def reason(self) -> str:
        """Why it was lost, in words; empty while it was not."""
        return self._vigil.lost
