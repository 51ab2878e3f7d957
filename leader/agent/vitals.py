"""How loaded this machine is, and which of the operator's limits it breaks; `psutil` reads it.

Whatever stats a disk may hang for as long as the disk does, so callers read on a thread of their own.
"""

import os
from collections.abc import Iterable

import psutil

from leader.config.model import FitnessConfig
from leader.protocol.snapshot import VitalsView

ROOT = "/"
"""The disk that is shown whatever the configuration says."""


def read(paths: Iterable[str]) -> tuple[VitalsView, list[str]]:
    """The vitals, with the free share of the disks at `/` and at these paths; and what could not be read."""
    free: dict[str, float] = {}
    failures = []
    for path in dict.fromkeys((ROOT, *paths)):
        try:
            free[path] = round(100 - psutil.disk_usage(path).percent, 1)
        except OSError as error:
            failures.append(f"the disk at {path} cannot be examined: {error.strerror}")
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return VitalsView(round(load, 2), psutil.virtual_memory().percent, free), failures


def broken_limits(limits: FitnessConfig, vitals: VitalsView) -> list[str]:
    """What of these vitals is beyond the limits, a sentence each."""
    found = []
    load, memory = vitals.load_per_cpu, vitals.memory_percent
    if limits.max_load_per_cpu is not None and load > limits.max_load_per_cpu:
        found.append(f"the load per CPU is {load:g}, more than max_load_per_cpu {limits.max_load_per_cpu:g}")
    if limits.max_memory_percent is not None and memory > limits.max_memory_percent:
        found.append(
            f"{memory:g}% of the memory is in use, more than max_memory {limits.max_memory_percent:g}%"
        )
    for path, least in limits.min_free_disk_percent.items():
        free = vitals.free_disk_percent.get(path, least)
        if free < least:
            found.append(f"{free:g}% of the disk at {path} is free, less than min_free_disk {least:g}%")
    return found


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
        running = {process.info["name"] for process in psutil.process_iter(["name"])}
        found += [
            f"no process is called {name}, which required_processes names"
            for name in limits.required_processes
            if name not in running
        ]
    return found
