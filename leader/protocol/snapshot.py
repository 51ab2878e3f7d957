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
    priority: int
    preempt: bool
    reason: str
    takeover_in_ms: int | None
    votes: tuple[VoteView, ...]
    barred: str = ""
    """Why this node may claim nothing, whatever its own state (rules R7, R10), or empty."""


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One instance as this node sees it.

    `votes`: it answered within the last lease, and may vote. The round trips are the median and the
    99th percentile of the last ones. `problem` is one sentence with the remedy, or empty; `errors` counts
    the calls without a vote by the kind of their problem, since the agent started.
    """

    name: str
    url: str
    votes: bool
    answered_ms_ago: int | None
    round_trip_ms: float | None
    round_trip_p99_ms: float | None
    process: str
    server: str
    problem: str
    errors: dict[str, int]


@dataclass(frozen=True, slots=True)
class VitalsView:
    """How loaded a machine is: 1-minute load per processor, memory in use, what is free on its disks."""

    load_per_cpu: float
    memory_percent: float
    free_disk_percent: dict[str, float]
    """By mount point or path."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node of the registry; `roles` maps election to role.

    `reason` says why it is paused or unfit, or is empty; `vitals` are as of the time it was seen.
    """

    name: str
    seen_ms_ago: int
    version: str
    generation: int
    roles: dict[str, str]
    priority: dict[str, int]
    paused: bool
    fit: bool
    reason: str
    sees_majority: bool
    vitals: VitalsView | None


@dataclass(frozen=True, slots=True)
class PauseView:
    """This node is paused: why, by whom (uid and pid), since when, UTC; None left is until it is resumed."""

    reason: str
    by: str
    since: str
    remaining_ms: int | None


@dataclass(frozen=True, slots=True)
class AgentView:
    """All that this node knows; `tolerates` is how many more instances may fail before nobody can lead.

    It is -1 when there is no majority now. `changes` says how the quorum is being changed, or is empty.
    `unfit` is why this node is, or empty.
    """

    cluster: str
    node: str
    version: str
    lease_ms: int
    generation: int
    majority: int
    tolerates: int
    verdict: str
    pause: PauseView | None
    unfit: str
    elections: tuple[ElectionView, ...]
    instances: tuple[InstanceView, ...]
    nodes: tuple[NodeView, ...]
    jobs: "tuple[JobView, ...]" = ()
    """Each with its last tick alone, as far as this node heard of it."""
    changes: str = ""


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


@dataclass(frozen=True, slots=True)
class LeadershipView:
    """One leadership of the past, or the present one.

    `began` and `ended` are UTC. `cause` is one word (`Cause`) and `reason` a sentence. While it lasts, these
    three are empty; `gap_ms` is how long
    nobody led before the next one, None as long as there is none.
    """

    election: str
    term: int
    node: str
    began: str
    ended: str
    lasted_ms: int
    cause: str
    reason: str
    gap_ms: int | None


@dataclass(frozen=True, slots=True)
class IncidentView:
    """Something that befell this agent or its machine: `kind` is frozen, suspended or clock-jumped.

    `duration_ms` is how long it stood still, or how far the clock jumped; negative is back.
    """

    kind: str
    at: str
    ms_ago: int
    duration_ms: int
    sentence: str


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What one node remembers, the newest first."""

    leaderships: tuple[LeadershipView, ...]
    incidents: tuple[IncidentView, ...]

    def only(self, election: str, most: int | None) -> "HistoryView":
        """One election's leaderships, or all of them if it is empty; at most so many of each kind."""
        wanted = tuple(one for one in self.leaderships if election in ("", one.election))
        return HistoryView(wanted[:most], self.incidents[:most])
