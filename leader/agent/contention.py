"""What forbids this node to contend: several things may at once, and the elections are told of one.

The node is paused, unfit, without the watchdog that it needs, or its agent stops; it contends again when
none of these is left.
"""

from collections.abc import Callable, Mapping

from leader.protocol.events import Cause, ContentionChanged

ORDER = (Cause.RELEASED, Cause.PAUSED, Cause.UNFIT, Cause.UNGUARDED)
"""Which of several is told: the one that lasts longest."""

BEFORE = {Cause.RELEASED: "", Cause.PAUSED: "paused ", Cause.UNFIT: "unfit: ", Cause.UNGUARDED: "unfit: "}
"""What stands before a reason where it is told alone."""


class Contention:
    """Whether this node contends, and why it does not."""

    def __init__(self, feed: Callable[[ContentionChanged], None]) -> None:
        """`feed` tells all elections."""
        self._feed = feed
        self._reasons: dict[Cause, str] = {}

    @property
    def reasons(self) -> Mapping[Cause, str]:
        """All that forbids it now, with the reason of each."""
        return self._reasons

    @property
    def unfit(self) -> str:
        """Why this node is unfit to lead, or nothing."""
        return self._reasons.get(Cause.UNFIT, self._reasons.get(Cause.UNGUARDED, ""))

    def forbid(self, cause: Cause, reason: str) -> None:
        """Let this node contend no more, and hand over what it leads."""
        if self._reasons.get(cause) != reason:
            self._reasons[cause] = reason
            self._tell()

    def allow(self, cause: Cause) -> None:
        """Take back what `forbid` said of this cause."""
        if self._reasons.pop(cause, None) is not None:
            self._tell()

    def _tell(self) -> None:
        for cause in ORDER:
            if cause in self._reasons:
                reason = BEFORE[cause] + self._reasons[cause]
                self._feed(ContentionChanged(allowed=False, reason=reason, cause=cause))
                return
        self._feed(ContentionChanged(allowed=True, reason=""))
