"""How many files may this process have open, and who has them: clients of its API, or the agent itself?

A limit of the system is shared out at the start, so that no number of clients takes what the instances, the
files and the hooks need. What the agent starts gets back the limit that the agent was started with.
"""

import contextlib
import errno
import os
import resource
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from leader.api.limits import Limits
from leader.api.remote import LIMITS as REMOTE

AT_FIRST = resource.getrlimit(resource.RLIMIT_NOFILE)
"""The limit that this process was started with: what may be had now, and at most."""

KEPT_BACK = 128
"""For the agent itself, and for what it starts."""
FOR_AN_INSTANCE = 8
"""Two connections to each, those that take their place, and looking up its name."""
USEFUL = 16_384
"""More than that the agent never needs, and some systems allow a thousand million."""


def raise_limit() -> None:
    """Have as many files as the system allows."""
    now, most = AT_FIRST
    wanted = most if most != resource.RLIM_INFINITY else max(now, USEFUL)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def open_files() -> int:
    """How many this process may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def restore_limit() -> None:
    """Give back the limit of the start, for the process that takes this one's place."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, AT_FIRST)


def with_first_limit(command: Sequence[str]) -> list[str]:
    """The command, to be run with the limit of our own start: some programs try every number there is.

    Raises:
        OSError: there is no such command, or it cannot be run.
    """
    if shutil.which(command[0]) is None:
        code = errno.EACCES if Path(command[0]).is_file() else errno.ENOENT
        raise OSError(code, os.strerror(code), command[0])
    return ["/bin/sh", "-c", 'ulimit -S -n "$0"; exec "$@"', _said(AT_FIRST[0]), *command]


def _said(limit: int) -> str:
    return "unlimited" if limit == resource.RLIM_INFINITY else str(limit)


def shared_out(files: int, instances: int) -> tuple[Limits, Limits]:
    """The bounds of the API on the Unix socket and on TCP, where so many files may be open."""
    room = max(files // 4, files - KEPT_BACK - FOR_AN_INSTANCE * instances)
    local, remote = Limits(), REMOTE
    if room >= local.connections + remote.connections:
        return local, remote
    return _cut(local, room * 7 // 8), _cut(remote, room // 8)


def _cut(limits: Limits, connections: int) -> Limits:
    """The same bounds in proportion, for so many connections."""
    share = connections / limits.connections
    return replace(
        limits,
        connections=max(1, connections),
        streams=max(1, int(limits.streams * share)),
        waiting=max(1, int(limits.waiting * share)),
    )
