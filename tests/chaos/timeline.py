"""What happened when, in words: the lab and the nemesis write it, and people read it after a failure."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from leader.clock import now_ns
from tests.chaos.history import NS_PER_S, Calm, Spell


class Timeline:
    """Lines with the time since the beginning, in a file; the spells and calms that were, for the checker."""

    def __init__(self, file: Path) -> None:
        self.begin = now_ns()
        self.spells: list[Spell] = []
        self.calms: list[Calm] = []
        self._file = file
        self._lock = threading.Lock()

    def tell(self, line: str) -> None:
        """Write down what happens now."""
        seconds = (now_ns() - self.begin) / NS_PER_S
        with self._lock, self._file.open("a") as file:
            file.write(f"{seconds:9.3f}  {line}\n")

    @contextmanager
    def spell(self, kind: str, touches: Sequence[str], forgets: Sequence[int]) -> Iterator[None]:
        """A fault runs meanwhile."""
        begin, whom = now_ns(), " ".join(touches)
        self.tell(f"{kind}: {whom}, begins")
        try:
            yield
        finally:
            self.spells.append(Spell(kind, begin, now_ns(), tuple(touches), tuple(forgets)))
            self.tell(f"{kind}: {whom}, is over")
