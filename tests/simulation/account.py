"""What many seeds came to: sums, what never happened, and how it is printed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation.climate import ADDRESS_FAULTS, ALL_FAULTS, LATE, POWER_CUT, STORIES, STRIKES
from tests.simulation.seeds import Outcome
from tests.simulation.storm import WAYS

STRUCK = ("Gained", "Lost", "SaveHolder", "SaveTerm", "Send")
"""The effects before which a fault strikes on purpose."""

MUST_HAPPEN = (
    *(f"fault: {fault}" for fault in ALL_FAULTS),
    "fault: ambush of a late request",
    *(f"effect: {effect}" for effect in ("Gained", "Lost", "ClaimFailed", "EndJobs")),
    *("effect: Barred", "effect: Unbarred"),
    *(f"effect: {saved}" for saved in ("term saved", "term not saved", "holder saved", "holder not saved")),
    *(f"role: {change}" for change in ("leads", "resumes", "leads no more", "hands over")),
    *(
        f"network: {way} {fate}"
        for way in ("requests", "replies", "notices")
        for fate in ("lost", "late", "cut off")
    ),
    *(f"network: {way} doubled" for way in ("requests", "replies", "notices")),
    "network: notice lost",
    *(f"strike: {fault} before {effect}" for fault in STRIKES for effect in STRUCK),
    *("a guard forgotten", "an instance forgets in the calm"),
    *("call unanswered", "reply after patience ended"),
    *(f"planned hand-over {way}" for way in WAYS),
    *("step-down: accepted", "step-down: refused"),
    *("a leader made room", "strike: the successor is cut off"),
    "observe: observed",
    *(f"take: {verdict}" for verdict in ("granted", "changed", "term-too-low")),
    *(f"renew: {verdict}" for verdict in ("granted", "not-holder")),
    *(f"resume: {verdict}" for verdict in ("granted", "not-holder")),
    *(f"release: {verdict}" for verdict in ("granted", "not-holder")),
)
"""What a run of some hundred seeds must have seen. `not-released` cannot be: a version has one state.

Nor `other-configuration`: an agent that sees a refusal does not ask. Stories and conformance have both."""

OPERATORS_MUST_HAPPEN = (*MUST_HAPPEN, "a leader made room once more, after it had been in vain")
"""And where operators act all the time."""

NOT_WHERE_THE_QUORUM_CHANGES = (
    *(f"fault: {fault}" for fault in (*STORIES, *ADDRESS_FAULTS)),
    *("a guard forgotten", "effect: Barred", "effect: Unbarred"),
)
CHANGES_MUST_HAPPEN = (
    *(what for what in MUST_HAPPEN if what not in NOT_WHERE_THE_QUORUM_CHANGES),
    *("change: begins", "change: ends", "change: a node goes on", "change: a node goes back"),
    *(f"fault: {fault}" for fault in (LATE, POWER_CUT)),
)
"""And where the quorum is changed all the time: at most one instance in hand has stayed behind."""

ENOUGH_SEEDS = 300
"""So many seeds see all of it."""


@dataclass(slots=True)
class Account:
    """The sums over many seeds."""

    seeds: int = 0
    leases: float = 0.0
    questions: int = 0
    answered_yes: int = 0
    slowest_leases: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[Outcome] = field(default_factory=list)
    must_happen: tuple[str, ...] = MUST_HAPPEN

    def add(self, outcome: Outcome) -> None:
        """Count one seed in."""
        self.seeds += 1
        self.leases += outcome.leases
        self.questions += outcome.questions
        self.answered_yes += outcome.answered_yes
        self.slowest_leases = max(self.slowest_leases, outcome.slowest_leases)
        self.counts.update(outcome.counts)
        if outcome.broken:
            self.broken.append(outcome)

    def add_all(self, outcomes: Iterable[Outcome]) -> "Account":
        """Count many in."""
        for outcome in outcomes:
            self.add(outcome)
        return self

    def never(self) -> list[str]:
        """What should have happened at least once, and did not."""
        led = [] if self.answered_yes else ["a leader"]
        return led + [what for what in self.must_happen if not self.counts[what]]

    def lines(self) -> list[str]:
        """The account in words."""
        share = self.answered_yes / max(1, self.questions)
        return [
            f"{self.seeds} seeds, {self.leases:.0f} leases, {share:.1%} of it led, amid faults",
            f"the longest wait for a leader after faults had stopped: {self.slowest_leases:.2f} leases",
            f"broken promises: {len(self.broken)}",
            *(f"{number:10}  {what}" for what, number in sorted(self.counts.items())),
            *(f"{0:10}  {what}   (never!)" for what in self.never()),
        ]
