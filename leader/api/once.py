"""A block that runs once per tick in the whole cluster: its values, and the thread that stands for it.

The claim itself, and what `leader once` shares of it, is in `leader/claims.py`.
"""

import select
import socket
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from leader.claims import (
    Asking,
    Call,
    Headers,
    Presence,
    Run,
    Said,
    is_ours,
    tell_end,
)
from leader.errors import LeadershipLost, UsageError
from leader.protocol.gap import DEFAULT_GAP_MS, longest_wait_ms

MS_PER_S = 1000
DEFAULT_GAP_S = DEFAULT_GAP_MS / MS_PER_S
LONGEST_S = 2**31
LARGEST_CODE = 255
Overlap = Literal["allow", "skip"]
"""Whether a tick may start while the last run still runs, on whichever node."""


@dataclass(frozen=True, slots=True)
class ClaimedTick:
    """A tick that this call has claimed: nobody else starts it."""

    job: str
    election: str
    node: str
    term: int
    """The fencing token: that of the leadership which claimed it."""
    at: str
    """When it was called, as UTC in ISO 8601: what a command finds in `LEADER_TICK`."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a tick is asked for; `gap` and `wait` are seconds."""

    gap: float = DEFAULT_GAP_S
    wait: float | None = None
    overlap: Overlap = "allow"
    rerun_interrupted: bool = False

    def asking(self, call: Call) -> Asking:
        """How the call asks.

        Raises:
            UsageError: one of them is wrong, or they do not go together.
        """
        gap_ms = milliseconds(self.gap, "gap")
        wait_ms = None if self.wait is None else milliseconds(self.wait, "wait")
        if wait_ms is not None and wait_ms > longest_wait_ms(gap_ms):
            raise UsageError(
                f"wait {self.wait:g} is more than gap less 10 s, {longest_wait_ms(gap_ms) / MS_PER_S:g}: "
                "a late waiter could start the tick again; say a shorter one, or a longer gap"
            )
        if self.overlap not in ("allow", "skip"):
            raise UsageError(f"overlap is {self.overlap!r}: say allow or skip")
        wishes: Said = {"overlap": self.overlap, "rerun_interrupted": bool(self.rerun_interrupted)}
        return Asking(call, wishes, gap_ms, wait_ms)


def milliseconds(seconds: float, what: str) -> int:
    """So many seconds in whole milliseconds.

    Raises:
        UsageError: that is no duration.
    """
    if not 0 <= seconds <= LONGEST_S:
        raise UsageError(f"{what} is {seconds!r}: say seconds, 0 or more")
    return round(seconds * MS_PER_S)


def claimed(call: Call, answer: Headers) -> ClaimedTick | None:
    """The tick that the agent's answer gives; None if it is rightly not this call's.

    Raises:
        Undecided: nobody can tell, or nobody claimed it in time.
    """
    if not is_ours(answer):
        return None
    term, at = int(answer["leader-term"]), answer["leader-tick"]
    return ClaimedTick(call.job, call.election, answer["leader-node"], term, at)


def ending(error: BaseException | None) -> tuple[str, int]:
    """How a block has ended that raised this: the state and the exit code that the ledger shows."""
    match error:
        case None:
            return "done", 0
        case LeadershipLost():
            return "stopped", error.exit_code
        case SystemExit(code=None | 0):
            return "done", 0
        case SystemExit(code=int(code)) if 0 < code <= LARGEST_CODE:
            return "failed", code
        case _:
            return "failed", 1


class RunningBlock:
    """A block that is the run of a tick; a thread tells the agent that it goes on.

    Only a thread can come back to an agent that was restarted, while the block does its work.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._over, self._tells_over = socket.socketpair()
        self._thread = threading.Thread(target=self._stand, name="leader-once", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell how it ended; what is said of the run after its end would come too late."""
        self._tells_over.send(b"\0")
        self._thread.join()
        self._over.close()
        self._tells_over.close()
        tell_end(self._run, *ending(error))

    def _stand(self) -> None:
        presence = Presence(self._run)
        while not self._is_over(presence.tend(), presence.patience_ms):
            pass
        presence.close()

    def _is_over(self, descriptor: int, patience_ms: int) -> bool:
        """Whether the block has ended, once it has, or the agent is gone, or the patience is over."""
        poll = select.poll()
        poll.register(self._over, select.POLLIN)
        if descriptor >= 0:
            poll.register(descriptor, select.POLLIN)
        return self._over.fileno() in dict(poll.poll(patience_ms))
