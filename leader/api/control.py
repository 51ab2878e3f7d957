"""What may an operator ask of an agent? To step down, to pause, to resume, to forget a node.

The agent's shell implements `Control`; a request that it does not grant raises `Refused`, with the sentence.
"""

from dataclasses import dataclass
from typing import Protocol

from leader.api.peers import Peer
from leader.protocol.snapshot import PauseView


@dataclass(frozen=True, slots=True)
class StepDown:
    """Hand over one election: to that node, or else to the best; with `drains`, once nothing runs here.

    `is_forced`: although nobody seems able to take it.
    """

    election: str
    to: str | None
    drains: bool
    is_forced: bool
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The leadership that is over here; `successor` is who was named, or empty."""

    election: str
    node: str
    term: int
    successor: str


@dataclass(frozen=True, slots=True)
class Paused:
    """The pause as it is now; `warning` says that nobody is left to lead, or is empty."""

    pause: PauseView
    warning: str


@dataclass(frozen=True, slots=True)
class Work:
    """What runs on this node under its leadership of one election, so that a drain waits for it.

    `guarded`: how many commands of `leader run` and blocks of programs; `jobs`: what `once` started.
    """

    election: str
    guarded: int
    jobs: tuple[str, ...]
    is_returning: bool = False
    """The agent was restarted just now, and what ran under it may still be on its way back."""

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.guarded or self.jobs or self.is_returning)

    def __str__(self) -> str:
        """It in words."""
        run = "a command or block" if self.guarded == 1 else f"{self.guarded} commands or blocks"
        parts = [f"{run} under `leader run`"] if self.guarded else []
        parts += ["what ran before the agent's restart"] if self.is_returning else []
        return " and ".join([*parts, *(f"job {job}" for job in self.jobs)]) or "nothing"


class Control(Protocol):
    """Whoever asks was let in already; `peer` is who that is, for the log."""

    async def step_down(self, order: StepDown, peer: Peer) -> HandedOver:
        """Return once this node's leadership is over; cancelled before that, it stays.

        Raises:
            Refused: everything stays as it is.
        """

    async def pause(self, reason: str, for_ms: int | None, peer: Peer) -> Paused:
        """Let this node lead nothing, until it is resumed or the time is over.

        Raises:
            Refused: that could not be written down.
        """

    async def resume(self, peer: Peer) -> bool:
        """End the pause; False if there was none.

        Raises:
            Refused: the pause could not be removed.
        """

    async def forget(self, node: str, peer: Peer) -> None:
        """Drop a node that is gone from the registry.

        Raises:
            Refused: it is alive, or unknown, or not every instance has answered.
        """

    def deny(self, what: str, why: str, peer: Peer | None) -> None:
        """Tell the log that somebody asked who may not."""

    def work(self, election: str) -> Work:
        """What a drain of this election waits for, or would."""

    def drains(self, election: str) -> bool:
        """Whether a drain goes on, so that nothing new may start here."""
