"""What one elector knows of one instance: the record it last showed, and since when it stands.

Rule R1 lives here: a record may be taken only when it is released, or when this very agent has
seen the same process and version stand for a whole lease. Watching, instead of trusting a TTL, is
what frees the protocol from the instances' clocks and disks.
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from leader.protocol.calls import Configuration, Operation, Release
from leader.protocol.events import NS_PER_MS, Instant, Replied
from leader.protocol.record import Holder, Record, State

REMEMBERED_CALLS = 64
"""Late replies to calls older than so many are taken for strangers. An elector makes fewer within a lease, so
the vote in such a reply was over, and what else it shows, the next one shows as well."""


class Kept(Enum):
    """What the configuration that an instance keeps is to an agent."""

    NONE = auto()
    OURS = auto()
    BESIDE = auto()
    """A neighbouring step of a change: its agents may share a quorum with ours."""
    OLDER = auto()
    """Of an earlier generation, and no neighbour: the instance, or this agent's file, missed something."""
    OTHER = auto()


def _kept(configuration: Configuration, own: Configuration) -> Kept:
    if configuration == own:
        return Kept.OURS
    if configuration.is_beside(own):
        return Kept.BESIDE
    return Kept.OLDER if configuration.generation < own.generation else Kept.OTHER


@dataclass(frozen=True, slots=True)
class Pending:
    """A call that is on its way, or lost."""

    operation: Operation
    sent_at: Instant


@dataclass(slots=True)
class Witness:
    """One instance as one elector sees it. `due`: when it is to be called next."""

    name: str
    due: Instant
    record: Record | None = None
    standing_since: Instant = 0
    """Receipt of the first reply or notice that showed this process and version."""
    longest_lease_ms: int = 0
    """The longest lease that it ever showed: a holder may go on relying on it after the record is gone."""
    process: str = ""
    wall_ms: int = 0
    kept: Kept = Kept.NONE
    """Whose configuration it keeps (rule R10)."""
    configured_by: str = ""
    silent: bool = True
    """The newest call to it was not answered."""
    believed: bool = True
    """Its terms are plausible (rule R2)."""
    asked_at: Instant = -1
    """When the newest call that was answered was sent."""
    answered_at: Instant | None = None
    round_trip_ns: int = 0
    pending: dict[str, Pending] = field(default_factory=dict)

    def ask(self, nonce: str, operation: Operation, now: Instant) -> None:
        """Remember a call that is sent now."""
        self.pending[nonce] = Pending(operation, now)
        if len(self.pending) > REMEMBERED_CALLS:
            del self.pending[next(iter(self.pending))]

    def hear(self, reply: Replied, now: Instant) -> Pending | None:
        """Take in a reply; return the call that it answers, None if that is not known any more."""
        pending = self.pending.pop(reply.nonce, None)
        if pending is None:
            return None
        if self._is_outdated(reply.answer.record, pending.sent_at):
            return pending
        self.process = reply.process
        self.wall_ms = reply.wall_ms
        self.silent = False
        self.asked_at = pending.sent_at
        self.answered_at = now
        self.round_trip_ns = now - pending.sent_at
        self._see(reply.answer.record, now)
        return pending

    def miss(self, nonce: str) -> Pending | None:
        """Note that a call got no answer; it stays known, since its reply may come late (rule R8)."""
        pending = self.pending.get(nonce)
        if pending is None:
            return None
        if isinstance(pending.operation, Release):
            del self.pending[nonce]
        if pending.sent_at >= self.asked_at:
            self.silent = True
        return pending

    def awaits_release(self) -> bool:
        """Whether a release is on its way and not answered yet."""
        return any(isinstance(pending.operation, Release) for pending in self.pending.values())

    def notice(self, record: Record, now: Instant) -> bool:
        """Take in a published record; False if it is not newer than what was seen of that process.

        A record of another process than the newest reply's is left to the next reply.
        """
        known = self.record
        if (
            known is None
            or record.process != known.process
            or record.version.sequence <= known.version.sequence
        ):
            return False
        self._see(record, now)
        return True

    def _is_outdated(self, record: Record, sent_at: Instant) -> bool:
        """Whether a reply shows an older state than the one that is already known."""
        if sent_at < self.asked_at:
            return True
        known = self.record
        return (
            known is not None
            and record.process == known.process
            and record.version.sequence < known.version.sequence
            and sent_at < self.standing_since
        )

    def _see(self, record: Record, now: Instant) -> None:
        known = self.record
        if known is None or (known.process, known.version) != (record.process, record.version):
            self.standing_since = now
        self.record = record
        self.longest_lease_ms = max(self.longest_lease_ms, record.lease_ms)

    def keeps(self, configuration: Configuration | None, own: Configuration) -> None:
        """Note which configuration it keeps, if any (rule R10)."""
        self.kept = Kept.NONE if configuration is None else _kept(configuration, own)
        if configuration is not None:
            self.longest_lease_ms = max(self.longest_lease_ms, configuration.watched_lease_ms)

    def takeable_at(self, lease_ms: int) -> Instant | None:
        """When this record may be taken (rule R1); None while nothing is known or believed."""
        if self.record is None or not self.believed:
            return None
        if self.record.state is State.RELEASED:
            return self.standing_since
        return self.standing_since + max(self.longest_lease_ms, lease_ms) * NS_PER_MS

    def is_takeable(self, lease_ms: int, now: Instant) -> bool:
        """Whether this record may be taken now, by an agent of this lease."""
        moment = self.takeable_at(lease_ms)
        return moment is not None and moment <= now

    def is_held(self, now: Instant) -> bool:
        """Whether its record is somebody's, and has not stood longer than its lease."""
        record = self.record
        if record is None or record.state is not State.HELD:
            return False
        return now - self.standing_since <= record.lease_ms * NS_PER_MS

    def is_of(self, node: str) -> bool:
        """Whether the record, as last seen, is held by some holder of this node."""
        record = self.record
        if record is None or record.state is not State.HELD or record.holder is None:
            return False
        return record.holder.node == node

    def names(self, holder: Holder) -> bool:
        """Whether the record, as last seen, is held by this very holder."""
        return self.record is not None and self.record.names(holder)
