"""A job that does all it can to stay: it ignores SIGTERM, and has children that left its group."""

from pathlib import Path

import psutil

STAY = "trap '' TERM; echo $$ >>{pids}; exec sleep 1000"
SCRIPT = """
trap '' TERM
echo $$ >>{pids}
sh -c "{stay}" &
setsid sh -c "{stay}" &
(setsid sh -c "{stay}" &)
while :; do sleep 0.05; done
"""
PROCESSES = 4


class StubbornJob:
    """What to run, and which of its processes are alive."""

    def __init__(self, directory: Path, name: str) -> None:
        self.pids_file = directory / f"{name}.pids"
        self.pids_file.touch()

    @property
    def command(self) -> list[str]:
        """The words of the command."""
        stay = STAY.format(pids=self.pids_file).replace("$", "\\$")
        return ["sh", "-c", SCRIPT.format(pids=self.pids_file, stay=stay)]

    def has_begun(self) -> bool:
        """Whether all of its processes run."""
        return len(self._pids()) >= PROCESSES

    def alive(self) -> list[int]:
        """Those that have not ended; one that only waits to be reaped has."""
        return [pid for pid in self._pids() if _runs(pid)]

    def _pids(self) -> list[int]:
        return [int(line) for line in self.pids_file.read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
