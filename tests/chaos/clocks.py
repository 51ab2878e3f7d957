"""A wall clock of its own for one process, which the lab sets while it runs: how it is given and set."""

import struct
from collections.abc import Mapping
from mmap import mmap
from pathlib import Path

US_PER_S = 1_000_000


class WallClock:
    """The clock of what is started with this environment; without a compiled library, that of the host."""

    def __init__(self, file: Path, shim: Path | None) -> None:
        self._file = file
        self._file.write_bytes(struct.pack("q", 0))
        self.ahead_s = 0.0
        self.environment: Mapping[str, str] = (
            {"LD_PRELOAD": str(shim), "CHAOS_CLOCK": str(file)} if shim is not None else {}
        )

    def set_ahead(self, seconds: float) -> None:
        """Let it be ahead of the host's by so much from now on."""
        self.ahead_s = seconds
        with self._file.open("r+b") as file, mmap(file.fileno(), 8) as ahead:
            ahead[:] = struct.pack("q", int(seconds * US_PER_S))

    def step(self, seconds: float) -> None:
        """Set it ahead by so much, against what it showed; or back."""
        self.set_ahead(self.ahead_s + seconds)
