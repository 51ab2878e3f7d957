"""`leader doctor`: what is wrong with this node, its quorum and its neighbours, and how to mend it."""

import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from leader import __version__
from leader.agent.agent import address_of
from leader.agent.instances import make_examiners
from leader.agent.registry import decode
from leader.cli.agent_facts import ask
from leader.cli.asking import SocketOption, client, duration
from leader.cli.findings import report
from leader.cli.host_facts import gather
from leader.cli.output import show, show_json
from leader.clock import wall_ms
from leader.config.load import load
from leader.config.model import Config, WatchdogMode
from leader.config.rules import reader
from leader.doctor import agent, crontab, host, instances, nodes
from leader.doctor.finding import Finding, Severity, needs_somebody
from leader.errors import ConfigurationError, UsageError
from leader.instances.examination import Examined
from leader.protocol.calls import Registration

NS_PER_MS = 1_000_000
AsJson = Annotated[bool, typer.Option("--json", help="Print the findings for programs.")]
ConfigOption = Annotated[str, typer.Option("--config", "-c", help="The configuration file.", metavar="FILE")]
CrontabOption = Annotated[
    list[str], typer.Option("--crontab", help="A crontab to read too; - is standard input.", metavar="FILE…")
]
More = Annotated[
    list[str], typer.Argument(help="More crontabs, after --crontab.", metavar="FILE…", show_default=False)
]
Patience = Annotated[str, typer.Option("--timeout", help="How long to wait for each answer.", metavar="D")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="doctor", short_help="Say what is wrong, and how to mend it.")(doctor)


def doctor(
    crontabs: CrontabOption = [],  # noqa: B006  what typer takes as "none"
    more_crontabs: More = [],  # noqa: B006
    config: ConfigOption = "",
    socket: SocketOption = "",
    as_json: AsJson = False,
    timeout: Patience = "2s",
) -> None:
    """Examine the instances, the other nodes, this machine, its agent (if one runs) and crontabs.

    It changes nothing, and takes a little longer than a third of the lease. The exit code is 0 if nothing is
    wrong, 1 if something is, 78 if the configuration is broken.
    """
    if more_crontabs and not crontabs:
        raise UsageError(f"{more_crontabs[0]} is not expected: say --crontab in front of crontabs")
    timeout_ms = duration("--timeout", timeout) or 1
    loaded, found = configuration(config)
    elections = tuple(loaded.elections) if loaded else ()
    for path in (*crontabs, *more_crontabs):
        found += crontab.examine_file(path, elections)
    checked: list[str] = []
    if loaded is not None:
        findings, checked = asyncio.run(surroundings(loaded, timeout_ms))
        found += findings
    found += here(loaded, socket, timeout)
    checked += ["the agent", "this machine", *(f"crontab {path}" for path in (*crontabs, *more_crontabs))]
    if as_json:
        show_json({"findings": [asdict(finding) for finding in found], "checked": checked})
    else:
        show(*report(found, checked))
    raise typer.Exit(ConfigurationError.exit_code if loaded is None else int(needs_somebody(found)))


def configuration(path: str) -> tuple[Config | None, list[Finding]]:
    """The configuration, or all that is wrong with it; and what is unwise about it."""
    try:
        loaded = load(path or None)
    except ConfigurationError as error:
        return None, [_broken(problem) for problem in error.problems]
    return loaded, [*map(_warning, loaded.warnings), *map(_note, loaded.notes)]


def _broken(problem: str) -> Finding:
    why = f"no agent of {reader()} starts with it, and the instances cannot be examined"
    remedy = "correct it: leader config check"
    if os.geteuid() != 0:
        remedy += "; if only root or the agent's user is to read a file, ask as one of them"
    return Finding(Severity.CRITICAL, "configuration-broken", problem, why, remedy)


def _warning(warning: str) -> Finding:
    what, _, remedy = warning.partition("; ")
    why = "who has the password or the key can do at the instances what this node's agent can"
    return Finding(Severity.WARNING, "configuration-exposed", what, why, remedy)


def _note(note: str) -> Finding:
    why = "it is allowed, and seldom meant"
    return Finding(Severity.INFO, "configuration-note", note, why, "see `leader config show`, and change it")


async def surroundings(config: Config, timeout_ms: int) -> tuple[list[Finding], list[str]]:
    """What is wrong with the instances and the other nodes, and what was examined, in words."""
    examiners = make_examiners(config)
    found = await asyncio.gather(*(one.examine(timeout_ms * NS_PER_MS) for one in examiners))
    quorum = instances.Quorum(found, config.configuration(), config.quorum.voters())
    around = neighbours(config, found)
    others = [node for node in around.latest() if node != config.node.name]
    checked = [
        f"{len(found)} instances ({instances.speed(quorum)})",
        f"other nodes: {', '.join(others) or 'none'}",
    ]
    return [*instances.examine(quorum, wall_ms()), *nodes.examine(around)], checked


def neighbours(config: Config, found: Sequence[Examined]) -> nodes.Surroundings:
    """The other nodes, as the instances' registries showed them."""
    addresses = {instance.name: address_of(instance) for instance in config.quorum.all_instances}
    return nodes.Surroundings(
        node=config.node.name,
        version=__version__,
        lease_ms=config.quorum.held_lease_ms,
        generation=config.quorum.generation,
        elections=tuple(config.elections),
        processes={addresses[one.name]: one.process for one in found},
        glances=[[_sights(glance) for glance in one.glances] for one in found],
    )


def _sights(glance: Iterable[Registration]) -> list[nodes.Sight]:
    read = ((decode(one.node, one.text), one.age_ms) for one in glance)
    return [nodes.Sight(entry, age_ms) for entry, age_ms in read if entry]


def here(config: Config | None, socket: str, timeout: str) -> list[Finding]:
    """What is wrong with this node's agent and this machine."""
    facts = ask(client(socket, timeout))
    guarded = config is not None and config.watchdog.mode is not WatchdogMode.OFF
    watchdog = config.watchdog.device if config is not None and guarded else ""
    machine = gather(os.fspath(facts.socket), facts.pid, watchdog)
    return [*agent.examine(facts, __version__, config), *host.examine(machine)]
