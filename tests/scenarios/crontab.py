"""What stories tell of `leader once`: calls, what is told of them, and what instances keep."""

from dataclasses import dataclass, field

from leader.protocol.events import NS_PER_MS
from tests.simulation.jobs_once import JOB, Once, Schedule
from tests.simulation.jobs_promises import TickPromises
from tests.simulation.timeline import LEASE_NS
from tests.simulation.world import World


class Diverged(Exception):
    """The story did not go as told; with a bent protocol it need not."""


@dataclass
class Crontab:
    """The commands of a story that are about ticks."""

    world: World
    schedule: Schedule = Schedule(60_000, 45_000, 20_000)  # noqa: RUF009  # it is frozen
    onces: dict[str, Once] = field(default_factory=dict)
    traps: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.promises = TickPromises(self.world.time, self.world.servers)

    def strike_tick(self, place: str, before: str) -> None:
        """Let a story's crash strike before a claim or a decision."""
        if self.traps.pop((place, before.split()[1]), ""):
            self.world.nodes[place].crash()

    def do_schedule(self, *options: str) -> None:
        """`schedule gap=45 wait=20 overlap=skip`: how `once` is called from now on, in seconds."""
        given = dict(option.split("=") for option in options)
        gap_ms, wait_ms = (int(float(given.get(name, "20")) * 1000) for name in ("gap", "wait"))
        self.schedule = Schedule(60_000, gap_ms, wait_ms, overlaps=given.get("overlap") != "skip")

    def do_once(self, name: str, tick: str, *rest: str) -> None:
        """`once A 1`, `once A 1 for 30 s`: a call of the first tick; its job takes so long, 50 ms else."""
        seconds = float(rest[1]) if rest else 0.05
        node = self.world.nodes[name]
        duration = int(seconds * 1000) * NS_PER_MS
        once = Once(node, self.schedule, int(tick), self.promises, duration, nonce=f"{name}/{tick}")
        if not self.onces:
            self._keep_sampling()
        self.onces[once.nonce] = once
        node.jobs.append(once)
        self.promises.called(once)
        once.ask()

    def _keep_sampling(self) -> None:
        self.promises.sample()
        self.world.time.after(LEASE_NS // 50, self._keep_sampling)

    def do_told(self, name: str, tick: str, *words: str) -> None:
        """`told A 1 yours`, `told A 1 nothing`: what its call was answered by now."""
        once = self.onces[f"{name}/{tick}"]
        told = str(once.said or ("undecided" if once.is_undecided else "nothing"))
        if told != words[0]:
            message = f"{name} is told {told} of {tick}, not {words[0]}"
            raise Diverged(message)

    def do_judge(self, tick: str, how: str = "") -> None:
        """`judge 1`: all calls of this tick have ended; it was started, or somebody says why not.

        `judge 1 calm`: nothing was wrong, so that it must have been started.
        """
        self.promises.ticks[int(tick)].is_calm = how == "calm"
        self.promises.judge(int(tick))

    def do_die(self, name: str) -> None:
        """`die A`: the machine, with all that runs there."""
        self.world.nodes[name].reboot()

    def do_ledger(self, *names: str) -> None:
        """`ledger 1 2`: tell what these instances keep of the job."""
        for name in names:
            server = self.world.servers[name]
            runs = server.model.ledger.shown(JOB, server.wall_ms)
            kept = [f"{run.nonce} {run.state} of {run.age_ms / 1000:.1f} s ago" for run in runs]
            self.world.time.tell(f"{name} keeps {', '.join(kept) or 'nothing'}")
