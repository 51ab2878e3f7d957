"""Which lease is the lowest that lost no leadership, whatever troubled the machine?

Made of the rows of `load`, since each burden is a program's run of its own.
"""

from collections.abc import Iterable, Sequence

from tests.benchmarks.rows import OWN, Figure, Row

PART, LOST, LEASE = "load", "lost", "lease"
CASE = "the lowest lease that lost no leadership, nor any longer one"


def lowest_lease(rows: Sequence[Row]) -> list[Row]:
    """Its row; none if nothing was measured under any burden."""
    measured = [row for row in rows if row.part == PART and row.figures]
    if not measured:
        return []
    troubled = {lease_of(row) for row in measured if any(figure.value for figure in lost(row))}
    leases = sorted({lease_of(row) for row in measured})
    stable = [lease for lease in leases if lease > max(troubled, default=0)]
    burdens = ", ".join(dict.fromkeys(row.case.partition(":")[0] for row in measured))
    tried = ", ".join(f"{lease:g}" for lease in leases)
    figures = (Figure(LEASE, stable[0], "s"),) if stable else ()
    how = f"under {burdens}; tried were {tried} s"
    return [Row(PART, CASE, OWN, figures, how if stable else f"none: {how}")]


def lease_of(row: Row) -> float:
    """The seconds of its lease, which its case ends with: `… lease 5 s`."""
    return float(row.case.split()[-2])


def lost(row: Row) -> Iterable[Figure]:
    """The figure of what it lost."""
    return (figure for figure in row.figures if figure.name == LOST)
