"""One seed of the ticks, from the first event to the verdict."""

from tests.simulation.jobs_storm import JobsStorm
from tests.simulation.promises import BrokenPromise
from tests.simulation.seeds import Outcome
from tests.simulation.timeline import LEASE_NS

SECONDS = 420


def run_seed(seed: int, *, keeps_log: bool = False, checks_deadline: bool = True) -> Outcome:
    """Run the world of this seed: some minutes of a crontab."""
    storm = JobsStorm(seed, keeps_log=keeps_log, checks_deadline=checks_deadline)
    outcome = Outcome(seed)
    try:
        storm.run(SECONDS * 1000 // storm.climate.schedule.period_ms)
    except BrokenPromise as broken:
        outcome.broken, outcome.what = broken.promise, str(broken)
    world = storm.world
    outcome.counts = world.time.counts
    outcome.questions, outcome.answered_yes = world.promises.questions, world.promises.answered_yes
    outcome.leases = world.time.now / LEASE_NS
    outcome.log = tuple(world.time.log or ())
    return outcome
