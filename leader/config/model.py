"""The effective configuration, as frozen values that have passed every rule.

Durations are milliseconds. How the values were written and where they came from is known to
`leader/config/load.py` only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from leader.durations import format_duration
from leader.protocol.calls import Configuration
from leader.protocol.quorum import Voters, majority


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """Files for `rediss://` instances; empty ones are left to the system's defaults."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class InstanceConfig:
    """One Redis server of the quorum.

    For `unix://`, `host` is empty and `path` set. `username` and `password` are those of this URL,
    else those of the whole quorum, else empty. `canonical` is what makes it the same server as another.
    """

    name: str
    scheme: str
    host: str
    port: int
    db: int
    path: str
    username: str
    password: str = field(repr=False)
    canonical: tuple[str, int, int]
    has_own_password: bool = False

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme == "rediss"

    @property
    def url(self) -> str:
        """The address without user and password, for people."""
        if self.path:
            return f"unix://{self.path}?db={self.db}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/{self.db}"


@dataclass(frozen=True, slots=True)
class PreviousQuorum:
    """The list and the lease before a change, while it takes; an instance of both lists is one value."""

    instances: tuple[InstanceConfig, ...]
    lease_ms: int


@dataclass(frozen=True, slots=True)
class QuorumConfig:
    """The instances, and what agents must have in common to share them."""

    instances: tuple[InstanceConfig, ...]
    lease_ms: int
    generation: int
    tls: TlsConfig
    username: str = ""
    password_file: str = ""
    previous: PreviousQuorum | None = None

    @property
    def majority(self) -> int:
        """How many grants make a leader: Q = N // 2 + 1."""
        return majority(len(self.instances))

    @property
    def fingerprint(self) -> str:
        """That of the list."""
        return fingerprint_of(self.instances)

    @property
    def all_instances(self) -> tuple[InstanceConfig, ...]:
        """Those of the list, then those that stand only in the list before the change."""
        before = self.previous.instances if self.previous else ()
        return tuple(dict.fromkeys((*self.instances, *before)))

    def voters(self) -> Voters:
        """Whose majorities must agree."""
        lists = [self.instances, *([self.previous.instances] if self.previous else [])]
        return Voters(tuple(tuple(instance.name for instance in instances) for instances in lists))

    @property
    def held_lease_ms(self) -> int:
        """The lease that a holder relies on: the shorter one, while it changes."""
        return min(self.lease_ms, self.previous.lease_ms if self.previous else self.lease_ms)

    @property
    def changes(self) -> str:
        """How the quorum is being changed, in words; empty when it is not."""
        if self.previous is None:
            return ""
        before = {instance.name for instance in self.previous.instances}
        now = {instance.name for instance in self.instances}
        parts = [f"without {name}" for name in sorted(before - now)]
        parts += [f"with {name}" for name in sorted(now - before)]
        if self.previous.lease_ms != self.lease_ms:
            parts.append(
                f"lease {format_duration(self.previous.lease_ms)} to {format_duration(self.lease_ms)}"
            )
        return ", ".join(parts)


def fingerprint_of(instances: Iterable[InstanceConfig]) -> str:
    """16 hexadecimal digits that say which servers, in any order and under any names."""
    servers = sorted(instance.canonical for instance in instances)
    text = "\n".join(f"{host} {port} {db}" for host, port, db in servers)
    return sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """This machine."""

    name: str


@dataclass(frozen=True, slots=True)
class ElectionConfig:
    """One election as this node takes part in it; with priority 0 it only observes."""

    name: str
    priority: int = 100
    preempt: bool = False
    preempt_delay_ms: int = 30_000
    on_gained: tuple[str, ...] = ()
    on_lost: tuple[str, ...] = ()
    hook_timeout_ms: int = 10_000

    @property
    def observes(self) -> bool:
        """Whether this node never leads it."""
        return self.priority == 0


@dataclass(frozen=True, slots=True)
class FitnessConfig:
    """What makes this node unfit to lead; None and empty ask for nothing. Percentages are 0 to 100."""

    command: tuple[str, ...] = ()
    interval_ms: int = 10_000
    timeout_ms: int = 5_000
    rise: int = 2
    fall: int = 3
    max_load_per_cpu: float | None = None
    max_memory_percent: float | None = None
    min_free_disk_percent: Mapping[str, float] = field(default_factory=dict)
    required_mounts: tuple[str, ...] = ()
    required_processes: tuple[str, ...] = ()

    @property
    def asks_for_something(self) -> bool:
        """Whether there is anything that could make this node unfit."""
        limits = (self.max_load_per_cpu, self.max_memory_percent)
        needs = (self.command, self.min_free_disk_percent, self.required_mounts, self.required_processes)
        return any(limit is not None for limit in limits) or any(needs)


class WatchdogMode(StrEnum):
    """Whether a leader is guarded by a watchdog: never, where there is one, or always."""

    OFF = "off"
    AUTOMATIC = "automatic"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class WatchdogConfig:
    """The device that resets this machine if its agent stands still while it leads.

    `margin_ms`: a leader that is not renewed stops leading so long before it; `timeout_s` is the device's.
    """

    mode: WatchdogMode = WatchdogMode.OFF
    device: str = "/dev/watchdog"
    margin_ms: int = 1_000
    timeout_s: int = 0

    def reserve_ms(self, lease_ms: int) -> int:
        """How much sooner than by rule R3 a leader stops, so that the reset comes in time."""
        if self.mode is WatchdogMode.OFF:
            return 0
        return lease_ms * 9 // 10 - (self.timeout_s * 1_000 - self.margin_ms)


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Who may ask this node's agent, and where."""

    listen: str = ""
    group: str = "leader"
    socket_mode: int = 0o666


@dataclass(frozen=True, slots=True)
class Config:
    """All of it. `source` names the file, or what stood in for one.

    `warnings` and `notes` are sentences for people: what endangers secrets, and what is allowed but unwise.
    `origins` tells where a value came from, by dotted key; what is missing there is a default.
    """

    cluster: str
    node: NodeConfig
    quorum: QuorumConfig
    elections: Mapping[str, ElectionConfig]
    fitness: FitnessConfig
    api: ApiConfig
    source: str
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    watchdog: WatchdogConfig = field(default_factory=WatchdogConfig)

    def configuration(self) -> Configuration:
        """What this agent has in common with all that may share its quorum (rule R10)."""
        quorum, before = self.quorum, self.quorum.previous
        return Configuration(
            quorum.generation,
            quorum.fingerprint,
            quorum.lease_ms,
            fingerprint_of(before.instances) if before else "",
            before.lease_ms if before else 0,
        )
