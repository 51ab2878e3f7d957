"""What the simulated nodes write into the registry, and how they read it: a courtesy, never safety."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from leader.protocol.calls import Registration
from leader.protocol.events import NS_PER_MS, Candidate, Instant


class Entry(NamedTuple):
    """What a node registers."""

    incarnation: str
    priority: int
    contends: bool
    fit: bool
    sees_majority: bool
    generation: int
    processes: tuple[tuple[str, str], ...]


def write(entry: Entry) -> str:
    """The text that a node registers."""
    pairs = ",".join(f"{name}={process}" for name, process in entry.processes)
    flags = f"{entry.contends:d};{entry.fit:d};{entry.sees_majority:d};{entry.generation}"
    return f"{entry.incarnation};{entry.priority};{flags};{pairs}"


@lru_cache(maxsize=512)
def read(text: str) -> Entry:
    """What a node registered."""
    incarnation, priority, contends, fit, sees, generation, pairs = text.split(";")
    processes = tuple(
        (name, process) for name, _, process in (pair.partition("=") for pair in pairs.split(","))
    )
    flags = contends == "1", fit == "1", sees == "1"
    return Entry(incarnation, int(priority), *flags, int(generation), processes)


def candidates(registry: Iterable[Registration], node: str, now: Instant) -> tuple[Candidate, ...]:
    """The other nodes as candidates."""
    found = []
    for registered in registry:
        if registered.node != node and registered.text:
            entry = read(registered.text)
            found.append(
                Candidate(
                    node=registered.node,
                    priority=entry.priority,
                    contends=entry.contends,
                    sees_majority=entry.sees_majority,
                    seen_at=now - registered.age_ms * NS_PER_MS,
                    processes=entry.processes,
                    incarnation=entry.incarnation,
                    paused=not entry.contends and entry.fit,
                    fit=entry.fit,
                    generation=entry.generation,
                )
            )
    return tuple(found)
