"""A PostgreSQL server of our own: on a Unix socket in a directory of its own, as an unprivileged user."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leader.instances.group import OwnedGroup
from tests.conftest import SYSTEM_PROGRAMS
from tests.support.agents import short_directory
from tests.support.polling import until

USER = "postgres"
"""It does not run as root. The package makes this user."""


class Postgres:
    """A running server; `environment` is what its clients need to find it."""

    def __init__(self, directory: Path, database: str = "postgres") -> None:
        self.directory = directory
        self.environment = {"PGHOST": str(directory), "PGUSER": USER, "PGDATABASE": database}

    def ask(self, *words: str) -> str:
        """What `psql` prints, with these words."""
        done = subprocess.run(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *words],
            env=self.environment | {"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def with_database(self, name: str) -> "Postgres":
        """The same server, and a new database in it."""
        self.ask("-c", f'CREATE DATABASE "{name}"')
        return Postgres(self.directory, name)

    def answers(self) -> bool:
        """Whether it takes connections by now."""
        command = [program("pg_isready"), "-q", "-h", self.environment["PGHOST"]]
        return subprocess.run(command, check=False).returncode == 0


def program(name: str) -> str:
    """Where a program of the server is: not on the PATH of an ordinary user."""
    found = shutil.which(name, path=SYSTEM_PROGRAMS)
    assert found is not None, f"{name} is not installed"
    return found


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server that is gone afterwards, with all that it kept."""
    as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"] if os.geteuid() == 0 else []
    with short_directory() as directory:
        data, log = directory / "data", directory / "log"
        if as_user:
            shutil.chown(directory, USER)
        make = [*as_user, program("initdb"), "-D", str(data), "-U", USER, "-A", "trust", "-N"]
        made = subprocess.run(make, cwd="/", capture_output=True, text=True, check=False, timeout=60)
        assert made.returncode == 0, made.stderr
        serve = [*as_user, program("postgres"), "-D", str(data), "-k", str(directory), "-h", "", "-F"]
        group = OwnedGroup()
        with log.open("wb") as output:
            process = subprocess.Popen(serve, cwd="/", stdout=output, stderr=output, process_group=group.id)
        try:
            server = Postgres(directory)
            until(lambda: process.poll() is not None or server.answers(), "PostgreSQL answers")
            assert process.poll() is None, log.read_text()
            yield server
        finally:
            process.terminate()
            process.wait(30)
            group.close()
