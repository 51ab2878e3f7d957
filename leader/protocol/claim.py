"""When is a tick won? One claim of it, and what the instances have answered.

Not a majority but no instance at all may know of another start: the others may have lost their data.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from leader.protocol.quorum import Voters
from leader.protocol.runs import Run, TickAnswer, TickVerdict


class Outcome(StrEnum):
    """What became of a claim, so far."""

    OPEN = "open"
    WON = "won"
    TAKEN = "taken"
    """Another call has started, or claimed, this tick."""


@dataclass(slots=True)
class Claim:
    """One claim of one tick, and what the instances have answered to it."""

    nonce: str
    gap_ms: int
    voters: Voters
    instead_of: str = ""
    start: Run | None = None
    """The start of another call that stands in the way."""
    _granted: dict[str, str] = field(default_factory=dict)
    _standing: dict[str, str] = field(default_factory=dict)

    def hear(self, instance: str, process: str, answer: TickAnswer, age_ms: int) -> None:
        """Take in what one instance answered; the newest answer of each counts.

        `age_ms` is how long ago this tick was called when the instance was asked.
        """
        self._granted.pop(instance, None)
        self._standing.pop(instance, None)
        if answer.verdict is TickVerdict.GRANTED:
            self._granted[instance] = process
        elif answer.verdict is TickVerdict.YOURS or self._stands(answer):
            self._standing[instance] = process
        self.start = self.start or self.nearby_start(answer.runs, age_ms)

    def _stands(self, answer: TickAnswer) -> bool:
        """Whether a look shows the claim itself, written before; to have been missed keeps nobody from it."""
        return answer.verdict is TickVerdict.SEEN and any(
            run.nonce == self.nonce and run.state.is_start for run in answer.runs
        )

    def nearby_start(self, runs: tuple[Run, ...], age_ms: int) -> Run | None:
        """A start of another call within the gap before or after this one, which is so old at that moment."""
        return next(
            (
                run
                for run in runs
                if run.nonce not in (self.nonce, self.instead_of)
                and run.state.is_start
                and abs(run.age_ms - age_ms) < self.gap_ms
            ),
            None,
        )

    def lacks(self, instance: str) -> bool:
        """Whether this instance has yet to grant it."""
        return instance not in self._granted and instance not in self._standing

    @property
    def is_written(self) -> bool:
        """Whether any instance is known to keep it."""
        return bool(self._granted or self._standing)

    def outcome(self, *, leads: bool) -> Outcome:
        """What became of it, given whether this node leads at this moment, with the holder that claimed.

        A claim that stood at a majority before was won already, only the answer was lost.
        """
        if self.start is not None:
            return Outcome.TAKEN
        standing = self._standing
        if self.voters.agree(standing | self._granted) and (leads or self.voters.agree(standing)):
            return Outcome.WON
        return Outcome.OPEN
