"""`leader agent --dev`: an agent on an embedded quorum, to try things.

The first one is found by `leader is-leader` without being told where; named ones run beside it.
"""

import os
import tempfile
from pathlib import Path

from leader.agent.agent import Directories
from leader.agent.instances import make_instances
from leader.agent.logs import log
from leader.agent.service import Places, Service
from leader.config.load import from_document
from leader.config.model import Config
from leader.instances.dev import DevQuorum, join_dev_quorum
from leader.paths import agent_socket, client_socket

DEV_LEASE = "2s"


def run_dev(node: str, socket: str) -> int:
    """Run a development agent: the first one where clients look, others beside it."""
    directory = dev_directory()
    name = node or "a"
    quorum = join_dev_quorum(directory)
    try:
        where = dev_places(directory, name, socket, first=not node)
        log.info("%s", dev_hint(where.socket))
        return Service(dev_config(quorum, name), where, make_instances, reload=None).run()
    finally:
        quorum.close()


def dev_directory() -> Path:
    """Where this user's development servers and agents keep their files."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"leader-dev-{os.geteuid()}"


def dev_places(directory: Path, name: str, socket: str, *, first: bool) -> Places:
    """Where a development agent listens; without a name of its own, where clients look by themselves."""
    own = directory / f"node-{name}"
    if socket or os.environ.get("LEADER_SOCKET"):
        path = agent_socket(os.environ, root=False, option=socket or None)
        return Places(Path(path), Directories(own, own / "state"))
    found = Path(client_socket({**os.environ, "LEADER_SOCKET": ""}))
    if first and may_write_below(found.parent):
        return Places(found, Directories(own, own / "state"))
    return Places(own / "leader.sock", Directories(own, own / "state"))


def may_write_below(directory: Path) -> bool:
    """Whether this user may make files in a directory, or make the directory."""
    while not directory.exists():
        directory = directory.parent
    return os.access(directory, os.W_OK)


def dev_hint(socket: Path) -> str:
    """What to type in another terminal to ask this agent."""
    asked_anyway = client_socket({**os.environ, "LEADER_SOCKET": ""}) == str(socket)
    prefix = "" if asked_anyway else f"LEADER_SOCKET={socket} "
    return f"ask this node in another terminal: {prefix}leader is-leader && echo I lead"


def dev_config(quorum: DevQuorum, name: str) -> Config:
    """The configuration of a development agent: what `--dev` promises and nothing else."""
    document = {
        "cluster": "dev",
        "node": {"name": name},
        "quorum": {"instances": list(quorum.urls), "lease": DEV_LEASE},
    }
    return from_document(document, "--dev")
