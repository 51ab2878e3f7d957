"""The course of a seed with everything on: faults, operators, a quorum that changes, and a crontab.

Each is part of most seeds, so that all of them meet, two by two and all together.
"""

from random import Random

from leader.protocol.events import NS_PER_MS
from tests.simulation.climate import ADDRESS_FAULTS, STORIES
from tests.simulation.jobs_agent import JobAgent
from tests.simulation.jobs_climate import ahead_ms, pick_schedule
from tests.simulation.jobs_crontab import Crontab
from tests.simulation.jobs_storm import CALM_BEFORE_NS
from tests.simulation.storm import Storm

NOT_BESIDE_TICKS = frozenset((*STORIES, *ADDRESS_FAULTS))
"""A server that answers under two names, or a list of instances without a step, is none of the promises
about ticks."""


class EverythingStorm(Storm):
    """A world in which everything happens."""

    def __init__(self, seed: int, *, keeps_log: bool = False, checks_deadline: bool = True) -> None:
        parts = Random(f"the parts of {seed}")
        self.crontab: Crontab | None = None
        self._calm_since: int | None = None
        """When the calm began in which nothing has been done since."""
        super().__init__(
            seed,
            keeps_log=keeps_log,
            checks_deadline=checks_deadline,
            operators=parts.random() < 0.5,
            changes=parts.random() < 0.75,
        )

    def _put_up(self) -> None:
        if NOT_BESIDE_TICKS.isdisjoint(self.climate.rates):
            self.crontab = self._draw_crontab()
            self.world.agent_type = JobAgent
            self._habits.strike_tick = self.faults.strike_before
        super()._put_up()
        if self.crontab is not None:
            for server in self.world.servers.values():
                server.on_ticks = self.crontab.promises.executed
            self.crontab.keep_planning(1)
            self.crontab.keep_sampling()

    def _draw_crontab(self) -> Crontab:
        climate, random = self.climate, self.random
        schedule = pick_schedule(random)
        ahead = {name: ahead_ms(random, schedule) for name, _, _ in climate.nodes}
        crontab = Crontab(self.world, schedule, ahead, random.choice((500, 20_000, 90_000)), self._is_calm)
        crontab.promises.ages_hold = climate.wall != "wild" or "clock step" not in climate.rates
        self.faults.changes.gap_ns = schedule.gap_ms * NS_PER_MS
        self.time.count(f"crontab: the quorum {'changes' if climate.changes else 'stays'}")
        return crontab

    def _is_calm(self, tick: int) -> bool:
        """Whether nothing was wrong for so long before this tick, nor since."""
        began = self._calm_since
        return began is not None and self.crontab is not None and began <= self._latest_calm(tick)

    def _latest_calm(self, tick: int) -> int:
        assert self.crontab is not None
        return self.crontab.begins(tick) - CALM_BEFORE_NS

    # What ends a calm and begins one.

    def rage(self, leases: float) -> None:
        """Let faults happen for so many leases."""
        self._calm_since = None
        super().rage(leases)

    def calm(self) -> None:
        """End all faults."""
        super().calm()
        self._calm_since = self.time.now

    def forgetful(self) -> tuple[str, ...]:
        """Instances that are to lose their data in the calm."""
        self._calm_since = None
        return super().forgetful()

    def rest(self) -> None:
        """Let a whole tick pass in the calm, in every other calm."""
        if self.crontab is None or self.random.random() < 0.5:
            return
        tick = 1
        while self._latest_calm(tick) < self.time.now:
            tick += 1
        self.time.run_until(self.crontab.ends(tick))
        self.time.count("a tick in the calm")
