"""The course of a seed: storms of faults, and calms in which a leader must be found."""

from leader.protocol.events import NS_PER_MS
from tests.simulation.climate import ADDRESS_FAULTS, LONG_AGO_MS, SPARE, STRAY, TERM_AHEAD, Climate, draw
from tests.simulation.faults import HOUR_MS, Faults
from tests.simulation.machine import Habits
from tests.simulation.network import Weather
from tests.simulation.node import Node
from tests.simulation.server import Server
from tests.simulation.timeline import LEASE_MS, LEASE_NS, WALL_MS
from tests.simulation.world import World, configuration

HAND_OVER_LEASES = 0.15
"""After a clean release somebody leads within so many, if another is able to."""
REST_LEASES = 1.3
"""Else the one who was asked to go leads again: a lease later, by the slowest clock."""
WAYS = ("by itself", "to one", "to a dead one", "by a pause", "by unfitness")
"""How a leadership is handed over."""
RENEWED = "renew: granted"
"""What an account counts for each renewal."""


class Storm:
    """A world under faults."""

    def __init__(
        self,
        seed: int,
        *,
        keeps_log: bool = False,
        checks_deadline: bool = True,
        operators: bool = False,
        changes: bool = False,
    ) -> None:
        world = World(seed, (), keeps_log=keeps_log, checks_deadline=checks_deadline)
        self.climate: Climate = draw(world.random, operators=operators, changes=changes)
        world.instances, world.elections = self.climate.instances, self.climate.elections
        self.world, self.time, self.random = world, world.time, world.random
        self.faults = Faults(world, self.climate)
        self._habits = Habits(
            term_ns=lambda: self._pause_ns(self.climate.slow_disk),
            jobs_ns=lambda: self._pause_ns(self.climate.slow_jobs),
            sends_at_death=lambda: self.time.chance(0.5),
            strike=self.faults.strike,
        )
        self._put_up()

    def _pause_ns(self, slow: float) -> int:
        """How long a machine takes for something, which is slow in this share of cases."""
        return self.time.cruel_ns() if self.faults.raging and self.time.chance(slow) else NS_PER_MS

    def _put_up(self) -> None:
        climate, world = self.climate, self.world
        world.promises.addresses_change = not climate.rates.keys().isdisjoint(ADDRESS_FAULTS)
        # one fast clock counts twice where one server answers under two names
        one_clock_each = not world.promises.addresses_change
        world.promises.clocks_honest = climate.wall in ("honest", "one fast") and one_clock_each
        world.network.ambush = self.faults.ambush if climate.ambushes else None
        for name in climate.servers:
            wall_ms = LONG_AGO_MS if climate.wall == "behind" else WALL_MS
            self._save_now_and_then(world.add_server(name, wall_ms))
        if climate.wall == "one fast":
            self.random.choice(list(world.servers.values())).step_wall(HOUR_MS)
        for name, clock, priority in climate.nodes:
            wall_ms = WALL_MS + self.random.choice((-1, 0, 0, 1)) * HOUR_MS
            node = world.add_node(name, clock=clock, priority=priority, wall_ms=wall_ms, habits=self._habits)
            node.preempt, node.preempt_delay_ms = name in climate.preempts, climate.preempt_delay_ms
            if climate.wall == "behind":
                node.disk.terms = dict.fromkeys(world.elections, TERM_AHEAD)
            self.time.at(int(self.random.random() * LEASE_NS / 2), node.start)

    def _save_now_and_then(self, server: Server) -> None:
        server.save()
        self.time.after(int(self.random.uniform(0.1, 2) * LEASE_NS), self._save_now_and_then, server)

    # Storms.

    def rage(self, leases: float) -> None:
        """Let faults happen for so many leases."""
        self.faults.raging = True
        self.world.network.weather = self.climate.weather
        end = self.time.now + int(leases * LEASE_NS)
        for fault, rate in self.climate.rates.items():
            self._plan(fault, rate, end)
        self._ask(end)
        self.time.run_until(end)
        self.faults.raging = False

    def _plan(self, fault: str, rate: float, end: int) -> None:
        moment = self.time.now + int(self.random.expovariate(rate) * LEASE_NS)
        if moment < end:
            self.time.at(moment, self._happen, fault, rate, end)

    def _happen(self, fault: str, rate: float, end: int) -> None:
        self.faults.happen(fault)
        self._plan(fault, rate, end)

    def _ask(self, end: int) -> None:
        """Ask all agents at moments that no event makes special."""
        if self.time.now < end:
            self.world.sample()
            self.time.after(int(self.random.uniform(0.01, 0.3) * LEASE_NS), self._ask, end)

    # Calms.

    def calm(self) -> None:
        """End all faults: a majority of instances and one candidate are up and can talk."""
        self.time.tell("calm")
        network = self.world.network
        network.weather = Weather()
        network.cuts.clear()
        network.misdirected.clear()
        network.forget_late_messages()
        self.faults.plays.end()
        self.faults.late.leave()
        self.faults.swap_back()
        spared = self._spare_minority()
        for server in self.world.servers.values():
            self._calm_server(server, spared=server.name in spared)
        self.faults.remove_copies()
        self._remove_other_lease()
        self._remove_other_lists()
        self._wake_nodes()

    def _spare_minority(self) -> tuple[str, ...]:
        """Instances that stay away or lie even in the calm, sometimes.

        Not where another configuration was about: a refusal is remembered while its instance is silent.
        """
        if self.climate.stray or "move" in self.climate.rates or self.random.random() < 0.6:
            return ()
        if self.climate.changes:
            return self._spare_of_every_list()
        count = (len(self.climate.instances) - 1) // 2
        liars = [name for name in self.climate.instances if self.world.servers[name].lies]
        return tuple((liars + self.random.sample(self.climate.instances, count))[:count])

    def _spare_of_every_list(self) -> tuple[str, ...]:
        """One instance that no node needs, if each keeps a configuration that no node refuses."""
        changes, servers = self.faults.changes, self.world.servers
        known = [step.configuration for step in changes.steps]
        if any(server.model.configuration not in (None, *known) for server in servers.values()):
            return ()
        name = self.random.choice(self.climate.servers)
        others = [other for other in servers if other != name and not servers[other].lies]
        return (name,) if all(step.voters.spare(others) >= 0 for step in changes.steps) else ()

    def _calm_server(self, server: Server, *, spared: bool) -> None:
        server.model.eligibility = "ok"
        if spared and not (server.lies and self.random.random() < 0.5):
            server.go_down()
            return
        if not server.up:
            self.faults.start_server(server)
        server.go_on()
        if not spared:
            server.repent()

    def _wake_nodes(self) -> None:
        """Let all nodes go on, or just one candidate among observers and paused ones."""
        alone = self.random.random() < 0.25
        for node in self.world.nodes.values():
            node.disk.terms_writable = node.disk.runtime_writable = True
            if node.agent is not None:
                node.agent.finish_writing()
                node.agent.thaw()
            node.fit = True
            node.allow(allowed=not alone or node.name == "A")
            self._keep_running(node)

    def _keep_running(self, node: Node) -> None:
        """Start its agent again, whenever one that was stopping has ended."""
        if not self.faults.raging:
            node.start()
            self.time.after(LEASE_NS // 100, self._keep_running, node)

    def rest(self) -> None:
        """Let the calm last, if this world needs that."""

    def hand_over(self) -> float:
        """Let a leader hand over in one of the ways there are; within how many leases another must follow.

        0 if nobody is there that could.
        """
        self.world.network.weather = Weather(doubled=0.3, requests_doubled=0.3, notices_held_up=0.9)
        if self.random.random() < 0.7:
            self._await_renewals()
        leader = self.world.leader()
        able = [n for n in self.world.nodes.values() if n.allowed and n.priority and n.name != STRAY]
        node = next((node for node in able if node.agent is leader), None)
        others = [other for other in able if other is not node]
        if leader is None or node is None or not others:
            return 0.0
        way = self.random.choice(WAYS)
        self.time.count(f"planned hand-over {way}")
        return self._hand_over(way, node, self.random.choice(others), len(others))

    def _hand_over(self, way: str, node: Node, heir: Node, others: int) -> float:
        """A tenth of a lease is what all but a successor hold back; a leader that was asked rests for one."""
        soon = HAND_OVER_LEASES
        match way:
            case "by itself":
                node.step_down()
            case "to one":
                node.step_down(heir.name)
            case "to a dead one":
                heir.crash()
                heir.allowed = False  # it is started again in a calm
                node.step_down(heir.name)
                soon = HAND_OVER_LEASES if others > 1 else REST_LEASES
            case "by a pause":
                node.allow(allowed=False)
            case _:
                node.turn(fit=False)
        return soon

    def _await_renewals(self) -> None:
        """Let the leader renew, so that the notices of it may arrive after those of its release."""
        enough = self.time.counts[RENEWED] + len(self.climate.instances) // 2 + 1
        self.time.run_until(self.time.now + LEASE_NS // 2, lambda: self.time.counts[RENEWED] >= enough)

    def forgetful(self) -> tuple[str, ...]:
        """Instances that are to lose their data one after the other, without harm; often none."""
        lists = [names for step in self.faults.changes.steps for names in step.voters.lists]
        names = lists[-1]
        servers = [self.world.servers[name] for listed in lists for name in listed]
        all_vote = all(server.up and not server.lies for server in servers)
        if self.climate.keeps_data or not all_vote or min(map(len, lists)) < 3:
            return ()
        return tuple(self.random.sample(names, 2)) if self.random.random() < 0.15 else ()

    def restore(self) -> None:
        """Bring back what the calm had left away."""
        for server in self.world.servers.values():
            if not server.up:
                self.faults.start_server(server)
        for node in self.world.nodes.values():
            node.fit = True
            node.allow(allowed=True)
        self._add_stray()

    # A node with another configuration.

    def _add_stray(self) -> None:
        """Start a node with another list or lease, if this climate has one: a leader stands by now."""
        if not self.climate.stray or STRAY in self.world.nodes:
            return
        if self.climate.stray == "list":
            node = self.world.add_node(STRAY, (*self.climate.instances[1:], SPARE), habits=self._habits)
        else:
            node = self.world.add_node(STRAY, habits=self._habits)
            node.configuration = configuration(node.voters.instances, LEASE_MS * 8 // 10)
        node.start()

    def forget_guard(self) -> bool:
        """Cut our nodes from an instance that forgets their configuration; the stray node sees another's."""
        if self.climate.stray != "list" or STRAY not in self.world.nodes:
            return False
        name = self.random.choice(self.climate.instances[1:])
        for place in self.world.nodes:
            if place != STRAY:
                self.world.network.cut(place, name)
        self.world.servers[name].evict(None)
        self.world.nodes[STRAY].allow(allowed=True)
        self.time.count("a guard forgotten")
        return True

    def _remove_other_lists(self) -> None:
        """Make instances forget a list that a moved node led with, as its operator would."""
        if self.climate.changes:
            self._empty_stale_instances()
        elif not self.climate.stray:
            ours = configuration(self.climate.instances)
            for server in self.world.servers.values():
                if server.model.configuration not in (None, ours):
                    server.evict(None)

    def _empty_stale_instances(self) -> None:
        """Empty instances that went back to an earlier generation, as their operator must.

        Only where no majority of a list has kept the present one: else a node sees which of them is stale.
        """
        changes, servers = self.faults.changes, self.world.servers
        known = [step.configuration for step in changes.steps]
        in_step = [name for name, server in servers.items() if server.model.configuration in known]
        if all(step.voters.may_agree(in_step) for step in changes.steps):
            return
        for server in servers.values():
            if server.model.configuration not in (None, *known):
                self.time.count("change: an instance is emptied")
                server.evict(None)

    def _remove_other_lease(self) -> None:
        """End the node with another lease, as its operator would, and make instances forget it."""
        if self.climate.stray == "lease" and STRAY in self.world.nodes:
            other = self.world.nodes.pop(STRAY)
            other.crash()
            for server in self.world.servers.values():
                if server.model.configuration == other.configuration:
                    server.evict(None)
