"""What is wrong with the other nodes, as the instances' registries show them?

Rules over what nodes registered; it knows nothing of how that was read.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from leader.agent.registry import Entry
from leader.doctor.finding import Finding, Severity
from leader.durations import format_duration

YOUNG_LEASES = 3
"""A node that registered within so many leases runs; what an older entry says may be long over."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One node's entry as one instance kept it, and how long ago it was written."""

    entry: Entry
    age_ms: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """This node among the others.

    `processes` maps the address of each instance to the process that answers there for this node, empty
    where none does. `glances` has, for each instance, its registry from one moment to the next.
    """

    node: str
    version: str
    lease_ms: int
    generation: int
    elections: Collection[str]
    processes: Mapping[str, str]
    glances: Sequence[Sequence[Sequence[Sight]]]

    def latest(self) -> dict[str, Sight]:
        """Each node's youngest entry."""
        found: dict[str, Sight] = {}
        for sight in (sight for glances in self.glances for sight in (glances[-1] if glances else ())):
            known = found.get(sight.entry.node)
            if known is None or sight.age_ms < known.age_ms:
                found[sight.entry.node] = sight
        return dict(sorted(found.items()))


def examine(around: Surroundings) -> list[Finding]:
    """All that is wrong with the nodes of this cluster."""
    found: list[Finding] = []
    for node, sight in around.latest().items():
        found += _twins(node, around)
        if node == around.node:
            continue
        if sight.age_ms > YOUNG_LEASES * around.lease_ms:
            found.append(_gone(node, sight))
        elif _is_unknown(sight.entry, around):
            found.append(_unknown(node))
        else:
            found += [*_servers(sight.entry, around), *_state(sight.entry, around)]
    return found


def _twins(node: str, around: Surroundings) -> Iterator[Finding]:
    """Two agents of one name register in turn; a restart shows the second one from then on."""
    for glances in around.glances:
        seen = [s.entry.incarnation for glance in glances for s in glance if s.entry.node == node]
        in_turn = [incarnation for incarnation, _ in groupby(seen)]
        if len(in_turn) > len(set(in_turn)):
            yield Finding(
                Severity.CRITICAL,
                "node-twin",
                f"two agents run under the name {node}",
                "each takes the other for itself: elections, status and history mix them up",
                "give each machine a name of its own: node.name in its file, or LEADER_NODE; "
                "look for machines that were cloned",
            )
            return


def _gone(node: str, sight: Sight) -> Finding:
    return Finding(
        Severity.INFO,
        "node-gone",
        f"node {node} was last seen {format_duration(sight.age_ms // 1000 * 1000)} ago",
        "its agent does not run, or reaches no instance; it cannot take over",
        f"start its agent, or run `leader doctor` on {node}; an old entry goes after a day",
    )


def _is_unknown(entry: Entry, around: Surroundings) -> bool:
    """Whether it shares neither an election nor the address of an instance with this node."""
    return not (set(entry.priorities) & set(around.elections) or set(entry.processes) & set(around.processes))


def _unknown(node: str) -> Finding:
    return Finding(
        Severity.CRITICAL,
        "node-unknown",
        f"node {node} uses this cluster's name, and shares no election and no instance's address",
        "another cluster of the same name on the same servers writes into this one's keys",
        f'give one of them another name: cluster = "…" in the file of {node} and of all that belong to it',
    )


def _servers(entry: Entry, around: Surroundings) -> Iterator[Finding]:
    """Its step of a change, its list of instances, as far as it shows, and who answers it there."""
    more = sorted(set(entry.processes) - set(around.processes))
    if entry.generation != around.generation:
        yield _other_generation(entry, around)
    elif more:
        yield Finding(
            Severity.CRITICAL,
            "node-other-list",
            f"node {entry.node} uses instances that this node does not list: {', '.join(more)}",
            "two lists may have two majorities, and so two leaders; agents refuse to vote with both",
            f"make quorum.instances the same on {entry.node} and here, in any order",
        )
    for address, process in entry.processes.items():
        own = around.processes.get(address, "")
        if own and own.partition(":")[0] != process.partition(":")[0]:
            yield Finding(
                Severity.CRITICAL,
                "node-other-server",
                f"node {entry.node} reaches another server than this node under the address {address}",
                "each counts the vote of its own server, so a majority may be had twice",
                f"compare what the address means on {entry.node} and here (DNS, /etc/hosts, localhost, a "
                "proxy), and write one that means the same server everywhere",
            )


def _other_generation(entry: Entry, around: Surroundings) -> Finding:
    what = f"node {entry.node} runs generation {entry.generation} of the quorum, and this node's file says "
    if abs(entry.generation - around.generation) == 1:
        return Finding(
            Severity.INFO,
            "node-step",
            f"{what}{around.generation}",
            "the quorum is being changed, and the next step may not begin before every node runs this one",
            "bring the node that is behind to the later step: its file, then `systemctl reload leader`",
        )
    return Finding(
        Severity.CRITICAL,
        "node-other-generation",
        f"{what}{around.generation}",
        "two steps of a change need not share an instance, so both could have a leader",
        f"stop the agent of {entry.node} or this one, whichever is wrong, and give it the file of the others",
    )


def _state(entry: Entry, around: Surroundings) -> Iterator[Finding]:
    if not entry.sees_majority:
        yield Finding(
            Severity.WARNING,
            "node-minority",
            f"node {entry.node} reaches no majority of the instances",
            "it cannot take over",
            f"run `leader doctor` on {entry.node}",
        )
    if entry.version != around.version:
        yield Finding(
            Severity.WARNING,
            "node-version",
            f"node {entry.node} runs leader {entry.version}, and this node has {around.version}",
            "versions are made to run side by side during an upgrade, and no longer",
            "finish the upgrade: install the later one on both, and restart their agents one by one",
        )
    if entry.paused or not entry.fit:
        yield Finding(
            Severity.INFO,
            "node-aside",
            f"node {entry.node} does not contend: {entry.reason or 'paused'}",
            "it cannot take over meanwhile",
            f"on {entry.node}: `leader status` says why; `leader resume` ends a pause",
        )
