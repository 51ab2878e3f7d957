"""What forbids this node to contend: several things may at once, and the elections are told of one.

The node is paused, unfit, or its agent stops; it contends again when none of these is left.
"""

from collections.abc import Callable, Mapping

from leader.protocol.events import Cause, ContentionChanged

ORDER = (Cause.RELEASED, Cause.PAUSED, Cause.UNFIT)
"""Which of several is told: the one that lasts longest."""


class Contention:
    """Whether this node contends, and why it does not."""

    def __init__(self, feed: Callable[[ContentionChanged], None]) -> None:
        """`feed` tells all elections."""
        self._feed = feed
        self._reasons: dict[Cause, str] = {}

    @property
    def reasons(self) -> Mapping[Cause, str]:
        """All that forbids it now, a sentence each."""
        return self._reasons

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
                self._feed(ContentionChanged(allowed=False, reason=self._reasons[cause], cause=cause))
                return
        self._feed(ContentionChanged(allowed=True, reason=""))
