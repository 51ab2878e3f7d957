"""What can go wrong in a world: each fault strikes once, and undoes itself some time later."""

from collections.abc import Callable, Sequence

from leader.protocol.calls import Observe, Renew
from leader.protocol.events import Cause, Effect, Gained, Lost, SaveHolder, SaveTerm, Send
from tests.simulation.changes import Changes
from tests.simulation.climate import CHANGE, LATE, POWER_CUT, STRAY, Climate
from tests.simulation.instance import NOTHING
from tests.simulation.late_node import LateNode
from tests.simulation.mischief import Mischief
from tests.simulation.network import DIRECTIONS, Destination, Sent
from tests.simulation.node import Node
from tests.simulation.plays import Plays
from tests.simulation.server import Server
from tests.simulation.timeline import LEASE_NS
from tests.simulation.world import World

HOUR_MS = 3_600_000


class Faults(Mischief):
    """All faults of one world. Nothing is undone after the raging has ended: the calm does that."""

    def __init__(self, world: World, climate: Climate) -> None:
        super().__init__(world)
        self.climate = climate
        self.plays = Plays(world, self.if_raging)
        self.changes = Changes(world, climate.instances)
        self.late = LateNode(world, self.changes, self.if_raging)
        self._swapped = ""
        self._kinds = self._by_name()

    def happen(self, fault: str) -> None:
        """Let this fault strike, if it can now."""
        if self._kinds[fault]() is not False:
            self.time.count(f"fault: {fault}")

    def _by_name(self) -> dict[str, Callable[[], bool | None]]:
        return {
            "freeze": lambda: self._freeze(self._victim()),
            "crash": lambda: self._crash(self._victim()),
            "reboot": self._reboot,
            "stop": self._stop,
            "step down": self._step_down,
            "ask to step down": self._ask_to_step_down,
            "pause": self._pause,
            "unfit": self._unfit,
            "another priority": self._another_priority,
            "full disk": self._fill_disk,
            "copy": self._copy,
            "restart with all data": lambda: self._server().restart(),
            "restart with older data": self._restart_older,
            "restart with no data": lambda: self._server().restart(NOTHING),
            "flush": lambda: self._server().flush(),
            "evict": self._evict,
            "roll back": self._roll_back,
            "hang": lambda: self._hang(self._server()),
            "down": self._go_down,
            "ineligible": self._ineligible,
            "clock step": self._step_clock,
            "liar": lambda: self._server().lie(self.random.choice(self.world.elections)),
            "cut": lambda: self._cut(self._victim().place, [self._server().name]),
            "cut one way": self._cut_one_way,
            "isolate": lambda: self._isolate(self._victim()),
            "swap address": self._swap_address,
            "misdirect": self._misdirect,
            "relay": self.plays.relay,
            "move": self.plays.move,
            CHANGE: self.changes.happen,
            LATE: self.late.come,
            POWER_CUT: self._cut_power,
        }

    def later(self, action: Callable[[], object]) -> None:
        """Undo a fault some time later, unless the calm has done so."""
        self.time.after(self.time.cruel_ns(), self.if_raging, action)

    def _victim(self) -> Node:
        """A node, the leader's as often as any other."""
        leader = self.world.leader(self.random.choice(self.world.elections))
        nodes = list(self.world.nodes.values())
        if leader is not None and self.random.random() < 0.5:
            return next(node for node in nodes if node.agent is leader)
        return self.random.choice(nodes)

    # Of nodes.

    def _freeze(self, node: Node) -> bool:
        agent = node.agent
        if agent is None or agent.frozen:
            return False
        agent.freeze()
        self.later(agent.thaw)
        return True

    def _crash(self, node: Node) -> None:
        node.crash()
        self._start_later(node)

    def _start_later(self, node: Node) -> None:
        """Start its agent again: at once, or about when the lease it held runs out."""

        def start() -> None:
            if self.world.nodes.get(node.place) is node:
                node.start()

        if self.random.random() < 0.5:
            self.time.after(int(self.random.random() * LEASE_NS / 10), self.if_raging, start)
        else:
            self.later(start)

    def _reboot(self) -> None:
        node = self._victim()
        node.reboot()
        if self.random.random() < 0.3:
            node.disk.runtime = ""
        self._start_later(node)

    def _stop(self) -> None:
        node = self._victim()
        node.stop()
        self._start_later(node)

    def _step_down(self) -> None:
        victim, successor = self._victim(), self.random.choice((None, "A", "B"))
        self._announce(successor)
        victim.step_down(successor)

    def _pause(self) -> None:
        node = self._victim()
        node.allow(allowed=False)
        self.later(lambda: node.allow(allowed=True))

    def _ask_to_step_down(self) -> None:
        victim, successor = self._victim(), self.random.choice((None, "A", "B", "C"))
        self._announce(successor)
        victim.ask_to_step_down(successor)

    def _announce(self, successor: str | None) -> None:
        """A hand-over is announced to this node, whether or not anything comes of it."""
        if successor in self.world.nodes:
            self.world.nodes[successor].announce()

    def _unfit(self) -> None:
        node = self._victim()
        node.turn(fit=False)
        self.later(lambda: node.turn(fit=True))

    def _another_priority(self) -> None:
        """Restart a node with another priority; one candidate is always left."""
        node = self._victim()
        node.priority = self.random.choice((50, 100, 200) if node.name == "A" else (0, 50, 100, 200))
        node.crash()
        self._start_later(node)

    def _fill_disk(self) -> None:
        disk = self._victim().disk
        full = self.random.choice(((False, False), (True, False), (False, True)))
        disk.terms_writable, disk.runtime_writable = full

        def empty() -> None:
            disk.terms_writable = disk.runtime_writable = True

        self.later(empty)

    def _copy(self) -> bool:
        """Start a copy of a node, runtime directory and all, for a while."""
        original = self._victim()
        place = f"{original.name}'"
        if place in self.world.nodes or original.place != original.name or original.name == STRAY:
            return False
        copy = self.world.nodes[place] = original.copied(place)
        copy.start()
        self.later(lambda: self._remove(place))
        return True

    def _remove(self, place: str) -> None:
        node = self.world.nodes.pop(place, None)
        if node is not None:
            node.crash()

    def remove_copies(self) -> None:
        """End all copies of nodes."""
        for place in [node.place for node in self.world.nodes.values() if node.place != node.name]:
            self._remove(place)

    # Of instances.

    def start_server(self, server: Server) -> None:
        """Start a server that was down, with all its data or with those that its disk happened to have."""
        keeps = self.climate.keeps_data or self.random.random() < 0.5
        server.restart(None if keeps else server.older())

    def _cut_power(self) -> None:
        """Let most instances and some nodes start anew at once, the instances often with nothing at all."""
        servers, all_is_lost = list(self.world.servers.values()), self.random.random() < 0.5
        for server in self.random.sample(servers, self.random.randint(len(servers) // 2 + 1, len(servers))):
            server.restart(NOTHING if all_is_lost else server.older())
        for node in self.world.nodes.values():
            if self.random.random() < 0.5:
                node.reboot()
                self._start_later(node)

    def _evict(self) -> None:
        self._server().evict(self.random.choice((None, *self.world.elections)))

    def _step_clock(self) -> bool:
        """Set a wall clock, where the climate lets clocks err."""
        if self.climate.wall != "wild":
            return False
        self._server().step_wall(self.random.choice((-2, -1, 1, 2)) * HOUR_MS)
        return True

    # Of the network.

    def _cut(self, place: str, names: Sequence[str], directions: tuple[str, ...] = DIRECTIONS) -> None:
        for name in names:
            self.network.cut(place, name, *directions)
        self.later(lambda: self.network.mend(place, *names))

    def _cut_one_way(self) -> None:
        self._cut(self._victim().place, [self._server().name], (self.random.choice(DIRECTIONS),))

    def _isolate(self, node: Node) -> None:
        """Cut a node from all instances, or all but one, notices perhaps not."""
        names = list(node.voters.instances)
        if self.random.random() < 0.5:
            names.remove(self.random.choice(names))
        self._cut(node.place, names, DIRECTIONS if self.random.random() < 0.7 else DIRECTIONS[:2])

    def _swap_address(self) -> bool:
        """Stop a server for good, and let another one answer under its name too."""
        if len(self.climate.instances) < 3 or self._swapped:
            return False
        name, other = self.random.sample(self.climate.instances, 2)
        self.world.servers[name].go_down()
        self._swapped = name
        self.network.destinations[name] = self.world.servers[other]
        self.time.tell(f"{name} is now the address of {other}")
        self.later(self.swap_back)
        return True

    def swap_back(self) -> None:
        """Put a new server behind the address that another one answered at."""
        name, self._swapped = self._swapped, ""
        if name:
            self.world.servers[name].restart(NOTHING)
            self.network.destinations[name] = self.world.servers[name]
            self.time.tell(f"{name} has its own address again")

    def _misdirect(self) -> bool:
        """Let another instance answer one node under a name, too; perhaps cut the node from the others."""
        if len(self.climate.instances) == 1:
            return False
        place = self._victim().place
        name, other = self.random.sample(self.climate.instances, 2)
        self.network.misdirected[place, name] = self.world.servers[other]
        self.time.tell(f"{name} is now the address of {other} for {place}")
        cut_off = sorted({*self.climate.instances} - {name, other}) if self.random.random() < 0.5 else []
        for third in cut_off:
            self.network.cut(place, third)

        def mend() -> None:
            self.network.misdirected.pop((place, name), None)
            self.network.mend(place, *cut_off)

        self.time.after(int(self.random.uniform(0.3, 2.5) * LEASE_NS), self.if_raging, mend)
        return True

    # In the middle of something.

    def strike(self, place: str, effect: Effect) -> None:
        """Let a fault strike just before an effect is carried out."""
        if not self.raging:
            return
        if isinstance(effect, Lost) and effect.cause is Cause.PREEMPTED:
            self._spoil(effect)
        if _is_delicate(effect):
            self.strike_before(place, type(effect).__name__)

    def strike_before(self, place: str, what: str) -> None:
        """Let a fault strike just before this node does something."""
        if not self.raging or not self.time.chance(self.climate.strike_share):
            return
        node = self.world.nodes.get(place)
        if node is None or node.agent is None or node.agent.frozen:
            return
        fault = self.random.choice(self.climate.strikes)
        self.time.count(f"strike: {fault} before {what}")
        match fault:
            case "freeze":
                self._freeze(node)
            case "crash":
                self._crash(node)
            case "isolate":
                self._isolate(node)
            case _:
                self._hang(self._server())

    def _spoil(self, lost: Lost) -> None:
        """Cut off the node that a leader makes room for; the reason begins with its name."""
        node = self.world.nodes.get(lost.reason.split()[0])
        if node is not None and self.time.chance(self.climate.spoils):
            self.time.count("strike: the successor is cut off")
            self._cut(node.place, node.voters.instances)

    def ambush(self, _: Sent, destination: Destination) -> None:
        """Let an instance go back in time just before a late request arrives."""
        server = next(server for server in self.world.servers.values() if server is destination)
        if self.raging and server.up and not server.hung and self.time.chance(self.climate.ambushes):
            self.time.count("fault: ambush of a late request")
            server.restart(server.older())


def _is_delicate(effect: Effect) -> bool:
    """Whether a fault just before this effect is worth a try: all but the everyday calls."""
    if isinstance(effect, Send):
        return not isinstance(effect.call.operation, Observe | Renew)
    return isinstance(effect, Gained | Lost | SaveHolder | SaveTerm)
