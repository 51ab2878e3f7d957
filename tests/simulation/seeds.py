"""One seed, from the first event to the verdict."""

from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.instance import NOTHING
from tests.simulation.promises import BrokenPromise
from tests.simulation.storm import HAND_OVER_LEASES, Storm
from tests.simulation.timeline import LEASE_NS

STORMS = 4
STORM_LEASES = 13.0
SETTLING_LEASES = 1.2
"""A leader from before the calm may still be lost within so many: its last votes may have come late."""
GUARD_LEASES = 1.5
STEADY_LEASES = 1.5
FOUND_LEASES = 2.0
"""Once faults have stopped, somebody leads within so many leases of true time: a lease and a beat on the
slowest clock, and half a lease of back-off after a claim that failed just then."""
TAKEN_BACK_LEASES = 1.5
"""An instance that forgot votes for the sitting leader again within a lease and a beat."""


@dataclass(slots=True)
class Outcome:
    """What became of a seed. `broken` is empty if every promise held."""

    seed: int
    broken: str = ""
    what: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    questions: int = 0
    answered_yes: int = 0
    leases: float = 0.0
    slowest_leases: float = 0.0
    log: tuple[str, ...] = ()


def run_seed(
    seed: int,
    *,
    keeps_log: bool = False,
    checks_deadline: bool = True,
    operators: bool = False,
    changes: bool = False,
) -> Outcome:
    """Run the world of this seed: storms of faults, each followed by a calm."""
    storm = Storm(
        seed, keeps_log=keeps_log, checks_deadline=checks_deadline, operators=operators, changes=changes
    )
    return run_storm(seed, storm)


def run_storm(seed: int, storm: Storm) -> Outcome:
    """Let this storm rage and calm down, again and again."""
    outcome = Outcome(seed)
    try:
        for _ in range(STORMS):
            storm.rage(STORM_LEASES)
            outcome.slowest_leases = max(outcome.slowest_leases, settle(storm))
    except BrokenPromise as broken:
        outcome.broken, outcome.what = broken.promise, str(broken)
    world = storm.world
    outcome.counts = world.time.counts
    outcome.questions, outcome.answered_yes = world.promises.questions, world.promises.answered_yes
    outcome.leases = world.time.now / LEASE_NS
    outcome.log = tuple(world.time.log or ())
    return outcome


def _hand_over(storm: Storm) -> None:
    """Let a leader hand over, and see that somebody follows soon, though notices come twice and late."""
    gains = storm.world.promises.gains
    leases = storm.hand_over()
    before = gains[storm.world.elections[0]]

    def is_followed() -> bool:
        return gains[storm.world.elections[0]] > before and storm.world.leader() is not None

    if leases and not storm.time.run_until(storm.time.now + int(leases * LEASE_NS), is_followed):
        raise BrokenPromise("found", f"nobody leads {leases} leases after a planned hand-over")


def settle(storm: Storm) -> float:
    """Wait for a leader, and see that it stays; return how long the first took, in leases."""
    world, began = storm.world, storm.time.now
    storm.calm()
    world.run_leases(SETTLING_LEASES)
    found = storm.time.run_until(began + int(FOUND_LEASES * LEASE_NS), world.is_led)
    took = (storm.time.now - began) / LEASE_NS
    if not found:
        raise BrokenPromise("found", f"nobody leads {FOUND_LEASES} leases after the last fault")
    world.promises.calm = True
    world.run_leases(STEADY_LEASES)
    storm.rest()
    for name in storm.forgetful():
        world.time.count("an instance forgets in the calm")
        world.servers[name].restart(NOTHING)
        world.run_leases(TAKEN_BACK_LEASES)
    world.sample()
    world.promises.calm = False
    if not storm.time.run_until(storm.time.now + int(HAND_OVER_LEASES * LEASE_NS), world.is_led):
        raise BrokenPromise("steady", "the election is open again without a fault")
    _hand_over(storm)
    if storm.forget_guard():
        world.run_leases(GUARD_LEASES)
        world.network.cuts.clear()
    storm.restore()
    return took
