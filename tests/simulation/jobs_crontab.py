"""Cron on every node: each calls `once` when a tick is due by its own wall clock, and each tick is judged.

Knows the schedule and who calls; what else happens in the world is the storms' business.
"""

from collections.abc import Callable, Mapping

from leader.protocol.events import NS_PER_MS
from tests.simulation.jobs_once import LONGEST_SILENCE_NS, Once, Schedule
from tests.simulation.jobs_promises import TickPromises
from tests.simulation.node import Node
from tests.simulation.timeline import LEASE_NS
from tests.simulation.world import World


class Crontab:
    """The same line in the crontab of every node."""

    def __init__(
        self,
        world: World,
        schedule: Schedule,
        ahead_ms: Mapping[str, int],
        longest_job_ms: int,
        is_calm: Callable[[int], bool],
    ) -> None:
        self.world, self.time = world, world.time
        self.schedule = schedule
        self.promises = TickPromises(world.time, world.servers)
        self._ahead_ms = ahead_ms
        self._longest_job_ms = longest_job_ms
        self._is_calm = is_calm
        """Whether nothing at all is wrong around this tick: asked when it is judged."""

    def begins(self, tick: int) -> int:
        """The true moment at which a tick is due; a leader may have been found before the first."""
        return tick * self.schedule.period_ms * NS_PER_MS + 2 * LEASE_NS

    def due(self, tick: int, node: Node) -> int:
        """When it is due by that node's wall clock."""
        return self.begins(tick) - self._ahead_ms[node.name] * NS_PER_MS

    def ends(self, tick: int) -> int:
        """By when every call of it has ended: its wait on the slowest clock, its hope for an answer."""
        longest = self.schedule.wait_ms * NS_PER_MS * 11 // 10 + LONGEST_SILENCE_NS + LEASE_NS
        return self.begins(tick) + longest

    def plan(self, tick: int) -> None:
        """Let every node call, each when it is due, and judge the tick when all calls have ended."""
        for node in self.world.nodes.values():
            if node.place in self._ahead_ms:
                self.time.at(self.due(tick, node), self._call, node, tick)
        self.time.at(self.ends(tick), self._judge, tick)

    def keep_planning(self, tick: int) -> None:
        """Plan this tick, and all that follow, each when the one before is over or nearly so."""
        self.plan(tick)
        self.time.at(self.begins(tick) + LEASE_NS, self.keep_planning, tick + 1)

    def _call(self, node: Node, tick: int) -> None:
        duration = int(self.world.random.random() * self._longest_job_ms * NS_PER_MS)
        once = Once(node, self.schedule, tick, self.promises, duration)
        self.time.tell(f"{node.place} calls once: {once.nonce}")
        self.promises.called(once)
        self.promises.ticks[tick].leaders.add(self.world.leader())
        node.jobs.append(once)
        once.ask()

    def _judge(self, tick: int) -> None:
        """A hand-over between two calls is no calm: both may come to one who does not lead then."""
        seen = self.promises.ticks.get(tick)
        if seen is not None:
            seen.is_calm = len(seen.leaders) == 1 and self._is_calm(tick)
            self.promises.judge(tick)

    def keep_sampling(self) -> None:
        """Look again and again which calls wait at a leader."""
        self.world.sample()
        self.promises.sample()
        self.time.after(LEASE_NS // 50, self.keep_sampling)
