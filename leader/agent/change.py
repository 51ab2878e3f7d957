"""May the quorum take its next step? What still stands in the way of it, by what instances and nodes show.

A change of the list or of the lease has two steps. Each may begin when every node runs the step before and a
leader has renewed under it: then every later leader has a majority in common with it, and knows its term.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from leader.agent.registry import Entry
from leader.durations import format_duration
from leader.protocol.calls import Configuration
from leader.protocol.gap import DEFAULT_GAP_MS
from leader.protocol.quorum import Voters


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of a quorum: the configuration that each instance keeps, and the entry of each node.

    An instance that did not answer is not among them.
    """

    kept: Mapping[str, Configuration | None]
    nodes: Mapping[str, Entry]


def obstacles(own: Configuration, voters: Voters, sight: Sight, wall_ms: int) -> list[str]:
    """What keeps the quorum of this configuration from taking its next step; empty if nothing does."""
    found = []
    ours = [name for name, kept in sight.kept.items() if kept == own]
    if voters.spare(ours) < 0:
        found.append(
            f"{len(ours)} of {len(voters.instances)} instances keep generation {own.generation}: a leader "
            f"that runs it has to renew at {-voters.spare(ours)} more"
        )
    for node, entry in sorted(sight.nodes.items()):
        if entry.generation != own.generation:
            found.append(
                f"node {node} runs generation {entry.generation}: give it this node's file and reload it, or "
                f"if it is gone for good, `leader forget {node}`"
            )
    return found or _memory(own, voters, sight, wall_ms)


def _memory(own: Configuration, voters: Voters, sight: Sight, wall_ms: int) -> list[str]:
    """Whether the old list alone may know of a tick: it was written there until the last node changed."""
    if len({frozenset(names) for names in voters.lists}) == 1 or not sight.nodes:
        return []
    node, entry = max(sight.nodes.items(), key=lambda item: item[1].started_ms)
    ran_ms, gap = max(0, wall_ms - entry.started_ms), format_duration(DEFAULT_GAP_MS)
    if ran_ms >= DEFAULT_GAP_MS:
        return []
    ran = format_duration(ran_ms // 1000 * 1000)
    sentence = (
        f"node {node} runs generation {own.generation} for {ran} only: what `leader once` claimed before is "
        f"known to the old list alone, so wait for {gap}, or for the longest --gap of your jobs"
    )
    return [sentence]
