"""A server in the world: a model instance with a wall clock, that can hang, stop, forget, go back in time."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from leader.protocol.events import NS_PER_MS
from leader.protocol.record import LARGEST_TERM
from tests.simulation.instance import NOTHING, Data, Executed, ModelInstance
from tests.simulation.network import Network, Sent
from tests.simulation.timeline import WALL_MS

REMEMBERED_SNAPSHOTS = 6
ABSURD_TERM = LARGEST_TERM - 1
LITTLE_MS = 3000
LONG_AGO_NS = 2**62


class Server:
    """One Redis server: requests arrive, replies and notices leave."""

    def __init__(self, network: Network, name: str, wall_ms: int = WALL_MS) -> None:
        self.network = network
        self.time = network.time
        self.name = name
        self.model = ModelInstance(name)
        self.up = True
        self.hung = False
        self.losses = 0
        """How often it lost what it knew, or some of it."""
        self.runs_lost = 0
        """The same, of what it knew of runs."""
        self.jumped_at = -LONG_AGO_NS
        """When its wall clock was set by more than a few seconds, so that ages are worth nothing."""
        self.on_ticks: Callable[[Server, Sent, Executed], None] | None = None
        """Called after each script call about runs of jobs."""
        self._wall_ms = wall_ms
        self._wall_rate = 1
        self._waiting: list[Sent] = []
        self._snapshots: deque[Data] = deque([NOTHING], maxlen=REMEMBERED_SNAPSHOTS)

    @property
    def wall_ms(self) -> int:
        """What its wall clock shows now."""
        return self._wall_ms + self.time.now // NS_PER_MS * self._wall_rate

    def arrive(self, sent: Sent) -> None:
        """Take in a request; a hung server carries it out when it goes on."""
        if not self.up:
            self.network.refuse(sent)
        elif self.hung:
            self._waiting.append(sent)
            self.network.expect_silence(sent)
        else:
            executed = self.model.execute(sent.request, self.wall_ms)
            self.network.reply(sent, executed)
            if executed.notices:
                self.network.publish(self, executed.notices)
            if executed.runs:
                self.network.publish(self, executed.runs)
            if self.on_ticks is not None and executed.ticks is not None:
                self.on_ticks(self, sent, executed)

    # What happens to it.

    def save(self) -> None:
        """Keep a snapshot that a later fault may bring back."""
        self._snapshots.append(self.model.snapshot())

    def saved(self) -> Data:
        """What it saved last."""
        return self._snapshots[-1]

    def older(self) -> Data:
        """One of the states that it saved."""
        return self.time.random.choice(self._snapshots)

    def restart(self, data: Data | None = None) -> None:
        """Start it as a new process with these data, or with all that it had."""
        self.up, self.hung = True, False
        self._waiting.clear()
        if data is not None:
            self._lose()
        self.model.restart(self.model.snapshot() if data is None else data)
        what = "all its data" if data is None else "older data" if data.records else "no data"
        self.time.tell(f"{self.name} restarts with {what}")

    def roll_back(self, data: Data) -> None:
        """Have an older state under the same `run_id`, as after a time as the replica of a lagging one."""
        self._lose()
        self.model.roll_back(data)
        self.time.tell(f"{self.name} is rolled back")

    def _lose(self) -> None:
        self.losses += 1
        self.runs_lost += 1

    def flush(self) -> None:
        """Lose all data, and go on."""
        self._lose()
        self.model.restore(NOTHING)
        self.time.tell(f"{self.name} is flushed")

    def evict(self, election: str | None) -> None:
        """Lose one key: this election's record, or the configuration."""
        if election is None:
            self.model.configuration, self.model.configured_by = None, ""
        else:
            self.losses += 1
            self.model.records.pop(election, None)
        self.time.tell(f"{self.name} evicts {election or 'the configuration'}")

    def go_down(self) -> None:
        """Answer nobody any more."""
        self.up = False
        self._waiting.clear()
        self.time.tell(f"{self.name} goes down")

    def hang(self) -> None:
        """Stop for a while; requests pile up."""
        self.hung = True
        self.time.tell(f"{self.name} hangs")

    def go_on(self) -> None:
        """Carry out what piled up."""
        if self.hung:
            self.hung = False
            self.time.tell(f"{self.name} goes on")
            waiting, self._waiting = self._waiting, []
            for sent in waiting:
                self.arrive(sent)

    @property
    def lies(self) -> bool:
        """Whether it keeps a term that nobody may believe."""
        return any(record.term == ABSURD_TERM for record in self.model.records.values())

    def lie(self, election: str) -> None:
        """Keep an absurd term of an election, as after somebody wrote it by hand."""
        record = self.model.records.get(election)
        if record is not None:
            self.model.records[election] = replace(record, term=ABSURD_TERM)
            self.time.tell(f"{self.name} lies about the term of {election}")

    def repent(self) -> None:
        """Forget whatever it lies about."""
        for election in [name for name, record in self.model.records.items() if record.term == ABSURD_TERM]:
            self.evict(election)

    def set_wall(self, wall_ms: int) -> None:
        """Let its wall clock show this, and stand still."""
        self._wall_ms, self._wall_rate = wall_ms, 0

    def step_wall(self, step_ms: int) -> None:
        """Set its wall clock forward or back."""
        self._wall_ms = max(1, self._wall_ms + step_ms)
        if abs(step_ms) > LITTLE_MS:
            self.jumped_at = self.time.now
        self.time.tell(f"the wall clock of {self.name} is set by {step_ms} ms")
