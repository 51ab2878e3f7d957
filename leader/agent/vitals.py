"""How loaded this machine is, and which of the operator's limits it breaks; `psutil` reads it.

Whatever stats a disk may hang for as long as the disk does, so callers read on a thread of their own.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import psutil

from leader.config.model import FitnessConfig
from leader.protocol.snapshot import VitalsView

ROOT = "/"
"""The disk that is shown whatever the configuration says."""

KEPT_CHARACTERS = 15
"""So much of a process's name the kernel keeps. Source: proc(5), /proc/pid/comm."""

ENDED = frozenset({psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD})


@dataclass(frozen=True, slots=True)
class Found:
    """What was read. None is what this process may not see, which matters only if it is limited."""

    load_per_cpu: float | None
    memory_percent: float | None
    free_disk_percent: Mapping[str, float]
    failures: Mapping[str, str]
    """Why a disk could not be examined, by its path."""

    def view(self) -> VitalsView | None:
        """For display, if there is all that is shown."""
        if self.load_per_cpu is None or self.memory_percent is None:
            return None
        return VitalsView(self.load_per_cpu, self.memory_percent, dict(self.free_disk_percent))


def read(paths: Iterable[str]) -> Found:
    """The vitals, with the free share of the disks at `/` and at these paths."""
    free: dict[str, float] = {}
    failures: dict[str, str] = {}
    for path in dict.fromkeys((ROOT, *paths)):
        try:
            free[path] = round(100 - psutil.disk_usage(path).percent, 1)
        except OSError as error:
            failures[path] = error.strerror or str(error)
    return Found(_perhaps(_load_per_cpu), _perhaps(_memory_percent), free, failures)


def _load_per_cpu() -> float:
    return round(os.getloadavg()[0] / (os.cpu_count() or 1), 2)


def _memory_percent() -> float:
    return float(psutil.virtual_memory().percent)


def _perhaps(ask: Callable[[], float]) -> float | None:
    """What the system tells, or None where all but the processes is hidden in /proc."""
    try:
        return ask()
    except OSError:
        return None


def broken_limits(limits: FitnessConfig, found: Found) -> list[str]:
    """What of these vitals is beyond the limits, or cannot be told to be within, a sentence each."""
    load, most_load = found.load_per_cpu, limits.max_load_per_cpu
    memory, most_memory = found.memory_percent, limits.max_memory_percent
    complaints = []
    if most_load is not None and load is None:
        complaints.append(_unseen("load", "max_load_per_cpu", "/proc/loadavg"))
    elif most_load is not None and load is not None and load > most_load:
        complaints.append(f"the load per CPU is {load:g}, more than max_load_per_cpu {most_load:g}")
    if most_memory is not None and memory is None:
        complaints.append(_unseen("memory in use", "max_memory", "/proc/meminfo"))
    elif most_memory is not None and memory is not None and memory > most_memory:
        complaints.append(f"{memory:g}% of the memory is in use, more than max_memory {most_memory:g}%")
    return complaints + list(_too_full(limits.min_free_disk_percent, found))


def _unseen(what: str, key: str, file: str) -> str:
    return (
        f"the {what}, which {key} limits, cannot be read: let the agent see {file} (does its service "
        "set ProcSubset=pid?)"
    )


def _too_full(least_free: Mapping[str, float], found: Found) -> Iterator[str]:
    for path, least in least_free.items():
        if path in found.failures:
            yield f"the disk at {path} cannot be examined: {found.failures[path]}"
        elif (free := found.free_disk_percent[path]) < least:
            yield f"{free:g}% of the disk at {path} is free, less than min_free_disk {least:g}%"


def missing(limits: FitnessConfig) -> list[str]:
    """Which required mounts and processes are not there, a sentence each."""
    found = []
    if limits.required_mounts:
        mounted = {partition.mountpoint for partition in psutil.disk_partitions(all=True)}
        found += [
            f"nothing is mounted at {mount}, which required_mounts names"
            for mount in limits.required_mounts
            if os.path.normpath(mount) not in mounted
        ]
    if limits.required_processes:
        shown = _names_of_processes()
        found += [
            f"no process is called {name}, which required_processes names"
            for name in limits.required_processes
            if not is_called(name, shown)
        ]
    return found


def _names_of_processes() -> set[str]:
    """Of all but those that have ended and are only waited for."""
    processes = (process.info for process in psutil.process_iter(["name", "status"]))
    return {about["name"] for about in processes if about["name"] and about["status"] not in ENDED}


def is_called(name: str, shown: Iterable[str]) -> bool:
    """Whether one is: in full, or by what the kernel keeps, if only that is known or asked for."""
    return any(
        name == one or (name[:KEPT_CHARACTERS] == one[:KEPT_CHARACTERS] and _is_cut(name, one))
        for one in shown
    )


def _is_cut(*names: str) -> bool:
    return min(map(len, names)) == KEPT_CHARACTERS
