"""How well is it, for a monitoring system? One line with performance data: a pure function of the read model.

The convention is that of the Monitoring Plugins: OK, WARNING, CRITICAL and UNKNOWN are 0 to 3, and what
follows `|` is `label=value[unit];warn;crit;least;most`. A node that leads nothing is well: it stands by.

Source: Monitoring Plugins Development Guidelines, "Plugin Output" and "Performance data".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from leader.foreign import printable
from leader.protocol.snapshot import AgentView, ElectionView, IncidentView, JobView
from leader.tui.words import brief

LATELY_MS = 3_600_000
"""How long a tick that was lost, a freeze or a jump of a clock is told."""

NAMED = 3
"""How many elections are named in the line."""

LOST = ("missed", "interrupted")


class Severity(IntEnum):
    """How bad it is; the value is the exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Known:
    """What is judged: all that the agent knows, which of its elections are meant, jobs, incidents."""

    agent: AgentView
    elections: tuple[ElectionView, ...]
    jobs: tuple[JobView, ...]
    incidents: tuple[IncidentView, ...]


def leaderless(known: Known) -> list[str]:
    """The elections that nobody leads."""
    return [election.election for election in known.elections if not election.leader]


def verdict(known: Known) -> tuple[Severity, str]:
    """How bad it is, and the line that says so."""
    critical, warning = list(_critical(known)), list(_warning(known))
    severity = Severity.CRITICAL if critical else Severity.WARNING if warning else Severity.OK
    said = "; ".join([*critical, *warning]) or _well(known)
    return severity, line(severity, said, _performance(known))


def line(severity: Severity, said: str, performance: Iterable[str] = ()) -> str:
    """One line as a monitoring system reads it; a bar would begin the performance data."""
    text = f"LEADER {severity.name} - {printable(said).replace('|', '/')}"
    return " ".join([text, "|", *performance]) if performance else text


def _critical(known: Known) -> Iterable[str]:
    if known.agent.tolerates < 0:
        yield known.agent.verdict
    names = leaderless(known)
    if names:
        yield f"nobody leads {', '.join(names)}"


def _warning(known: Known) -> Iterable[str]:
    agent = known.agent
    for instance in agent.instances:
        if not instance.votes:
            yield instance.problem or f"instance {instance.name} has not answered within the last lease"
    if agent.pause is not None:
        yield f"this node is paused: {agent.pause.reason or 'no reason was given'}"
    if agent.unfit:
        yield f"this node is unfit: {agent.unfit}"
    for barred in dict.fromkeys(e.barred for e in known.elections if e.barred):
        yield f"this node may claim nothing: {barred}"
    for job in known.jobs:
        yield from _lost_ticks(job)
    for incident in known.incidents:
        if incident.ms_ago < LATELY_MS:
            yield f"{incident.sentence} {brief(incident.ms_ago)} ago"


def _lost_ticks(job: JobView) -> Iterable[str]:
    for state in LOST:
        lately = [run for run in job.runs if run.state == state and run.ms_ago < LATELY_MS]
        if lately:
            times = "a tick" if len(lately) == 1 else f"{len(lately)} ticks"
            yield f"{times} of job {job.job} {state} in the last hour, the last {brief(lately[0].ms_ago)} ago"


def _well(known: Known) -> str:
    """Who leads what, and how the quorum is."""
    node = known.agent.node
    led = [f"{e.election}: {'this node' if e.leader == node else e.leader} leads" for e in known.elections]
    more = [f"{len(led) - NAMED} more elections"] if len(led) > NAMED else []
    return "; ".join([*led[:NAMED], *more, known.agent.verdict])


def _performance(known: Known) -> list[str]:
    agent, total = known.agent, len(known.agent.instances)
    voting = sum(instance.votes for instance in agent.instances)
    trips = [instance.round_trip_ms for instance in agent.instances if instance.round_trip_ms is not None]
    led = [election for election in known.elections if election.remaining_ms]
    values = [
        f"instances={voting};{total}:;{agent.majority}:;0;{total}",
        f"leaderless={len(leaderless(known))};;0;0;{len(known.elections)}",
        f"led={len(led)};;;0;{len(known.elections)}",
        f"nodes={len(agent.nodes)};;;0",
    ]
    if led:
        values.append(
            f"lease_remaining={min(e.remaining_ms for e in led) / 1000:.3f}s;;;0;{agent.lease_ms / 1000:g}"
        )
    if trips:
        values.append(f"round_trip={max(trips) / 1000:.6f}s;;;0")
    return values
