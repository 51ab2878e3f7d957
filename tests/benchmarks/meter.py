"""What does a process, or an instance, use: memory, processor, wakeups; commands and bytes?

Linux only: the processor's time comes from the clock that the kernel keeps for each process, in nanoseconds,
since ticks of 10 ms are too coarse for an idle agent.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from leader.clock import now_ns

SCHEDULED = 2
"""The kind of clock that counts what the scheduler gave (clock_getcpuclockid(3))."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident, and that with what is shared divided among those that share it; MB are a million bytes."""

    rss: float
    pss: float


@dataclass(slots=True)
class Used:
    """What was used per second, once the block has ended: percent of a core, and wakeups."""

    cpu: float = 0.0
    wakeups: float = 0.0


@dataclass(slots=True)
class Served:
    """What an instance did per second, once the block has ended: script calls, all commands, bytes."""

    scripts: float = 0.0
    commands: float = 0.0
    received: float = 0.0
    sent: float = 0.0


def memory(pid: int) -> Memory:
    """What a process has in memory now."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    rss, pss = (re.search(rf"^{name}: +(\d+) kB", text, re.MULTILINE) for name in ("Rss", "Pss"))
    assert rss
    assert pss
    return Memory(int(rss[1]) * 1024 / 1e6, int(pss[1]) * 1024 / 1e6)


def cpu_ns(pid: int) -> int:
    """The processor's time that a process has used, with all threads that it ever had."""
    return time.clock_gettime_ns(~pid << 3 | SCHEDULED)


def switches(pid: int) -> int:
    """How often a thread of the process went to sleep or was interrupted."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        total += sum(map(int, re.findall(r"ctxt_switches:\t(\d+)", status.read_text())))
    return total


@contextmanager
def using(pid: int) -> Iterator[Used]:
    """Meters a process for the length of the block."""
    used, began, cpu, before = Used(), now_ns(), cpu_ns(pid), switches(pid)
    yield used
    seconds = (now_ns() - began) / 1e9
    used.cpu = (cpu_ns(pid) - cpu) / 1e9 / seconds * 100
    used.wakeups = (switches(pid) - before) / seconds


@contextmanager
def serving(url: str) -> Iterator[Served]:
    """Meters an instance for the length of the block, by its own counters."""
    with Redis.from_url(url) as instance:
        served, began, before = Served(), now_ns(), _counters(instance)
        yield served
        seconds = (now_ns() - began) / 1e9
        rates = [(now - then) / seconds for now, then in zip(_counters(instance), before, strict=True)]
        served.scripts, served.commands, served.received, served.sent = rates


def _counters(instance: Redis) -> tuple[int, int, int, int]:
    scripts = instance.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    stats = instance.info("stats")
    return (
        scripts,
        stats["total_commands_processed"],
        stats["total_net_input_bytes"],
        stats["total_net_output_bytes"],
    )
