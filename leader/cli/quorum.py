"""`leader quorum`: which configuration each instance keeps, and who is registered; `--purge` removes both."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from leader.agent.instances import make_instances
from leader.agent.registry import Registry
from leader.clock import now_ns
from leader.config.load import load
from leader.config.model import Config
from leader.errors import Refused
from leader.instances.instance import Instance
from leader.instances.problems import Ineligible, Unanswered
from leader.protocol.calls import Reply

PATIENCE_NS = 2_000_000_000
STILL_RUNNING_LEASES = 3

Result = TypeVar("Result")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="quorum", short_help="Ask each instance what it keeps.")(quorum)


def quorum(
    config: str = typer.Option("", "--config", "-c", help="The configuration file.", metavar="FILE"),
    purge: bool = typer.Option(False, "--purge", help="Remove the cluster's keys from every instance."),
    force: bool = typer.Option(False, "--force", help="Purge although agents may still run."),
) -> None:
    """Show which configuration each instance keeps, asked directly, without an agent.

    To change the list of instances or the lease: stop all agents, purge, change every node's file, start.
    """
    loaded = load(config or None)
    code = asyncio.run(purge_all(loaded, force=force) if purge else show_all(loaded))
    raise typer.Exit(code)


async def show_all(config: Config) -> int:
    """Print a line per instance and per node; return 0 if every instance keeps our configuration or none."""
    registry, outcomes = await look(config)
    for name, outcome in outcomes.items():
        print(f"{name}: {_describe(outcome, config)}")
    for node in registry.views(now_ns()):
        print(f"node {node.name}: version {node.version}, seen {node.seen_ms_ago / 1000:.1f} s ago")
    return 0 if all(_is_in_order(outcome, config) for outcome in outcomes.values()) else 1


async def purge_all(config: Config, *, force: bool) -> int:
    """Remove the cluster's keys from every instance; return 0 if all of them did.

    Raises:
        Refused: agents were there a moment ago.
    """
    registry, outcomes = await look(config)
    recent_ms = STILL_RUNNING_LEASES * config.quorum.lease_ms
    running = [node.name for node in registry.views(now_ns()) if node.seen_ms_ago < recent_ms]
    if running and not force:
        raise Refused(
            f"agents of cluster {config.cluster} run ({', '.join(running)}): stop them, or say --force"
        )
    done = await each(config, lambda instance: instance.purge(config.elections, PATIENCE_NS))
    for name, outcome in done.items():
        print(f"{name}: {outcome}" if isinstance(outcome, str) else f"{name}: {outcome} keys removed")
    return 1 if any(isinstance(outcome, str) for outcome in (*done.values(), *outcomes.values())) else 0


async def look(config: Config) -> tuple[Registry, dict[str, Reply | str]]:
    """What each instance answers, or the sentence why it does not, and the registry of all."""

    def ask(instance: Instance) -> Awaitable[Reply]:
        return instance.call([], registration="", want_registry=True, timeout_ns=PATIENCE_NS)

    outcomes = await each(config, ask)
    registry = Registry()
    for name, outcome in outcomes.items():
        if not isinstance(outcome, str):
            registry.learn(name, outcome.registry or (), now_ns())
    return registry, outcomes


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


def _describe(outcome: Reply | str, config: Config) -> str:
    if isinstance(outcome, str):
        return outcome
    kept = outcome.configuration
    if kept is None:
        return "keeps no configuration"
    same = "this node's" if kept == config.configuration() else "ANOTHER"
    return (
        f"keeps {same} configuration: generation {kept.generation}, lease {kept.lease_ms} ms, "
        f"written by {outcome.configured_by}"
    )


def _is_in_order(outcome: Reply | str, config: Config) -> bool:
    return not isinstance(outcome, str) and outcome.configuration in (None, config.configuration())
