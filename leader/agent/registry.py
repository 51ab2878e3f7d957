"""What nodes tell each other through the quorum: the text that each registers, and how it is read.

A courtesy between agents and a source for status; no decision that safety hangs on reads it.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from leader.agent.ends import LONGEST_REASON, EndTold, read_ends
from leader.foreign import printable
from leader.names import is_name
from leader.protocol.calls import Registration
from leader.protocol.events import NS_PER_MS, Candidate, Instant
from leader.protocol.snapshot import NodeView, VitalsView

HIGHEST_PRIORITY = 10_000
LONGEST_WORD = 100
LONGEST_PATH = 4096
LARGEST_NUMBER = 2**53


@dataclass(frozen=True, slots=True)
class Entry:
    """What one node registered. `processes` maps an instance's address to the process that answers there.

    `started_ms` is when its agent began to run that generation, by its node's wall clock.
    `reason` is why it is paused or unfit, `ended` how the last leaderships of this node have ended.
    """

    node: str
    version: str
    generation: int
    started_ms: int
    incarnation: str
    contends: bool
    sees_majority: bool
    paused: bool = False
    fit: bool = True
    reason: str = ""
    vitals: VitalsView | None = None
    priorities: Mapping[str, int] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    processes: Mapping[str, str] = field(default_factory=dict)
    ended: tuple[EndTold, ...] = ()


def encode(entry: Entry) -> str:
    """The text to register."""
    return json.dumps(
        {
            "version": entry.version,
            "generation": entry.generation,
            "started_ms": entry.started_ms,
            "incarnation": entry.incarnation,
            "contends": entry.contends,
            "sees_majority": entry.sees_majority,
            "paused": entry.paused,
            "fit": entry.fit,
            "reason": entry.reason,
            "vitals": asdict(entry.vitals) if entry.vitals else None,
            "priorities": dict(entry.priorities),
            "roles": dict(entry.roles),
            "processes": dict(entry.processes),
            "ended": [asdict(end) for end in entry.ended],
        },
        separators=(",", ":"),
    )


def decode(node: str, text: str) -> Entry | None:
    """Read what a node registered; None if it is nothing that this version understands."""
    try:
        values = json.loads(text)
        return Entry(
            node=node,
            version=_word(values["version"]),
            generation=_whole(values["generation"]),
            started_ms=_whole(values["started_ms"]),
            incarnation=_word(values["incarnation"]),
            contends=bool(values["contends"]),
            sees_majority=bool(values["sees_majority"]),
            paused=bool(values.get("paused", False)),
            fit=bool(values.get("fit", True)),
            reason=printable(str(values.get("reason", "")), LONGEST_REASON),
            vitals=_vitals(values.get("vitals")),
            priorities={e: _priority(v) for e, v in _elections(values["priorities"]).items()},
            roles={e: _word(v) for e, v in _elections(values["roles"]).items()},
            processes={printable(a, LONGEST_PATH): _word(p) for a, p in values["processes"].items()},
            ended=read_ends(values.get("ended", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _vitals(values: dict[str, Any] | None) -> VitalsView | None:
    if values is None:
        return None
    free = {
        printable(path, LONGEST_PATH): _figure(share) for path, share in values["free_disk_percent"].items()
    }
    return VitalsView(_figure(values["load_per_cpu"]), _figure(values["memory_percent"]), free)


def _word(value: object) -> str:
    return printable(str(value), LONGEST_WORD)


def _priority(value: object) -> int:
    """Raise a ValueError at what the configuration would not allow: nobody outranks everybody."""
    if not isinstance(value, int) or not 0 <= value <= HIGHEST_PRIORITY:
        raise ValueError("no priority")
    return value


def _whole(value: object) -> int:
    """Raise a ValueError at what is no number of anything."""
    if not isinstance(value, int) or not 0 <= value <= LARGEST_NUMBER:
        raise ValueError("no whole number, or one out of bounds")
    return value


def _figure(value: float) -> float:
    """Raise a ValueError at what JSON cannot say to whoever asks for the status."""
    if not math.isfinite(value):
        raise ValueError("no figure")
    return float(value)


def _elections(values: Mapping[str, object]) -> Mapping[str, object]:
    if not all(map(is_name, values)):
        raise ValueError("no names of elections")
    return values


class _Read(NamedTuple):
    """What one node says, if that is understood, and which process it sees at each of our instances."""

    text: str
    entry: Entry | None
    processes: tuple[tuple[str, str], ...]


class Registry:
    """The nodes as the instances showed them, the youngest sight of each."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        """`names` maps addresses to our instances' names: an address is what two nodes have in common."""
        self._names = names or {}
        self._seen: dict[str, dict[str, tuple[Instant, str]]] = {}
        """What each instance kept of each node when it was last asked: when it was registered, and what."""
        self._read: dict[str, _Read] = {}
        """What each node says: instances show the same again and again."""
        self._nodes: dict[str, tuple[Instant, Entry]] = {}

    def learn(self, instance: str, registrations: Iterable[Registration], now: Instant) -> None:
        """Take in what one instance keeps; what it kept before is forgotten."""
        self._seen[instance] = {r.node: (now - r.age_ms * NS_PER_MS, r.text) for r in registrations}
        self._put_together()

    def drop(self, node: str) -> None:
        """Forget one node."""
        for kept in self._seen.values():
            kept.pop(node, None)
        self._put_together()

    def nodes(self) -> Mapping[str, tuple[Instant, Entry]]:
        """Each node with the moment it was last seen at any instance."""
        return self._nodes

    def _put_together(self) -> None:
        """Go by the youngest sight of each node, be it that it has left."""
        youngest: dict[str, tuple[Instant, str]] = {}
        for kept in self._seen.values():
            for node, sight in kept.items():
                known = youngest.get(node)
                if known is None or sight[0] > known[0]:
                    youngest[node] = sight
        self._read = {node: self._reading(node, text) for node, (_, text) in youngest.items() if text}
        self._nodes = {
            node: (youngest[node][0], read.entry)
            for node, read in self._read.items()
            if read.entry is not None
        }

    def _reading(self, node: str, text: str) -> _Read:
        known = self._read.get(node)
        if known is not None and known.text == text:
            return known
        entry, names = decode(node, text), self._names
        at = entry.processes.items() if entry else ()
        return _Read(
            text, entry, tuple((names[address], process) for address, process in at if address in names)
        )

    def candidates(self, election: str, this_node: str) -> tuple[Candidate, ...]:
        """The other nodes as candidates of one election."""
        return tuple(
            Candidate(
                node=node,
                priority=entry.priorities[election],
                contends=entry.contends,
                sees_majority=entry.sees_majority,
                seen_at=seen_at,
                processes=self._read[node].processes,
                incarnation=entry.incarnation,
                paused=entry.paused,
                fit=entry.fit,
                reason=entry.reason,
                generation=entry.generation,
            )
            for node, (seen_at, entry) in self.nodes().items()
            if node != this_node and election in entry.priorities
        )

    def views(self, now: Instant) -> tuple[NodeView, ...]:
        """The nodes for display, sorted by name."""
        return tuple(
            NodeView(
                name=node,
                seen_ms_ago=max(0, now - seen_at) // NS_PER_MS,
                version=entry.version,
                generation=entry.generation,
                roles=dict(entry.roles),
                priority=dict(entry.priorities),
                paused=entry.paused,
                fit=entry.fit,
                reason=entry.reason,
                sees_majority=entry.sees_majority,
                vitals=entry.vitals,
            )
            for node, (seen_at, entry) in sorted(self.nodes().items())
        )
