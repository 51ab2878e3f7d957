"""Agents of the simulation that keep real lease files, and the real script that is asked by them.

The files are written by `leader.agent.leases`, in directories of their own; a shell runs the script's own
text, with the processes and the clocks of the simulated hosts. Each yes is held against the protocol's truth.
"""

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from leader import clock
from leader.agent.conductor import sure
from leader.agent.leases import TICK_NS, Leases, Sure
from leader.protocol.events import Effect, Event, Gained, HolderNotSaved, Lost
from leader.protocol.record import Holder
from tests.simulation.agent import Agent
from tests.simulation.promises import BrokenPromise
from tests.simulation.storm import Storm
from tests.simulation.timeline import LEASE_NS
from tests.support.node import PROJECT

SCRIPT = PROJECT / "packaging/bin/leader"
YES, ASKS = "0", "9"
WRITABLE = 0.8
"""How much of the time a runtime directory can be written, amid faults."""

SHELL = """
while read -r directory election; do
    ( LEADER_SOCKET=$directory/s; set -- is-leader "$election"
{script}
    )
    echo $?
done
"""


def simulated(script: str, processes: Path) -> str:
    """The script, asked again and again, where processes and the clock are files of this directory."""
    script, goes_on, _ = script.partition("\n# Go on in Python")
    assert goes_on
    script += f"\nexit {ASKS}\n"
    for old, new in (
        ('"/proc/$pid/stat"', f'"{processes}/$pid/stat"'),
        ("</proc/uptime", f'<"{processes}/uptime"'),
    ):
        assert script.count(old) == 1
        script = script.replace(old, new)
    return SHELL.format(script=script)


class UnremovableLeases(Leases):
    """Lease files in a directory that is read-only from time to time, and then is so in every way."""

    writable = True
    removable = True

    def withdraw(self, election: str) -> None:
        if not (self.writable and self.removable) and election in self._shown:
            raise OSError(30, "Read-only file system")
        super().withdraw(election)

    def _write(self, election: str, news: object) -> None:
        if not self.writable:
            raise OSError(30, "Read-only file system")
        super()._write(election, news)  # type: ignore[arg-type]  # it is handed on


class Watch:
    """All agents of one world that keep lease files, and whoever asks by these."""

    def __init__(self, directory: Path, script: str) -> None:
        self.directory = directory
        self.processes = directory / "processes"
        self.processes.mkdir()
        self.agents: dict[str, ShowingAgent] = {}
        self.now = 0
        self.started = 0
        self.counts: Counter[str] = Counter()
        self._shell = subprocess.Popen(
            ["dash", "-c", simulated(script, self.processes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def close(self) -> None:
        """End the shell."""
        self._shell.communicate(timeout=30)

    def place(self, agent: "ShowingAgent") -> Path:
        """The directory of an agent's socket."""
        place = self.directory / agent.place
        place.mkdir(exist_ok=True)
        return place

    def began(self, agent: "ShowingAgent") -> str:
        """A process of its own for this agent: its id and when it began, as lease files have it."""
        self.agents[agent.place] = agent
        self.started += 1
        pid, start = 1000 + self.started, agent.now // TICK_NS
        (self.processes / str(pid)).mkdir()
        stat = f"{pid} (agent) S {'0 ' * 18}{start} 0 0\n"
        (self.processes / str(pid) / "stat").write_text(stat)
        return f"{pid} {start}"

    def ended(self, process: str) -> None:
        """That process is gone."""
        (self.processes / process.partition(" ")[0] / "stat").unlink()

    def look(self) -> None:
        """Ask about all that any agent, living or dead, has a file of."""
        for file in sorted(self.directory.glob("*/s.leases/*")):
            self._judge(file.parents[1].name, file.name)

    def _judge(self, place: str, election: str) -> None:
        agent = self.agents[place]
        seconds, ticks = divmod(agent.now // TICK_NS, 100)
        (self.processes / "uptime").write_text(f"{seconds}.{ticks:02d} 0.00\n")
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.write(f"{self.directory / place} {election}\n")
        code = self._shell.stdout.readline().strip()
        assert code in (YES, ASKS)
        if code == ASKS:
            self.counts["is asked"] += 1
            return
        self.counts["yes"] += 1
        if agent.dead:
            raise BrokenPromise("lease file", f"{place} is dead, and its file says yes")
        others = [other for other in self.agents.values() if other is not agent and not other.dead]
        if any(election in other.electors and other.electors[election].leads(other.now) for other in others):
            raise BrokenPromise("lease file", f"{place}'s file says yes while another one leads")
        if agent.electors[election].leads(agent.now):
            self.counts["yes, frozen"] += agent.frozen
        elif agent.leases.writable and agent.leases.removable:
            raise BrokenPromise("lease file", f"{place} does not lead, and its file says yes")
        else:
            self.counts["yes, cannot be removed"] += 1


class ShowingAgent(Agent):
    """An agent that keeps lease files, in the order in which the conductor sees to them."""

    watch: Watch
    leases: UnremovableLeases
    process: str

    def start(self) -> None:
        self._at_its_clock()
        self.leases = UnremovableLeases(self.watch.place(self) / "s", self.place, self.lease_ns)
        self.process = self.leases._process = self.watch.began(self)
        super().start()

    def die(self) -> None:
        super().die()
        self.watch.ended(self.process)

    def _at_its_clock(self) -> None:
        self.watch.now = self.now

    def _withdraws_in_time(self, election: str) -> None:
        self._at_its_clock()
        self.leases.withdraw(election)

    def _do(self, election: str, effect: Effect) -> None:
        self.leases.writable = self.disk.runtime_writable
        if isinstance(effect, Lost):
            self._stops_showing(election)
        super()._do(election, effect)
        if isinstance(effect, Gained):
            self.watch.look()

    def _stops_showing(self, election: str) -> None:
        self._at_its_clock()
        self.leases.show({election: None})

    def _save_holder(self, election: str, holders: tuple[Holder, ...]) -> Event:
        try:
            self._withdraws_in_time(election)
        except OSError:
            self.watch.counts["not released"] += 1
            return HolderNotSaved()
        return super()._save_holder(election, holders)

    def _drain(self) -> None:
        was_draining = self._draining
        super()._drain()
        if not (was_draining or self.dead or self.frozen):
            self.leases.writable = self.disk.runtime_writable
            self._show()

    def _show(self) -> None:
        self._at_its_clock()
        self.leases.show(self._news())

    def _news(self) -> dict[str, Sure | None]:
        return {name: sure(elector, self.now) for name, elector in self.electors.items()}


@contextmanager
def watched(
    directory: Path,
    seed: int,
    *,
    agent: type[ShowingAgent] = ShowingAgent,
    script: str = "",
    operators: bool = False,
) -> Iterator[tuple[Storm, Watch]]:
    """The storm of a seed, in which all agents keep lease files; they are asked at moments of no event, too.

    Their runtime directories are read-only now and then.
    """
    watch = Watch(directory, script or SCRIPT.read_text())
    storm = Storm(seed, operators=operators)
    kind = type("Showing", (agent,), {"watch": watch})
    storm.world.agent_type = kind
    for node in storm.world.nodes.values():
        node.agent_type = kind

    random = Random(seed)

    def ask() -> None:
        watch.look()
        if storm.faults.raging:
            for node in storm.world.nodes.values():
                node.disk.runtime_writable = random.random() < WRITABLE
        storm.time.after(LEASE_NS // 23, ask)

    storm.time.after(0, ask)
    with pytest.MonkeyPatch.context() as clocks:
        clocks.setattr(clock, "now_ns", lambda: watch.now)
        clocks.setattr(clock, "uptime_ns", lambda: watch.now // TICK_NS * TICK_NS)
        try:
            yield storm, watch
        finally:
            watch.close()
