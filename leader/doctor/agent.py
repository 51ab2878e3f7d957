"""What is wrong with this node's agent: does it run, and as the configuration file and this program say?

Rules over what the agent says of itself; it knows nothing of how that was asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from leader.config.model import Config
from leader.doctor.finding import Finding, Severity
from leader.durations import format_duration
from leader.protocol.snapshot import AgentView, HistoryView

LATELY_MS = 60 * 60 * 1000
_START = "start it: systemctl start leader, or `leader agent`"
_RELOAD = "reload the agent (systemctl reload leader, or SIGHUP), or restart it"


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What is known of the agent: its process, what it said, or the sentence why it said nothing."""

    socket: str
    silence: str = ""
    pid: int = 0
    uid: int = 0
    view: AgentView | None = None
    history: HistoryView | None = None


def examine(facts: AgentFacts, version: str, config: Config | None) -> list[Finding]:
    """All that is wrong with it; without a configuration, what can be said without."""
    if facts.view is None:
        return [_absent(facts)]
    found = [*_version(facts.view, version), *_aside(facts.view), *_incidents(facts.history)]
    return found if config is None else [*found, *_configuration(facts, facts.view, config)]


def _absent(facts: AgentFacts) -> Finding:
    what, _, remedy = facts.silence.partition(": ")
    return Finding(
        Severity.WARNING,
        "agent-absent",
        f"no agent answers on this node: {what}",
        "without one this node does not lead, and `leader is-leader` ends with 3: guarded jobs do not run",
        f"{remedy or _START}; if it has ended, its log says why",
    )


def _version(view: AgentView, version: str) -> Iterator[Finding]:
    if view.version != version:
        yield Finding(
            Severity.WARNING,
            "agent-version",
            f"the agent runs leader {view.version}, and {version} is installed",
            "it did not take the new version into use after the upgrade",
            "reload it: systemctl reload leader, or SIGHUP (it goes on leading)",
        )


def _configuration(facts: AgentFacts, view: AgentView, config: Config) -> Iterator[Finding]:
    """Whatever the agent goes by that the file says otherwise."""
    differences = list(_differences(view, config))
    if differences:
        yield Finding(
            Severity.WARNING,
            "agent-configuration",
            f"the agent (pid {facts.pid}, uid {facts.uid}) goes by another configuration than "
            f"{config.source}: {'; '.join(differences)}",
            "the file was changed after the agent had read it, or the agent reads another one",
            f"if the file is right, {_RELOAD} (a lease or list of instances changes in two steps: see "
            "`leader quorum`); else name the agent's own file with --config",
        )


def _differences(view: AgentView, config: Config) -> Iterator[str]:
    pairs = {
        "cluster": (view.cluster, config.cluster),
        "node": (view.node, config.node.name),
        "lease": (format_duration(view.lease_ms), format_duration(config.quorum.held_lease_ms)),
        "generation": (str(view.generation), str(config.quorum.generation)),
        "instances": (
            ", ".join(sorted(instance.name for instance in view.instances)),
            ", ".join(sorted(instance.name for instance in config.quorum.all_instances)),
        ),
        "priorities": (
            _priorities({one.election: one.priority for one in view.elections}),
            _priorities({name: one.priority for name, one in config.elections.items()}),
        ),
    }
    for what, (running, written) in pairs.items():
        if running != written:
            yield f"{what} {running} there, {written} in the file"


def _priorities(of: dict[str, int]) -> str:
    return ", ".join(f"{name} {priority}" for name, priority in sorted(of.items()))


def _aside(view: AgentView) -> Iterator[Finding]:
    """What keeps this node from contending on purpose."""
    if view.pause is not None:
        yield Finding(
            Severity.WARNING,
            "agent-paused",
            f"this node is paused: {view.pause.reason or 'no reason was given'} (by {view.pause.by})",
            "it leads nothing and takes over nothing until it is resumed",
            "leader resume",
        )
    if view.unfit:
        yield Finding(
            Severity.WARNING,
            "agent-unfit",
            f"this node is unfit: {view.unfit}",
            "it leads nothing and takes over nothing until that is over",
            "mend what it says, or change the limit under [fitness], or the mode under [watchdog]",
        )


def _incidents(history: HistoryView | None) -> Iterator[Finding]:
    """What befell the machine in the last hour."""
    for incident in history.incidents if history else ():
        if incident.ms_ago <= LATELY_MS:
            yield Finding(
                Severity.WARNING,
                f"agent-{incident.kind}",
                f"{incident.sentence} (at {incident.at})",
                "a node that stands still for longer than the lease loses what it leads",
                "see what the machine or its hypervisor did then: suspend, migration, snapshots, swapping, "
                "a clock that is set; `leader history` has all of them",
            )
