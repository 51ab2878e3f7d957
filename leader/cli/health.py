"""`leader health`: one line and an exit code for a monitoring system."""

from time import sleep
from typing import Annotated

import typer

from leader.api.client import Client
from leader.cli.asking import SocketOption, Timeout, client
from leader.cli.look import ask, find
from leader.cli.question import MS_PER_SECOND
from leader.clock import now_ns
from leader.errors import AgentUnreachable
from leader.protocol.snapshot import AgentView, ElectionView, IncidentView, JobView
from leader.tui.health import Known, leaderless, verdict
from leader.tui.read import read_history, read_job

LOOK_AGAIN_S = 0.05
NS_PER_SECOND = 1_000_000_000

Election = Annotated[
    str, typer.Argument(help="One election; without it, all of them.", metavar="ELECTION", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="health", short_help="Say in one line how well it is, for monitoring.")(health)


def health(election: Election = "", socket: SocketOption = "", timeout: Timeout = "5s") -> None:
    """Exit 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, with one line and performance data.

    CRITICAL: no leader, or no majority. WARNING: an instance down, this node paused or unfit; in the last
    hour a missed or interrupted tick, a freeze or a jump of the clock. A standby is OK.
    """
    agent = client(socket, timeout)
    known = learn(agent, election)
    if leaderless(known) and known.agent.tolerates >= 0:
        known = look_again(agent, election, known)
    severity, said = verdict(known)
    print(said)
    raise typer.Exit(severity)


def look_again(agent: Client, election: str, known: Known) -> Known:
    """What is known once somebody leads, or the patience is over: a hand-over takes a moment."""
    patience_s = min(agent.timeout, known.agent.lease_ms / MS_PER_SECOND)
    deadline = now_ns() + int(patience_s * NS_PER_SECOND)
    while leaderless(known) and now_ns() < deadline:
        sleep(LOOK_AGAIN_S)
        view = ask(agent)
        known = Known(view, chosen(view, election), known.jobs, known.incidents)
    return known


def learn(agent: Client, election: str) -> Known:
    """All that is judged.

    Raises:
        UnknownElection: there is none of that name.
        AgentUnreachable: the agent does not answer.
    """
    view = ask(agent)
    return Known(view, chosen(view, election), jobs_of(agent, view, election), incidents_of(agent))


def chosen(view: AgentView, election: str) -> tuple[ElectionView, ...]:
    """The elections that are meant.

    Raises:
        UnknownElection: there is none of that name.
    """
    return (find(view, election),) if election else view.elections


def jobs_of(agent: Client, view: AgentView, election: str) -> tuple[JobView, ...]:
    """The jobs with their last ticks; with the last one alone where the instances cannot be asked in time."""
    try:
        jobs = tuple(read_job(entry) for entry in agent.jobs())
    except (AgentUnreachable, ValueError):
        jobs = view.jobs
    return tuple(job for job in jobs if election in ("", job.election))


def incidents_of(agent: Client) -> tuple[IncidentView, ...]:
    """What befell the agent's process or machine; nothing where the agent keeps no history."""
    try:
        return read_history(agent.history()).incidents
    except (AgentUnreachable, ValueError):
        return ()
