"""One seed of a world in which the quorum is changed all the time, from the first event to the verdict."""

from tests.simulation import seeds


def run_seed(seed: int, *, keeps_log: bool = False, checks_deadline: bool = True) -> seeds.Outcome:
    """Run the world of this seed, as the seeds of the leases are run."""
    return seeds.run_seed(seed, keeps_log=keeps_log, checks_deadline=checks_deadline, changes=True)
