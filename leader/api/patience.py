"""How long does a wait go on, and what is said at its end?"""

from leader.clock import now_ns
from leader.errors import AgentUnreachable
from leader.protocol.snapshot import Leadership
from leader.reach import SECOND_NS

POLL_S = 0.1
NEVER_NS = 2**63


class Patience:
    """One wait: until when, and what was heard meanwhile."""

    def __init__(self, timeout: float | None) -> None:
        """`timeout` is seconds; None goes on for ever, and with 0 there is one question."""
        self._timeout = timeout
        self._asks_once = timeout is not None and timeout <= 0
        self._until_ns = NEVER_NS if timeout is None else now_ns() + int(timeout * SECOND_NS)
        self._last: Leadership | None = None
        self._silence: AgentUnreachable | None = None

    def question_ns(self, question_s: float) -> int:
        """Until when a question may take that is asked now."""
        until_ns = now_ns() + int(question_s * SECOND_NS)
        return until_ns if self._asks_once else min(until_ns, self._until_ns)

    def hear(self, leadership: Leadership) -> None:
        """There was an answer."""
        self._last = leadership

    def miss(self, error: AgentUnreachable) -> None:
        """There was none; the one that is cut off by the end only ever says "in time"."""
        if self._silence is None or now_ns() < self._until_ns:
            self._silence = error

    def pause_s(self) -> float | None:
        """How long to do nothing before the next question, in seconds; None when the time is over.

        Raises:
            AgentUnreachable: it is over, and no answer ever came.
        """
        left_s = (self._until_ns - now_ns()) / SECOND_NS
        if left_s > 0:
            return min(POLL_S, left_s)
        if self._last is None and self._silence is not None:
            raise self._silence
        return None

    def over(self, election: str) -> TimeoutError:
        """The error that says who led instead, or why this node could not be relied on."""
        if self._last is None or self._last.leader:
            reason = str(self._silence or "its leadership ended meanwhile")
        else:
            reason = f"{self._last.holder or 'nobody'} leads it"
        return TimeoutError(f"this node did not lead {election} within {self._timeout:g} s: {reason}")
