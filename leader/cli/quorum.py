"""`leader quorum`: which generation instances keep and nodes run; `--purge` removes a cluster's keys."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from leader.agent.change import Sight, obstacles
from leader.agent.instances import make_instances
from leader.agent.registry import Registry
from leader.clock import now_ns, wall_ms
from leader.config.load import load
from leader.config.model import Config
from leader.durations import format_duration
from leader.errors import Refused
from leader.instances.instance import Instance
from leader.instances.problems import Ineligible, Unanswered
from leader.protocol.calls import Configuration, Reply

NS_PER_S = 1_000_000_000
PATIENCE_NS = 2_000_000_000
STILL_RUNNING_LEASES = 3

Result = TypeVar("Result")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="quorum", short_help="Show how a change of the quorum stands.")(quorum)


def quorum(
    config: str = typer.Option("", "--config", "-c", help="The configuration file.", metavar="FILE"),
    purge: bool = typer.Option(False, "--purge", help="Remove the cluster's keys from every instance."),
    force: bool = typer.Option(False, "--force", help="Purge although agents may still run."),
) -> None:
    """Show which generation of the quorum instances keep and nodes run, asked directly, without an agent.

    Exit code 0: the list of instances or the lease may be changed by the next step; 1: not yet, and why.
    """
    loaded = load(config or None)
    code = asyncio.run(purge_all(loaded, force=force) if purge else show_all(loaded))
    raise typer.Exit(code)


async def show_all(config: Config) -> int:
    """Print a line per instance and per node, and whether the next step may begin; return 0 if it may."""
    registry, outcomes = await look(config)
    own = config.configuration()
    print(f"generation {own.generation}: {config.quorum.changes or 'no change is under way'}")
    for name, outcome in outcomes.items():
        print(outcome if isinstance(outcome, str) else f"instance {name}: {_describe(outcome, own)}")
    now = now_ns()
    for node, (seen_at, entry) in sorted(registry.nodes().items()):
        ago_s = max(0, now - seen_at) / NS_PER_S
        print(
            f"node {node}: runs generation {entry.generation}, version {entry.version}, seen {ago_s:.1f}s ago"
        )
    kept = {name: reply.configuration for name, reply in outcomes.items() if not isinstance(reply, str)}
    nodes = {node: entry for node, (_, entry) in registry.nodes().items()}
    found = obstacles(own, config.quorum.voters(), Sight(kept, nodes), wall_ms())
    step = f"generation {own.generation + 1}"
    print(f"{step} may begin" if not found else f"{step} may not begin yet: {'; '.join(found)}")
    return 1 if found else 0


async def purge_all(config: Config, *, force: bool) -> int:
    """Remove the cluster's keys from every instance; return 0 if all of them did.

    Raises:
        Refused: agents were there a moment ago.
    """
    registry, outcomes = await look(config)
    recent_ms = STILL_RUNNING_LEASES * config.configuration().watched_lease_ms
    running = [node.name for node in registry.views(now_ns()) if node.seen_ms_ago < recent_ms]
    if running and not force:
        raise Refused(
            f"agents of cluster {config.cluster} run ({', '.join(running)}): stop them, or say --force"
        )
    done = await each(config, lambda instance: instance.purge(config.elections, PATIENCE_NS))
    for name, outcome in done.items():
        print(outcome if isinstance(outcome, str) else f"{name}: {outcome} keys removed")
    return 1 if any(isinstance(outcome, str) for outcome in (*done.values(), *outcomes.values())) else 0


async def look(config: Config) -> tuple[Registry, dict[str, Reply | str]]:
    """What each instance answers, or the sentence why it does not, and the registry of all."""
    registry = Registry()

    async def ask(instance: Instance) -> Reply:
        reply = await instance.call([], registration="", timeout_ns=PATIENCE_NS)
        found = await instance.read_registry(timeout_ns=PATIENCE_NS)
        registry.learn(instance.name, found, now_ns())
        return reply

    return registry, await each(config, ask)


async def each(config: Config, ask: Callable[[Instance], Awaitable[Result]]) -> dict[str, Result | str]:
    """One answer per instance, all asked at once; a sentence where there is none."""
    instances = make_instances(config)
    answers = await asyncio.gather(*(_answer_or_sentence(instance, ask) for instance in instances))
    return {instance.name: answer for instance, answer in zip(instances, answers, strict=True)}


async def _answer_or_sentence(
    instance: Instance, ask: Callable[[Instance], Awaitable[Result]]
) -> Result | str:
    try:
        return await ask(instance)
    except (Unanswered, Ineligible) as error:
        return str(error)
    finally:
        await instance.close()


def _describe(outcome: Reply, own: Configuration) -> str:
    kept = outcome.configuration
    if kept is None:
        return "keeps no generation yet"
    relation = "" if kept == own else ", a neighbouring step" if kept.is_beside(own) else ", ANOTHER QUORUM"
    lease = format_duration(kept.lease_ms)
    return f"keeps generation {kept.generation}{relation} (lease {lease}), written by {outcome.configured_by}"
