"""What an agent asks of an instance, and what comes back.

One `Call` is one operation on one record; an instance carries out all the calls of one
beat in one script, atomically, and answers each with a verdict and the record as it then is.
The operations themselves are in `leader/instances/beat.lua`, and once more, as the model that
the simulation runs on, in `tests/simulation/instance.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from leader.protocol.record import Holder, Record, Version


@dataclass(frozen=True, slots=True)
class Observe:
    """Read the record; one that is missing or of another process becomes `fresh` first."""


@dataclass(frozen=True, slots=True)
class Take:
    """Make the record `held` by this holder, if it still stands at the expected version.

    `released`: it is taken without a watch, so it must still say `released`.
    `sitting`: a leader extends its lease to one more instance, so its term may be lower than the
    stored one, and another configuration at a `fresh` record is overwritten.
    `updates`: an older configuration is overwritten, for this instance has stayed behind.
    """

    expected: Version
    holder: Holder
    lease_ms: int
    released: bool = False
    sitting: bool = False
    updates: bool = False


@dataclass(frozen=True, slots=True)
class Renew:
    """Write a new version, if the record is held by this very holder."""

    holder: Holder
    lease_ms: int


@dataclass(frozen=True, slots=True)
class Resume:
    """Put a new incarnation in the place of the old one, if the old holder holds the record."""

    holder: Holder
    incarnation: str
    lease_ms: int


@dataclass(frozen=True, slots=True)
class Release:
    """Make the record `released`, if it is held by this very holder."""

    holder: Holder
    successor: str | None = None


Operation = Observe | Take | Renew | Resume | Release


@dataclass(frozen=True, slots=True)
class Call:
    """One operation on one election's record; the nonce is never used for a second call.

    `known_term` is the highest term that the agent knows: the script raises the stored one to it.
    """

    election: str
    nonce: str
    known_term: int
    operation: Operation


class Verdict(StrEnum):
    """What became of a call; all but the first two are refusals."""

    OBSERVED = "observed"
    GRANTED = "granted"
    CHANGED = "changed"
    """The record does not stand at the expected version (any more)."""
    NOT_RELEASED = "not-released"
    """It was to be taken as `released`, and is not."""
    TERM_TOO_LOW = "term-too-low"
    """A candidate's term is not greater than the stored one."""
    NOT_HOLDER = "not-holder"
    """The record is not held by the holder that the call names."""
    OTHER_CONFIGURATION = "other-configuration"
    """The instance keeps the configuration of a leader with another list or lease."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What two agents must have in common to share a quorum, or nearly (rule R10).

    `fingerprint` is of the list of instances. While the list or the lease changes, `previous` is the
    fingerprint of the list before, and `previous_lease_ms` the lease; else both are empty.
    """

    generation: int
    fingerprint: str
    lease_ms: int
    previous: str = ""
    previous_lease_ms: int = 0

    @property
    def held_lease_ms(self) -> int:
        """The lease that a holder relies on: the shorter one, while it changes."""
        return min(self.lease_ms, self.previous_lease_ms or self.lease_ms)

    @property
    def watched_lease_ms(self) -> int:
        """How long a record must stand before it is taken: the longer lease, while it changes."""
        return max(self.lease_ms, self.previous_lease_ms)

    def is_beside(self, other: "Configuration") -> bool:
        """Whether the two are neighbouring steps of one change, in either order: they may share a quorum."""
        return self.follows(other) or other.follows(self)

    def follows(self, earlier: "Configuration") -> bool:
        """Whether this is the step after that one: begins a change of it, or ends the one it began."""
        if self.generation != earlier.generation + 1 or bool(self.previous) == bool(earlier.previous):
            return False
        ours = (self.previous, self.previous_lease_ms) if self.previous else (self.fingerprint, self.lease_ms)
        return ours == (earlier.fingerprint, earlier.lease_ms)


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict on one call and the record as it stands afterwards."""

    verdict: Verdict
    record: Record


@dataclass(frozen=True, slots=True)
class Registration:
    """One entry of an instance's node registry.

    `age_ms` counts by the instance's own clock, so it serves courtesy and display, never safety.
    `text` is what the node wrote, opaque to the instance; empty once it has left.
    """

    node: str
    age_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What one instance answered to one script call.

    `process` is its `run_id` and `master_replid`; `wall_ms` its wall clock, milliseconds since 1970;
    `configuration` that of the last leader that renewed there, written by node `configured_by`.
    """

    process: str
    wall_ms: int
    configuration: Configuration | None
    configured_by: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Announcement:
    """A node that leads is about to hand over: to whom, by election. It decides nothing."""

    node: str
    heirs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Notice:
    """A record published by its instance after a write."""

    election: str
    record: Record
