"""How long may a command run, and how is that found out?

Asked by the watcher; when and how a command is ended is the watcher's own business.
"""

from enum import Enum, auto

from leader.clock import now_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from leader.guard import Guard

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
NEVER_NS = 2**63
TOO_LONG = "it ran for longer than it may"
ALLOWANCE_GRACE_NS = 10 * NS_PER_S
"""Between SIGTERM and SIGKILL for a command that ran for too long, where no deadline says less."""


class Answer(Enum):
    """Whether this node leads."""

    LEADS = auto()
    LEADS_NOT = auto()
    UNKNOWN = auto()
    OVER = auto()
    """It leads, or led, with another term than the one that a job was started with."""


class Limit:
    """As long as it was allowed to: for so many milliseconds from now, or, with None, for ever.

    SIGTERM is sent `grace_ns` before `sure_until_ns`, SIGKILL `margin_ns` before.
    """

    guard: "Guard | None" = None
    poll_ns = 3600 * NS_PER_S
    grace_ns = ALLOWANCE_GRACE_NS
    margin_ns = 0
    keeps_leftovers = True
    """Whether what the command leaves running when it ends by itself is left alone."""

    def __init__(self, most_ms: int | None) -> None:
        self.most_ns = NEVER_NS if most_ms is None else now_ns() + most_ms * NS_PER_MS

    @property
    def sure_until_ns(self) -> int:
        """The moment at which nothing of the command may live any more, as far as is known now."""
        return self.most_ns if self.most_ns == NEVER_NS else self.most_ns + self.grace_ns

    @property
    def over(self) -> str:
        """Why the command is stopped when that moment comes near."""
        return TOO_LONG

    def ask(self, deadline_ns: int) -> Answer:  # noqa: ARG002 - for a leadership it means something
        """Whether it may go on, asked now; a later `sure_until_ns` may follow."""
        return Answer.LEADS

    def rejoin(self, deadline_ns: int) -> "Guard | None":  # noqa: ARG002 - likewise
        """Have a guard again, if there is to be one; None if there is none."""
        return None
