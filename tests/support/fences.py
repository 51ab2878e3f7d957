"""`leader fence` as a process, for tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.node import PROJECT, Ended
from tests.support.polling import PATIENCE_S


def words_of(file: Path, *words: str) -> list[str]:
    """`leader fence FILE` with these words behind it."""
    return [sys.executable, "-m", "leader", "fence", str(file), *words]


def environment(term: object = None) -> dict[str, str]:
    """Little else than the term; None is no term."""
    places = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(PROJECT)}
    return places if term is None else places | {"LEADER_TERM": str(term)}


def fence(file: Path, *words: str, term: object = None) -> Ended:
    """Run it to its end."""
    return ended(words_of(file, *words), term)


def ended(command: list[str], term: object = None) -> Ended:
    """Run a command that has `leader fence` in it to its end."""
    done = subprocess.run(
        command,
        env=environment(term),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def begin(file: Path, *words: str, term: object) -> "subprocess.Popen[str]":
    """Start it, with pipes to it and from it."""
    return subprocess.Popen(
        words_of(file, *words),
        env=environment(term),
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def held(file: Path, term: int, *command: str) -> Iterator["subprocess.Popen[str]"]:
    """A command that runs under the file, and ends when it is told so; the default one says that it began."""
    holder = begin(file, "--", *(command or ("sh", "-c", "echo began; read end")), term=term)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "began\n"
        try:
            yield holder
        finally:
            holder.kill()


def lets_go(holder: "subprocess.Popen[str]") -> None:
    """Tell a command that waits for a line to end."""
    holder.communicate("end\n", timeout=PATIENCE_S)


def waits_for_a_lock(pid: int) -> bool:
    """Whether that process stands in the kernel's list of those that wait for one. Source: proc_locks(5)."""
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and str(pid) in line.split() for line in lines)


def have_open(file: Path) -> list[int]:
    """The processes that have this file open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(entry.samefile(file) for entry in (process / "fd").iterdir()):
                found.append(int(process.name))
        except OSError:  # it has just ended, or a descriptor has been closed
            continue
    return found
