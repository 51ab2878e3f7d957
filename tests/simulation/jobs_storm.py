"""The course of a seed of ticks: cron on every node, faults around the ticks, and calm ticks between."""

from collections.abc import Callable
from functools import partial

from leader.protocol.events import NS_PER_MS
from tests.simulation.instance import NOTHING
from tests.simulation.jobs_agent import JobAgent
from tests.simulation.jobs_climate import STRIKES, JobsClimate, draw
from tests.simulation.jobs_crontab import Crontab
from tests.simulation.machine import Habits
from tests.simulation.mischief import Mischief
from tests.simulation.network import Weather
from tests.simulation.node import Node
from tests.simulation.server import Server
from tests.simulation.timeline import LEASE_NS, WALL_MS
from tests.simulation.world import World

SECOND_NS = 1000 * NS_PER_MS
CALM_BEFORE_NS = 25 * SECOND_NS
"""So long before a calm tick's first call nothing is wrong any more: time enough to find a leader."""
HOUR_MS = 3_600_000


class JobsStorm(Mischief):
    """A world with a crontab."""

    def __init__(self, seed: int, *, keeps_log: bool = False, checks_deadline: bool = True) -> None:
        world = World(seed, (), keeps_log=keeps_log, checks_deadline=checks_deadline, agent_type=JobAgent)
        self.climate: JobsClimate = draw(world.random)
        world.instances = self.climate.instances
        super().__init__(world)
        ahead_ms = {name: ahead for name, _, ahead in self.climate.nodes}
        self.crontab = Crontab(
            world,
            self.climate.schedule,
            ahead_ms,
            self.climate.longest_job_ms,
            lambda tick: self._is_quiet(tick)[1],
        )
        self.crontab.promises.ages_hold = self.climate.ages_hold
        self._kinds = self._by_name()
        self._put_up()

    def _put_up(self) -> None:
        habits = Habits(strike_tick=self._strike if self.climate.strike_share else None)
        for name, ahead in zip(self.climate.instances, self.climate.servers_ahead_ms, strict=True):
            server = self.world.add_server(name, WALL_MS + ahead)
            server.on_ticks = self.crontab.promises.executed
            self._save_now_and_then(server)
        for name, clock, _ in self.climate.nodes:
            node = self.world.add_node(name, clock=clock, habits=habits)
            self.time.at(int(self.random.random() * LEASE_NS / 2), node.start)

    def _save_now_and_then(self, server: Server) -> None:
        server.save()
        self.time.after(int(self.random.uniform(0.5, 3) * LEASE_NS), self._save_now_and_then, server)

    # Cron.

    def run(self, ticks: int) -> None:
        """Let so many ticks pass: two under faults, then one in the calm, again and again."""
        for tick in range(1, ticks + 1):
            begins = self.crontab.begins(tick)
            self.crontab.plan(tick)
            self.time.at(begins - CALM_BEFORE_NS - 5 * SECOND_NS, self._begin, tick)
        self.crontab.keep_sampling()
        self.time.run_until(self.crontab.ends(ticks) + SECOND_NS)

    def _is_quiet(self, tick: int) -> tuple[bool, bool]:
        """Whether no fault happens around this tick, and whether none did so long before it."""
        if self.climate.schedule.period_ms * NS_PER_MS > CALM_BEFORE_NS + 20 * SECOND_NS:
            return tick % 3 == 0, tick % 3 == 0
        return tick % 6 in (0, 1, 5), tick % 6 == 0

    def _begin(self, tick: int) -> None:
        if self._is_quiet(tick)[0]:
            self.calm()
        else:
            self.rage(tick)

    # Faults.

    def rage(self, tick: int) -> None:
        """Let faults happen around a tick."""
        self.raging = True
        self.network.weather = self.climate.weather
        share = self.climate.faults_per_tick
        number = int(share) + (self.random.random() < share - int(share))
        for _ in range(number):
            self.time.at(self._moment(tick), self.if_raging, self._happen)

    def _moment(self, tick: int) -> int:
        """At, just before or just after the tick, on some node; now and then anywhere about it."""
        node = self._victim()
        about, how = self.crontab.due(tick, node), self.random.random()
        if how < 0.4:
            return about + int(self.random.uniform(-0.01, 0.04) * SECOND_NS)
        if how < 0.75:
            return about + int(self.random.uniform(-1, 1) * SECOND_NS)
        return self.crontab.begins(tick) + int(self.random.uniform(-15, 25) * SECOND_NS)

    def _happen(self) -> None:
        fault = self.random.choice(self.climate.faults)
        self._kinds[fault]()
        self.time.count(f"fault: {fault}")

    def later(self, action: Callable[[], object]) -> None:
        """Undo a fault after milliseconds, some seconds, or about a period; or the calm does."""
        longest = self.random.choice((0.2, 3.0, 15.0, 60.0))
        self.time.after(int(self.random.random() * longest * SECOND_NS), self.if_raging, action)

    def _victim(self) -> Node:
        """A node, the leader's more often than any other."""
        leader = self.world.leader()
        nodes = list(self.world.nodes.values())
        if leader is not None and self.random.random() < 0.6:
            return next(node for node in nodes if node.agent is leader)
        return self.random.choice(nodes)

    def _by_name(self) -> dict[str, Callable[[], None]]:
        return {
            "crash": lambda: self._crash(self._victim(), 1.0),
            "long crash": lambda: self._crash(self._victim(), 60.0),
            "machine": lambda: self._crash_machine(self._victim()),
            "freeze": lambda: self._freeze(self._victim()),
            "isolate": lambda: self._isolate(self._victim()),
            "cut": lambda: self._cut(self._victim(), [self._server().name]),
            "stop": self._stop,
            "step down": lambda: self._victim().step_down(),
            "flush": lambda: self._server().flush(),
            "restart with no data": lambda: self._server().restart(NOTHING),
            "restart with older data": self._restart_older,
            "roll back": self._roll_back,
            "hang": lambda: self._hang(self._server()),
            "down": self._go_down,
            "restart with all data": lambda: self._server().restart(),
            "ineligible": self._ineligible,
            "little step": lambda: self._server().step_wall(self.random.choice((-500, -100, 100, 500))),
            "jump": lambda: self._server().step_wall(
                self.random.choice((-HOUR_MS, -40_000, 40_000, HOUR_MS))
            ),
        }

    def _crash(self, node: Node, longest_s: float) -> None:
        node.crash()
        self.time.after(int(self.random.random() * longest_s * SECOND_NS), self.if_raging, node.start)

    def _crash_machine(self, node: Node) -> None:
        node.reboot()
        self.later(node.start)

    def _freeze(self, node: Node) -> None:
        if node.agent is not None and not node.agent.frozen:
            node.agent.freeze()
            self.later(node.agent.thaw)

    def _isolate(self, node: Node) -> None:
        names = list(node.voters.instances)
        if self.random.random() < 0.5:
            names.remove(self.random.choice(names))
        self._cut(node, names)

    def _cut(self, node: Node, names: list[str]) -> None:
        ways = self.random.choice(((), ("requests",), ("replies",)))
        for name in names:
            self.network.cut(node.place, name, *ways)
        self.later(partial(self.network.mend, node.place, *names))

    def _stop(self) -> None:
        node = self._victim()
        node.stop()
        self.later(node.start)

    def start_server(self, server: Server) -> None:
        """Start a server that was down, with all its data or with older ones."""
        if not server.up:
            server.restart(None if self.random.random() < 0.5 else server.older())

    def _strike(self, place: str, before: str) -> None:
        """Let a fault strike in the middle of a claim, or before its outcome is answered."""
        if not self.raging or not self.time.chance(self.climate.strike_share):
            return
        node, fault = (
            self.world.nodes[place],
            self.random.choice(STRIKES),
        )
        self.time.count(f"strike: {fault} before {before}")
        match fault:
            case "crash":
                self._crash(node, self.random.choice((0.5, 5.0, 30.0)))
            case "freeze":
                self._freeze(node)
            case "isolate":
                self._isolate(node)
            case "flush":
                self._server().flush()
            case _:
                self._hang(self._server())

    # Calms.

    def calm(self) -> None:
        """End all faults."""
        self.raging = False
        self.time.tell("calm")
        self.network.weather = Weather()
        self.network.cuts.clear()
        for server in self.world.servers.values():
            server.model.eligibility = "ok"
            self.start_server(server)
            server.go_on()
        for node in self.world.nodes.values():
            if node.agent is not None:
                node.agent.thaw()
            self._keep_running(node)

    def _keep_running(self, node: Node) -> None:
        """Start its agent again, whenever one that was stopping has ended."""
        if not self.raging:
            node.start()
            self.time.after(LEASE_NS // 20, self._keep_running, node)
