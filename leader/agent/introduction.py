"""What this node registers of itself for the others to read, at every instance, once a beat."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from leader import __version__, clock
from leader.agent.contention import Contention
from leader.agent.fitness import Fitness
from leader.agent.history import History
from leader.agent.lane import Lane, answering
from leader.agent.registry import Entry, encode
from leader.config.model import Config
from leader.protocol.elector import Elector
from leader.protocol.events import NS_PER_MS, Cause, Instant
from leader.protocol.snapshot import VitalsView

FRESH_NS = 20 * NS_PER_MS
"""So long a text is good for the other instances: a beat calls them all at one moment."""

MINUTE_NS = 60_000 * NS_PER_MS
"""How often figures are told anew that change all the time: every text that differs is read by every node."""


@dataclass(slots=True)
class Introduction:
    """Puts together what the parts of the agent know; `addresses` has each instance's, by its name."""

    config: Config
    incarnation: str
    addresses: Mapping[str, str]
    electors: Mapping[str, Elector]
    contention: Contention
    fitness: Fitness
    history: History
    lanes: Mapping[str, Lane]
    _started_ms: int = field(default_factory=clock.wall_ms)
    _text: str = ""
    _made_at: Instant = 0
    _vitals: VitalsView | None = None
    _vitals_at: Instant = 0

    def text(self) -> str:
        """The text to register now."""
        now = clock.now_ns()
        if not self._text or now - self._made_at > FRESH_NS:
            self._text, self._made_at = encode(self._entry(now)), now
        return self._text

    def _entry(self, now: Instant) -> Entry:
        answers = answering(self.lanes, now)
        forbidden = self.contention.reasons
        return Entry(
            node=self.config.node.name,
            version=__version__,
            generation=self.config.quorum.generation,
            started_ms=self._started_ms,
            incarnation=self.incarnation,
            contends=all(
                elector.may_contend(now) and not elector.disk_fails(now)
                for elector in self.electors.values()
                if elector.identity.priority > 0
            ),
            paused=Cause.PAUSED in forbidden,
            fit=not self.contention.unfit,
            reason=forbidden.get(Cause.PAUSED, self.contention.unfit),
            vitals=self._recent_vitals(now),
            sees_majority=self.config.quorum.voters().spare(lane.name for lane in answers) >= 0,
            priorities={name: elector.identity.priority for name, elector in self.electors.items()},
            roles={name: str(elector.role(now)) for name, elector in self.electors.items()},
            processes={self.addresses[lane.name]: lane.process for lane in answers},
            ended=self.history.own_ends(),
        )

    def _recent_vitals(self, now: Instant) -> VitalsView | None:
        if self._vitals is None or now - self._vitals_at > MINUTE_NS:
            self._vitals, self._vitals_at = self.fitness.vitals, now
        return self._vitals
