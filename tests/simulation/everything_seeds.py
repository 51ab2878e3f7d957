"""One seed of a world with everything on, from the first event to the verdict."""

from tests.simulation.everything_storm import EverythingStorm
from tests.simulation.seeds import Outcome, run_storm


def run_seed(seed: int, *, keeps_log: bool = False, checks_deadline: bool = True) -> Outcome:
    """Run the world of this seed, as the seeds of the leases are run."""
    return run_storm(seed, EverythingStorm(seed, keeps_log=keeps_log, checks_deadline=checks_deadline))
