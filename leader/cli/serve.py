"""`leader agent` without the whole command line: this node's agent in the foreground.

An agent runs for months, so it does not keep in its memory what the whole command line loads.
"""

import os
from pathlib import Path

from leader.agent.agent import Directories
from leader.agent.instances import make_instances
from leader.agent.logs import log, set_up
from leader.agent.service import Places, Service
from leader.config.load import load
from leader.errors import UsageError
from leader.jobs.options import scan
from leader.paths import agent_runtime_directory, agent_socket, agent_state_directory

LOG_STYLES = ("text", "json")


def main(arguments: list[str]) -> int | None:
    """Run the agent that these words ask for, to its end; None if help is asked for.

    Raises:
        UsageError: they are not what the command takes.
        ConfigurationError: the configuration cannot be used.
    """
    words = scan(arguments, ("--config", "-c", "--node", "--socket", "--log"), ("--dev",))
    if words is None:
        return None
    for word in [*words.names, *words.command]:
        raise UsageError(f"agent takes no {word!r}: see `leader agent --help`")
    said = words.values
    config = said.get("--config", said.get("-c", ""))
    style = said.get("--log", LOG_STYLES[0])
    return serve(config, said.get("--node", ""), said.get("--socket", ""), style, dev="--dev" in said)


def serve(config: str, node: str, socket: str, log_style: str, *, dev: bool) -> int:
    """Run this node's agent to its end; its exit code."""
    if log_style not in LOG_STYLES:
        raise UsageError(f"--log {log_style} is not a style of the log: say text or json")
    set_up(log_style)
    if dev:
        if config:
            raise UsageError("--dev needs no configuration: leave out --config, or leave out --dev")
        from leader.cli.development import run_dev  # noqa: PLC0415 - a server of one's own, to try things

        return run_dev(node, socket)
    loaded = load(config or None, node=node or None)
    for note in (*loaded.warnings, *loaded.notes):
        log.warning("%s", note)
    service = Service(loaded, places(socket), make_instances, lambda: load(config or None, node=node or None))
    return service.run()


def places(socket: str) -> Places:
    """Where an ordinary agent listens and keeps its files."""
    root = os.geteuid() == 0
    runtime = agent_runtime_directory(os.environ, root=root)
    state = agent_state_directory(os.environ, root=root)
    path = agent_socket(os.environ, root=root, option=socket or None)
    return Places(Path(path), Directories(Path(runtime), Path(state)))
