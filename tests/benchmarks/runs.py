"""One step as it was run: when, for how long, beside what, on which machine with which versions."""

from dataclasses import dataclass
from typing import Any, Self

from tests.benchmarks.rows import MISSED


@dataclass(frozen=True, slots=True)
class Run:
    """It, as it is kept; `whole` tells those apart that were started together."""

    step: str
    whole: str
    began: str
    seconds: float
    load: float
    quick: bool
    code: int
    beside: tuple[str, ...]
    machine: str
    versions: str

    @property
    def is_complete(self) -> bool:
        """Whether it ended by itself, goals reached or not."""
        return self.code in (0, MISSED)

    def serves(self, *, quick: bool, machine: str, versions: str) -> bool:
        """Whether another run like this need not be: it would measure the same on the same machine."""
        mine = (self.quick, self.machine, self.versions)
        return self.is_complete and mine == (quick, machine, versions)

    @classmethod
    def of(cls, found: dict[str, Any]) -> Self:
        """As it was read."""
        return cls(**found | {"beside": tuple(found["beside"])})
