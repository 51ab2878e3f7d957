"""What a run of some hundred seeds of ticks must have seen."""

from tests.simulation.jobs_climate import ALL_FAULTS, STRIKES

BEFORE = ("a claim", "a decision", "an answer is heard")

TICKS_MUST_HAPPEN = (
    *(f"fault: {fault}" for fault in ALL_FAULTS),
    *(f"strike: {fault} before {what}" for fault in STRIKES for what in BEFORE),
    *(f"claim: {verdict}" for verdict in ("granted", "yours", "started", "not-holder")),
    "look: seen",
    *(f"decision: {decision}" for decision in ("yours", "taken", "overlaps", "missed")),
    *(f"once: {said}" for said in ("yours", "taken", "overlaps", "missed", "undecided")),
    *("once: asks", "once: asks again", "once: answer lost"),
    *(f"report: {state}" for state in ("done", "failed", "interrupted", "missed")),
    *(f"network: {way} {fate}" for way in ("requests", "replies") for fate in ("lost", "late", "cut off")),
    *("network: replies doubled", "network: notices doubled", "network: notice lost"),
    *("call about runs unanswered", "answer about runs after patience ended"),
    *("tick: started", "tick: done", "tick: overlaps", "tick: told by the instances"),
    *("tick: lost with a machine", "tick: missed, and a call said so"),
    "a second start that cannot be prevented",
    "a hand-over waits for a claim",
)
"""What may not be zero in the account of so many seeds as `make test` runs."""

ENOUGH_TICK_SEEDS = 200
"""So many seeds see all of it."""
