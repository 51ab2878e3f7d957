"""What kind of world a seed of the ticks makes: schedule, clocks, and the faults around each tick."""

from dataclasses import dataclass
from random import Random

from leader.protocol.events import NS_PER_MS
from tests.simulation.climate import EDGES, pick
from tests.simulation.clock import BootClock
from tests.simulation.jobs_once import Schedule
from tests.simulation.network import Weather

SCHEDULES = (
    (60, 45, 20),
    (60, 45, 20),
    (60, 45, 35),
    (60, 45, 0),
    (60, 50, 40),
    (60, 30, 20),
    (60, 20, 5),
    (30, 20, 10),
    (30, 20, 5),
)
"""Period, gap and wait, in seconds: gap at most the period less what clocks differ by."""
LATEST_MS = 5000
"""How far a node's wall clock may be from the true time at most, so that two differ by ten seconds."""
MARGIN_MS = 1000
"""What is left of the period beside the gap and that, for clocks that are set a little."""

NODE_FAULTS = ("crash", "long crash", "machine", "freeze", "isolate", "cut", "stop", "step down")
DATA_FAULTS = ("flush", "restart with no data", "restart with older data", "roll back")
INSTANCE_FAULTS = ("hang", "down", "restart with all data", "ineligible")
CLOCK_FAULTS = ("little step", "jump")
ALL_FAULTS = (*NODE_FAULTS, *DATA_FAULTS, *INSTANCE_FAULTS, *CLOCK_FAULTS)
STRIKES = ("crash", "freeze", "isolate", "hang", "flush")
"""What may strike in the middle of a claim, or before its outcome is answered."""


@dataclass(frozen=True, slots=True)
class JobsClimate:
    """All that a seed decides before the world begins."""

    instances: tuple[str, ...]
    nodes: tuple[tuple[str, BootClock, int], ...]
    """Name, clock, and how far its wall clock is ahead, milliseconds."""
    servers_ahead_ms: tuple[int, ...]
    schedule: Schedule
    weather: Weather
    faults: tuple[str, ...]
    faults_per_tick: float
    strike_share: float
    longest_job_ms: int

    @property
    def ages_hold(self) -> bool:
        """Whether no instance's clock is set by more than a little."""
        return "jump" not in self.faults


def draw(random: Random) -> JobsClimate:
    """The climate of one seed."""
    instances = tuple("12345"[: random.choice((3, 3, 3, 5, 1))])
    schedule = pick_schedule(random)
    return JobsClimate(
        instances=instances,
        nodes=_nodes(random, schedule),
        servers_ahead_ms=tuple(random.choice((0, 0, 2000, -3_600_000, 86_400_000)) for _ in instances),
        schedule=schedule,
        weather=_weather(random),
        faults=_faults(random),
        faults_per_tick=random.choice((0.5, 1.0, 2.0, 4.0)),
        strike_share=random.choice((0.0, 0.0, 0.03, 0.1)),
        longest_job_ms=random.choice((500, 20_000, 90_000)),
    )


def pick_schedule(random: Random) -> Schedule:
    """When the job is due, and how it is called."""
    period, gap, wait = random.choice(SCHEDULES)
    return Schedule(period * 1000, gap * 1000, wait * 1000, overlaps=random.random() < 0.8)


def ahead_ms(random: Random, schedule: Schedule) -> int:
    """How far the wall clock of a node is ahead of the true time."""
    latest_ms = min(LATEST_MS, (schedule.period_ms - schedule.gap_ms) // 2 - MARGIN_MS)
    return int(random.uniform(-latest_ms, latest_ms)) if random.random() < 0.8 else 0


def _nodes(random: Random, schedule: Schedule) -> tuple[tuple[str, BootClock, int], ...]:
    count = random.choice((1, 2, 2, 3, 3, 4))
    return tuple(
        (
            name,
            BootClock(random.choice(EDGES), random.randrange(10**15)),
            ahead_ms(random, schedule),
        )
        for name in "ABCD"[:count]
    )


def _weather(random: Random) -> Weather:
    shortest = random.choice((NS_PER_MS // 5, 5 * NS_PER_MS))
    return Weather(
        shortest_ns=shortest,
        longest_ns=shortest * random.choice((2, 10)),
        late=pick(random, (0.0, 0.0, 0.01, 0.1)),
        lost=pick(random, (0.0, 0.0, 0.01, 0.1)),
        doubled=pick(random, (0.0, 0.02)),
        notices_lost=pick(random, (0.0, 0.3, 1.0)),
    )


def _faults(random: Random) -> tuple[str, ...]:
    """A few kinds of fault, often some that go together."""
    ordinary = (*NODE_FAULTS, *DATA_FAULTS, *INSTANCE_FAULTS, "little step")
    chosen = random.sample(ordinary, random.choice((1, 2, 3, 5)))
    if random.random() < 0.1:
        chosen.append("jump")
    return tuple(chosen)
