"""The frozen read model: what an agent knows at one moment, for API, status, metrics and logs.

Everything that is shown is rendered from these values; nobody outside the protocol asks an
elector for its inner state. Durations are milliseconds; instants never leave the machine.
"""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What this node is in one election."""

    HOLDER = "holder"
    CANDIDATE = "candidate"
    OBSERVER = "observer"


@dataclass(frozen=True, slots=True)
class Leadership:
    """The answer to "does this node lead?", computed at the moment of asking (rule R6).

    `remaining_ms` is how long the lease is still sure; 0 when this node does not lead.
    """

    election: str
    node: str
    leader: bool
    term: int
    holder: str
    remaining_ms: int


@dataclass(frozen=True, slots=True)
class VoteView:
    """What one instance's record says about one election, as last seen by this node."""

    instance: str
    state: str
    term: int
    holder: str
    standing_ms: int
    granted: bool


@dataclass(frozen=True, slots=True)
class ElectionView:
    """One election as this node sees it.

    `leader` is the node that a majority of the instances names, or empty; `since_ms` how long this
    node has held its role; `reason` why this node is not the holder, in words.
    `takeover_in_ms` is the earliest moment at which this node could claim, None when unknown.
    """

    election: str
    role: Role
    leader: str
    term: int
    since_ms: int
    remaining_ms: int
    reason: str
    takeover_in_ms: int | None
    votes: tuple[VoteView, ...]


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One instance as this node sees it; `problem` is one sentence with the remedy, or empty."""

    name: str
    url: str
    answered_ms_ago: int | None
    round_trip_ms: float | None
    process: str
    server: str
    problem: str


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node of the registry; `roles` maps election to role."""

    name: str
    seen_ms_ago: int
    version: str
    roles: dict[str, str]
    priority: dict[str, int]
    paused: bool
    fit: bool
    sees_majority: bool


@dataclass(frozen=True, slots=True)
class AgentView:
    """All that this node knows; `tolerates` is how many more instances may fail before nobody can lead.

    It is -1 when there is no majority now.
    """

    cluster: str
    node: str
    version: str
    lease_ms: int
    generation: int
    majority: int
    tolerates: int
    verdict: str
    elections: tuple[ElectionView, ...]
    instances: tuple[InstanceView, ...]
    nodes: tuple[NodeView, ...]
    jobs: "tuple[JobView, ...]" = ()
    """Each with its last tick alone, as far as this node heard of it."""


@dataclass(frozen=True, slots=True)
class RunView:
    """One tick of one job: `tick` is when it was called on `node`, UTC; the rest is None until it has ended.

    `state` is running, done, failed, stopped, interrupted or missed; for a missed tick, `node` is who told.
    """

    tick: str
    state: str
    node: str
    term: int
    ms_ago: int
    duration_ms: int | None
    code: int | None


@dataclass(frozen=True, slots=True)
class JobView:
    """A job and its last ticks, the newest first; how many of those were missed or interrupted."""

    job: str
    election: str
    missed: int
    interrupted: int
    runs: tuple[RunView, ...]
