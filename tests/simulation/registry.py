"""What the simulated nodes write into the registry, and how they read it: a courtesy, never safety."""

from collections.abc import Iterable
from functools import lru_cache

from leader.protocol.calls import Registration
from leader.protocol.events import NS_PER_MS, Candidate, Instant


def write(*, priority: int, contends: bool, sees_majority: bool, processes: Iterable[tuple[str, str]]) -> str:
    """The text that a node registers."""
    pairs = ",".join(f"{name}={process}" for name, process in processes)
    return f"{priority};{contends:d};{sees_majority:d};{pairs}"


@lru_cache(maxsize=512)
def _read(text: str) -> tuple[int, bool, bool, tuple[tuple[str, str], ...]]:
    priority, contends, sees, pairs = text.split(";")
    processes = tuple(
        (name, process) for name, _, process in (pair.partition("=") for pair in pairs.split(","))
    )
    return int(priority), contends == "1", sees == "1", processes


def candidates(registry: Iterable[Registration], node: str, now: Instant) -> tuple[Candidate, ...]:
    """The other nodes as candidates."""
    found = []
    for entry in registry:
        if entry.node != node:
            priority, contends, sees, processes = _read(entry.text)
            seen_at = now - entry.age_ms * NS_PER_MS
            found.append(Candidate(entry.node, priority, contends, sees, seen_at, processes))
    return tuple(found)
