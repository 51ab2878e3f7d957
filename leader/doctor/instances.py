"""What is wrong with the instances, each for itself and all together?

Rules over what was found at them (`leader/instances/examination.py`), the lease and the majority.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil

from leader.doctor import clocks
from leader.doctor.finding import Finding, Severity
from leader.durations import format_duration
from leader.instances.answers import Kind
from leader.instances.examination import Examined
from leader.protocol.calls import Configuration
from leader.protocol.quorum import Voters

NS_PER_MS = 1_000_000
BEATS_OF_PATIENCE = 10
"""An agent waits for a tenth of the lease: a new connection must fit into it, or two beats."""
NEARLY = 0.9
OLDEST = (6, 2)
DAY_MS = 24 * 60 * 60 * 1000
CERTIFICATE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Quorum:
    """What all instances were found to be, and what this node's configuration makes of them."""

    examined: Sequence[Examined]
    configuration: Configuration
    voters: Voters

    @property
    def votes(self) -> list[str]:
        """Who gives one."""
        return [one.name for one in self.examined if one.problem is None]

    @property
    def spare(self) -> int:
        """How many more may fail; negative: how many are too few for a majority."""
        return self.voters.spare(self.votes)


def shortest_lease_ms(one: Examined) -> int:
    """The lease that leaves time for a new connection, and twice for the slowest beat."""
    slowest_ns = max(one.connect_ns, 2 * max(one.beats_ns, default=0))
    return ceil(BEATS_OF_PATIENCE * slowest_ns / NS_PER_MS)


def speed(quorum: Quorum) -> str:
    """What was measured, in words; nothing is, where no instance answers."""
    measured = [one for one in quorum.examined if one.beats_ns]
    lease = f"the lease is {format_duration(quorum.configuration.held_lease_ms)}"
    if not measured:
        return f"no answer to measure, {lease}"
    slowest_ns = max(max(one.beats_ns) for one in measured)
    safe = format_duration(max(map(shortest_lease_ms, measured)))
    return f"slowest answer {_ms(slowest_ns)} ms, shortest safe lease {safe}, {lease}"


def examine(quorum: Quorum, wall_ms: int) -> list[Finding]:
    """All that is wrong with these instances, as of this moment by the wall clock."""
    found: list[Finding] = []
    for one in quorum.examined:
        found += [*_vote(one, quorum), *_configuration(one, quorum), *_speed(one, quorum)]
        found += [*_version(one), *_memory(one), *_persistence(one, quorum), *_company(one)]
        found += _certificate(one, wall_ms)
    return [*found, *_duplicates(quorum), *clocks.examine(quorum.examined)]


def _vote(one: Examined, quorum: Quorum) -> Iterator[Finding]:
    """Why it gives no vote, or what its user lacks."""
    bad = Severity.WARNING if quorum.spare >= 0 else Severity.CRITICAL
    if one.missing:
        yield Finding(
            bad if one.problem else Severity.WARNING,
            "instance-rights",
            f"instance {one.name} does not let user {one.user} do all that an agent does",
            _standing(quorum) if one.problem else "calls of the agent or of its jobs fail there",
            f"allow it there: ACL SETUSER {one.user} {one.missing.rules} (and keep it: ACL SAVE, "
            "or CONFIG REWRITE)",
        )
    if one.problem and not (one.missing and one.problem.kind is Kind.NO_PERMISSION):
        what, _, remedy = one.problem.sentence.partition("; ")
        yield Finding(bad, f"instance-{one.problem.kind}", what, _standing(quorum), remedy)


def _standing(quorum: Quorum) -> str:
    """What it means that one instance or several give no vote."""
    spare, counted = quorum.spare, f"{len(quorum.votes)} of {len(quorum.examined)} instances vote"
    if spare < 0:
        return f"{counted}: nobody can lead without {-spare} more"
    return f"{counted}: " + (f"{spare} more may fail" if spare else "if one more fails, nobody can lead")


def _configuration(one: Examined, quorum: Quorum) -> Iterator[Finding]:
    kept, own = one.configuration, quorum.configuration
    if kept is None or kept == own or kept.is_beside(own):
        return
    what = (
        f"the lease is {format_duration(kept.lease_ms)} there and {format_duration(own.lease_ms)} here"
        if kept.lease_ms != own.lease_ms
        else "the list of instances is another one"
        if kept.fingerprint != own.fingerprint
        else f"the generation is {kept.generation} there and {own.generation} here"
    )
    yield Finding(
        Severity.CRITICAL,
        "instance-other-configuration",
        f"instance {one.name} keeps another configuration than this node's, "
        f"of node {one.configured_by}: {what}",
        "nodes that differ in it cannot share a quorum: this node does not lead while that one's counts",
        f"compare the [quorum] of {one.configured_by} and this node and make them the same; a change that is "
        "meant goes by [quorum.previous], in two steps: see `leader quorum`",
    )


def _speed(one: Examined, quorum: Quorum) -> Iterator[Finding]:
    needed, lease = shortest_lease_ms(one), quorum.configuration.held_lease_ms
    if needed > lease:
        yield Finding(
            Severity.WARNING,
            "instance-slow",
            f"instance {one.name} is slow for a lease of {format_duration(lease)}: a new connection took "
            f"{_ms(one.connect_ns)} ms, the slowest answer {_ms(max(one.beats_ns, default=0))} ms",
            "an agent waits for a tenth of the lease, so votes are missed, and the leader may change",
            f"raise quorum.lease to {format_duration(needed)} or more on every node, or find what is slow "
            "with: redis-cli --latency",
        )


def _version(one: Examined) -> Iterator[Finding]:
    found = re.match(r"Redis (\d+)\.(\d+)", one.server)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        yield Finding(
            Severity.WARNING,
            "instance-old",
            f"instance {one.name} is {one.server}",
            "leader is made for Redis 6.2 and later, and for Valkey; older ones are not tried",
            "install a later version there",
        )


def _memory(one: Examined) -> Iterator[Finding]:
    limit, policy = _number(one, "maxmemory"), one.info.get("maxmemory_policy", "")
    room = limit or _number(one, "total_system_memory")
    used = _number(one, "used_memory")
    if room and used > NEARLY * room and not one.problem:
        yield Finding(
            Severity.WARNING,
            "instance-memory",
            f"instance {one.name} uses {used / room:.0%} of its memory",
            "a server that is full refuses writes, and with them its vote",
            "raise maxmemory there, or move other data elsewhere",
        )
    if not limit and policy.startswith("allkeys-"):
        yield Finding(
            Severity.INFO,
            "instance-policy",
            f"instance {one.name} has maxmemory-policy {policy}, and no maxmemory yet",
            "it votes until somebody sets a maxmemory: then it could evict leases",
            "CONFIG SET maxmemory-policy noeviction there, and CONFIG REWRITE",
        )


def _persistence(one: Examined, quorum: Quorum) -> Iterator[Finding]:
    failed = [
        name
        for name in ("rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status")
        if one.info.get(name) == "err"
    ]
    if failed and not one.problem:
        yield Finding(
            Severity.WARNING,
            "instance-persistence",
            f"instance {one.name} cannot save to its disk ({', '.join(failed)})",
            "with stop-writes-on-bgsave-error, or a failing append-only file, it refuses writes",
            "free space there and look into its log; leases do not need its disk: save '' turns saving off",
        )
    fork_ms, patience_ms = _number(one, "latest_fork_usec") / 1000, _patience_ms(quorum)
    if fork_ms > patience_ms:
        yield Finding(
            Severity.WARNING,
            "instance-fork",
            f"instance {one.name} stood still for {fork_ms:.0f} ms at its last save",
            f"an agent waits for {patience_ms:.0f} ms, a tenth of the lease",
            "turn saving off there (leases do not need it), move other data elsewhere, or raise quorum.lease",
        )


def _company(one: Examined) -> Iterator[Finding]:
    """Replicas behind it, and clients before it."""
    replicas = _number(one, "connected_slaves")
    if replicas:
        yield Finding(
            Severity.WARNING,
            "instance-replicas",
            f"instance {one.name} has replicas: {replicas}",
            "if a fail-over puts one in its place, votes that had not reached it are forgotten",
            "let it have none (REPLICAOF NO ONE on each), and no Sentinel or operator that fails over",
        )
    clients, most = _number(one, "connected_clients"), _number(one, "maxclients")
    if most and clients > NEARLY * most:
        yield Finding(
            Severity.WARNING,
            "instance-clients",
            f"instance {one.name} has {clients} of at most {most} clients",
            "without room for a connection, an agent gets no vote there after a short cut",
            "raise maxclients there, or close idle clients with its timeout",
        )


def _certificate(one: Examined, wall_ms: int) -> Iterator[Finding]:
    if one.certificate_ends_ms is None:
        return
    days = (one.certificate_ends_ms - wall_ms) / DAY_MS
    if days < CERTIFICATE_DAYS:
        yield Finding(
            Severity.WARNING,
            "instance-certificate",
            f"the certificate of instance {one.name} expires in {days:.1f} days",
            "from then on no agent connects to it",
            "renew it there, and let the server load it (CONFIG SET tls-cert-file, or a restart)",
        )


def _duplicates(quorum: Quorum) -> Iterator[Finding]:
    """Instances that are one server: it votes twice, so its failure counts twice."""
    known = [one for one in quorum.examined if one.process]
    for one, other in combinations(known, 2):
        if _run_id(one) == _run_id(other):
            yield Finding(
                Severity.CRITICAL,
                "instance-duplicate",
                f"instances {one.name} ({one.url}) and {other.name} ({other.url}) are the same server",
                "it votes twice, so a majority may be fewer servers than it seems",
                "list an independent server in place of one of them, in quorum.instances on every node",
            )


def _run_id(one: Examined) -> str:
    return one.process.partition(":")[0]


def _patience_ms(quorum: Quorum) -> float:
    return quorum.configuration.held_lease_ms / BEATS_OF_PATIENCE


def _number(one: Examined, name: str) -> int:
    text = one.info.get(name, "")
    return int(text) if text.isdecimal() else 0


def _ms(duration_ns: int) -> str:
    return f"{duration_ns / NS_PER_MS:.1f}"
