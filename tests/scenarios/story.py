"""Plays a story: a text of commands, one a line, and under each what happened then.

A story is a scripted run of the simulated world. Lines that begin with four blanks are what was
recorded; a test compares them, and writes them anew when asked. The idea is that of etcd-raft's
`testdata`. The commands are the methods below whose names begin with `do_`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from leader.protocol.events import NS_PER_MS, Effect
from tests.scenarios.crontab import Crontab, Diverged
from tests.simulation import changes
from tests.simulation.agent import Agent
from tests.simulation.clock import BootClock
from tests.simulation.instance import NOTHING, Data
from tests.simulation.jobs_agent import JobAgent
from tests.simulation.machine import Habits
from tests.simulation.network import Hold, Weather
from tests.simulation.promises import BrokenPromise
from tests.simulation.timeline import LEASE_MS, LEASE_NS
from tests.simulation.world import World, configuration

INDENT = "    "
PATIENCE_LEASES = 12
STEADY = Weather(shortest_ns=NS_PER_MS, longest_ns=NS_PER_MS)


@dataclass(slots=True)
class Ending:
    """How a story ended: what it now reads like, and which promise was broken, if one was."""

    text: str
    broken: str = ""
    diverged: str = ""


@dataclass
class Story(Crontab):
    """A story being played."""

    _holds: dict[str, Hold] = field(default_factory=dict)
    _saved: dict[str, Data] = field(default_factory=dict)
    _steps: list[changes.Step] = field(default_factory=list)

    def do(self, line: str) -> None:
        """Carry out one command."""
        words = line.split()
        commands: dict[str, Callable[..., None]] = {
            name.removeprefix("do_").replace("_", " "): getattr(self, name)
            for name in dir(self)
            if name.startswith("do_")
        }
        for length in (2, 1):
            command = commands.get(" ".join(words[:length]))
            if command is not None:
                command(*words[length:])
                return
        message = f"no such command: {line}"
        raise ValueError(message)

    # Who takes part.

    def do_instances(self, *names: str) -> None:
        """`instances 1 2 3`: put up instances."""
        self.world.network.weather = STEADY
        self.world.promises.clocks_honest = True
        self.world.instances = names
        for name in names:
            self.world.add_server(name).on_ticks = self.promises.executed

    def do_elections(self, *names: str) -> None:
        """`elections default reports`: what nodes contend for, from the next node on."""
        self.world.elections = names

    def do_wall(self, name: str, wall_ms: str) -> None:
        """`wall 1 1000`: an instance's wall clock shows this and stands still; `wall 1 +5000`: it is set."""
        server = self.world.servers[name]
        if wall_ms[0] in "+-":
            server.step_wall(int(wall_ms))
        else:
            server.set_wall(int(wall_ms))
            self.world.promises.clocks_honest = False

    def do_node(self, name: str, *options: str) -> None:
        """`node A rate=953 priority=50 instances=3,4,5 disk=0.5 jobs=0.2`: put up a node, start its agent.

        `disk` and `jobs`: how long it takes to save a term and to end jobs, in leases. `lease`: the one that
        it is configured with, as a share of everybody else's. `preempt=3`: it makes room for a better node
        that has been there for so many leases.
        """
        given = dict(option.split("=") for option in options)
        names = tuple(given["instances"].split(",")) if "instances" in given else None
        clock = BootClock(int(given.get("rate", "1000")))
        habits = Habits(
            term_ns=lambda: _duration(given.get("disk", "0.0001"), "leases"),
            jobs_ns=lambda: _duration(given.get("jobs", "0.0001"), "leases"),
            strike=self._strike,
            strike_tick=self.strike_tick,
        )
        node = self.world.add_node(
            name, names, clock=clock, priority=int(given.get("priority", "100")), habits=habits
        )
        if "preempt" in given:
            node.preempt, node.preempt_delay_ms = True, int(float(given["preempt"]) * LEASE_MS)
        if "lease" in given:
            node.configuration = configuration(node.voters.instances, int(float(given["lease"]) * LEASE_MS))
        node.start()

    def do_move(self, name: str, instances: str) -> None:
        """`move A 1,2,6`: a node that does not run gets another list of instances."""
        self.world.move_node(name, tuple(instances.split(",")))

    def do_step(self, *options: str) -> None:
        """`step instances=1,4,5 lease=0.5`: the next generation of the quorum, the first one or one after it.

        The first stands alone; after one that stands alone comes one that begins a change to this list and
        this lease, and then, without options, the one that ends it.
        """
        given = dict(option.split("=") for option in options)
        names = tuple(given["instances"].split(",")) if "instances" in given else None
        lease_ms = int(float(given.get("lease", "1")) * LEASE_MS)
        if not self._steps:
            step = changes.settled(names or self.world.instances, lease_ms)
        elif self._steps[-1].configuration.previous:
            step = changes.ended(self._steps[-1])
        else:
            step = changes.begun(self._steps[-1], names or self._steps[-1].voters.lists[0], lease_ms)
        self._steps.append(step)

    def do_bring(self, name: str, _: str, generation: str) -> None:
        """`bring A to 2`: start its agent again under that generation."""
        node, step = self.world.nodes[name], self._steps[int(generation) - 1]
        node.crash()
        node.voters, node.configuration = step.voters, step.configuration
        node.start()

    # Time.

    def do_calm(self) -> None:
        """`calm`: from now on a lost leadership is a broken promise."""
        self.world.promises.calm = True

    def do_run(self, amount: str, unit: str) -> None:
        """`run 1.5 leases`, `run 20 ms`: let time pass."""
        self.world.time.run_until(self.world.time.now + _duration(amount, unit))

    def do_wait(self, name: str, _: str = "leads", election: str = "default") -> None:
        """`wait A leads`: until it does."""

        def leads() -> bool:
            leader = self.world.leader(election)
            return leader is not None and leader.place == name

        if not self.world.time.run_until(self.world.time.now + PATIENCE_LEASES * LEASE_NS, leads):
            message = f"{name} never leads"
            raise Diverged(message)

    def do_expect(self, name: str, *rest: str) -> None:
        """`expect A leads`, `expect nobody leads`, `expect somebody within 50 ms`."""
        self.world.sample()
        if rest[0] == "within":
            self._expect_within(name, _duration(*rest[1:3]))
            return
        leader = self.world.leader(rest[1] if len(rest) > 1 else None)
        if (leader.place if leader else "nobody") != name:
            message = f"{leader.place if leader else 'nobody'} leads, not {name}"
            raise Diverged(message)

    def _expect_within(self, name: str, limit: int) -> None:
        def leads() -> bool:
            leader = self.world.leader()
            return leader is not None and name in (leader.place, "somebody")

        if not self.world.time.run_until(self.world.time.now + limit, leads):
            promise = "found"
            raise BrokenPromise(promise, f"{name} does not lead within {limit / LEASE_NS} leases")

    # What happens to nodes.

    def _agent(self, name: str) -> Agent:
        agent = self.world.nodes[name].agent
        if agent is None:
            message = f"{name} does not run"
            raise Diverged(message)
        return agent

    def do_freeze(self, name: str) -> None:
        """`freeze A`: as by SIGSTOP."""
        self._agent(name).freeze()

    def do_thaw(self, name: str) -> None:
        """`thaw A`."""
        self._agent(name).thaw()

    def do_crash(self, name: str, when: str = "", effect: str = "") -> None:
        """`crash A`, or `crash A before SaveHolder`: at once, or just before it does that."""
        if when:
            self.traps[name, effect] = when
        else:
            self.world.nodes[name].crash()

    def _strike(self, place: str, effect: Effect) -> None:
        if self.traps.pop((place, type(effect).__name__), ""):
            self.world.nodes[place].crash()

    def do_reboot(self, name: str) -> None:
        """`reboot A`: crash, and come back with another boot id."""
        self.world.nodes[name].reboot()

    def do_start(self, *names: str) -> None:
        """`start A`."""
        for name in names:
            self.world.nodes[name].start()

    def do_stop(self, name: str) -> None:
        """`stop A`: as by SIGTERM."""
        self.world.nodes[name].stop()

    def do_step_down(self, name: str, _: str = "to", successor: str | None = None) -> None:
        """`step down A`, `step down A to B`."""
        self.world.nodes[name].step_down(successor)

    def do_pause(self, name: str) -> None:
        """`pause A`: its operator lets it contend no more."""
        self.world.nodes[name].allow(allowed=False)

    def do_resume(self, name: str) -> None:
        """`resume A`."""
        self.world.nodes[name].allow(allowed=True)

    def do_disk(self, name: str, what: str, state: str) -> None:
        """`disk A terms full`, `disk A holders full`, `disk A holders good`."""
        disk = self.world.nodes[name].disk
        if what == "terms":
            disk.terms_writable = state == "good"
        else:
            disk.runtime_writable = state == "good"

    def do_copy(self, name: str, place: str) -> None:
        """`copy A A2`: another machine directory with the same content, and an agent in it."""
        self.world.nodes[place] = self.world.nodes[name].copied(place)
        self.world.nodes[place].start()

    # What happens to instances.

    def do_restart(self, name: str, _: str, what: str, *__: str) -> None:
        """`restart 1 with all data`, `with no data`, `with older data`: what it saved."""
        data = {"all": None, "no": NOTHING, "older": self._saved.get(name, NOTHING)}[what]
        self.world.servers[name].restart(data)

    def do_save(self, *names: str) -> None:
        """`save 1`: keep what it has now."""
        for name in names:
            self._saved[name] = self.world.servers[name].model.snapshot()

    def do_roll_back(self, name: str) -> None:
        """`roll back 1`: to what it saved, without a restart."""
        self.world.servers[name].roll_back(self._saved[name])

    def do_flush(self, *names: str) -> None:
        """`flush 1`."""
        for name in names:
            self.world.servers[name].flush()

    def do_evict(self, what: str, *names: str) -> None:
        """`evict configuration 1 2`, `evict default 1`: lose one key."""
        for name in names:
            self.world.servers[name].evict(None if what == "configuration" else what)

    def do_hang(self, name: str) -> None:
        """`hang 1`."""
        self.world.servers[name].hang()

    def do_go_on(self, name: str) -> None:
        """`go on 1`."""
        self.world.servers[name].go_on()

    def do_kill(self, name: str) -> None:
        """`kill 1`."""
        self.world.servers[name].go_down()

    def do_point(self, name: str, _: str, server: str, __: str, node: str) -> None:
        """`point 3 at 2 for A`: another server answers one node under that name."""
        self.world.network.misdirected[node, name] = self.world.servers[server]

    def do_lie(self, name: str) -> None:
        """`lie 1`: its record of the election has an absurd term."""
        self.world.servers[name].lie("default")

    # What happens between them.

    def do_cut(self, name: str, instances: str, *directions: str) -> None:
        """`cut A 1,2`, `cut A 1 replies`, `cut A all notices`."""
        for instance in self._names(name, instances):
            self.world.network.cut(name, instance, *directions)

    def do_mend(self, name: str, instances: str) -> None:
        """`mend A 1,2`, `mend A all`."""
        for instance in self._names(name, instances):
            self.world.network.mend(name, instance)

    def _names(self, node: str, instances: str) -> tuple[str, ...]:
        return self.world.nodes[node].voters.instances if instances == "all" else tuple(instances.split(","))

    def do_hold(self, direction: str, name: str, instances: str, kind: str = "") -> None:
        """`hold requests A 1,2 release`, `hold replies A all`, `hold notices B 1 held`: keep back."""
        wanted = self._names(name, instances)

        def matches(way: str, place: str, instance: str, kinds: frozenset[str]) -> bool:
            on_way = way == direction and place == name and instance in wanted
            return on_way and (not kind or kind in kinds)

        hold = self._holds[f"{direction} {name} {instances} {kind}".strip()] = Hold(matches)
        self.world.network.holds.append(hold)

    def do_let_go(self, *words: str) -> None:
        """`let go requests A 1,2 release`: deliver what is kept back, and keep nothing more back."""
        hold = self._holds.pop(" ".join(words))
        self.world.network.holds.remove(hold)
        for deliver in hold.kept:
            deliver()

    def do_enough(self, *words: str) -> None:
        """`enough requests A 1,2 release`: keep what is kept back, but let what follows pass."""
        self._holds[" ".join(words)].matches = lambda *_: False

    def do_lose(self, *words: str) -> None:
        """`lose requests A 1,2 release`: forget what is kept back."""
        self.world.network.holds.remove(self._holds.pop(" ".join(words)))


def _duration(amount: str, unit: str) -> int:
    units = {"ms": NS_PER_MS, "s": 1000 * NS_PER_MS}
    return int(float(amount) * units.get(unit, LEASE_NS))


def play(text: str, *, checks_deadline: bool = True) -> Ending:
    """Play a story from the beginning; return how it ended, with what happened under each command."""
    world = World(0, (), keeps_log=True, checks_deadline=checks_deadline, agent_type=JobAgent)
    story = Story(world)
    told: list[str] = []
    ending = Ending("")
    log = story.world.time.log
    assert log is not None
    for line in text.splitlines():
        if line.startswith(INDENT):
            continue
        told.append(line)
        if not line or line.startswith("#") or ending.broken or ending.diverged:
            continue
        log.clear()
        try:
            story.do(line)
            story.world.sample()
        except BrokenPromise as broken:
            ending.broken = str(broken)
        except Diverged as diverged:
            ending.diverged = str(diverged)
        told += [f"{INDENT}{entry}" for entry in log]
    ending.text = "\n".join(told) + "\n"
    return ending
