"""Why a goal is not reached, where the reason lies in how things are built. Figures never stand here."""

from dataclasses import dataclass

from tests.benchmarks.rows import Figure, Row

UNKNOWN = "The reason is not known."


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence for the figures of that name in the cases of a part that begin so."""

    part: str
    begins: str
    figure: str
    sentence: str

    def fits(self, row: Row, figure: Figure) -> bool:
        """Whether it is about this one."""
        return (
            row.part == self.part and row.case.startswith(self.begins) and figure.name.startswith(self.figure)
        )


REASONS: tuple[Reason, ...] = ()


def why(row: Row, figure: Figure) -> str:
    """The sentence about a missed figure."""
    return next((reason.sentence for reason in REASONS if reason.fits(row, figure)), UNKNOWN)
