"""Three model instances that answer hand-driven electors at once, for what takes two nodes to show."""

from leader.protocol.events import Noticed, Replied
from tests.rules.driver import LEASE_MS, NAMES, WALL_MS, Driver
from tests.simulation.instance import ModelInstance, Request

STEP_MS = LEASE_MS / 120


class Quorum:
    """Instances x, y and z and their nodes: those in `cut` reach none, and none reaches those in `dead`."""

    def __init__(self, *nodes: Driver) -> None:
        self.nodes = list(nodes)
        self.instances = {name: ModelInstance(name) for name in NAMES}
        self.cut: set[Driver] = set()
        self.dead: set[str] = set()
        self.rates = dict.fromkeys(nodes, 1.0)
        """How fast each node's clock runs."""
        self.leaders: list[Driver] = []
        self.terms: list[int] = []
        self._served = dict.fromkeys(nodes, 0)
        self._passed_ms = 0.0

    def run(self, duration_ms: float) -> None:
        """Let time pass in small steps; at each, every call is answered and the leaders are counted."""
        end = self._passed_ms + duration_ms
        while self._passed_ms < end:
            self._passed_ms += STEP_MS
            for node in self.nodes:
                node.wait(STEP_MS * self.rates[node])
            self.settle()

    def settle(self) -> None:
        """Answer every open call, and what follows from the answers, until nobody asks any more."""
        while any(self._serve(node) for node in self.nodes):
            self._look()
        self._look()

    def _look(self) -> None:
        leaders = [node for node in self.nodes if node.leads()]
        assert len(leaders) <= 1, "two leaders"
        for leader in leaders:
            tenure = leader.elector.tenure
            assert tenure is not None
            if tenure.holder.term not in self.terms[-1:]:
                self.leaders.append(leader)
                self.terms.append(tenure.holder.term)

    def _serve(self, node: Driver) -> bool:
        if self._served[node] == len(node.asked):
            return False
        asked = node.asked[self._served[node]]
        self._served[node] += 1
        if node in self.cut or asked.instance in self.dead:
            node.miss(asked)
            return True
        identity = node.elector.identity
        request = Request(identity.configuration, identity.node, (asked.call,))
        executed = self.instances[asked.instance].execute(request, WALL_MS + round(self._passed_ms))
        reply = executed.reply
        node.handle(
            Replied(
                asked.instance,
                asked.call.nonce,
                reply.process,
                reply.wall_ms,
                node.own_wall_ms,
                reply.configuration,
                reply.configured_by,
                reply.answers[0],
            )
        )
        for notice in executed.notices:
            for other in self.nodes:
                if other not in self.cut:
                    other.handle(Noticed(asked.instance, notice.record))
        return True
