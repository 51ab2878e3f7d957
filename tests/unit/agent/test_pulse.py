"""Which trouble two looks at the clocks tell of."""

from typing import NamedTuple

import pytest

from leader.agent.pulse import Clocks, Happening, compare, read_clocks
from leader.protocol.events import NS_PER_MS

PAUSE_MS = 1000
LEASE_MS = 10_000


class Passed(NamedTuple):
    """How far each clock went, milliseconds."""

    boot: int
    monotonic: int
    wall: int


@pytest.mark.parametrize(
    ("passed", "happenings"),
    [
        (Passed(1002, 1002, 1002), []),
        (Passed(3400, 3400, 3400), []),
        (Passed(3600, 3600, 3600), [("frozen", 2600)]),
        (Passed(61_000, 1000, 61_000), [("suspended", 60_000)]),
        (Passed(66_000, 6000, 66_000), [("suspended", 60_000), ("frozen", 5000)]),
        (Passed(1000, 1000, 1900), []),
        (Passed(1000, 1000, 2100), [("clock-jumped", 1100)]),
        (Passed(1000, 1000, -5000), [("clock-jumped", -6000)]),
    ],
)
def test_what_is_told_of_how_far_each_clock_went(passed: Passed, happenings: list[tuple[str, int]]) -> None:
    """A pause of 1 s with a lease of 10 s: 2.5 s late is a freeze, 1 s apart a jump, and less is nothing."""
    before = Clocks(5_000_000_000, 3_000_000_000, 1_790_000_000_000_000_000)
    after = Clocks(
        before.boot + passed.boot * NS_PER_MS,
        before.monotonic + passed.monotonic * NS_PER_MS,
        before.wall + passed.wall * NS_PER_MS,
    )
    found = compare(before, after, PAUSE_MS * NS_PER_MS, LEASE_MS * NS_PER_MS)
    assert [(one.kind, one.duration_ms) for one in found] == happenings


@pytest.mark.parametrize(
    ("happening", "sentence"),
    [
        (Happening("frozen", 12_340), "this agent stood still for 12.3 s"),
        (Happening("suspended", 60_000), "this machine was suspended for 60.0 s"),
        (Happening("clock-jumped", 2000), "the wall clock jumped 2.0 s ahead"),
        (Happening("clock-jumped", -2000), "the wall clock jumped 2.0 s back"),
    ],
)
def test_each_is_told_in_words(happening: Happening, sentence: str) -> None:
    """With how long, and which way."""
    assert happening.sentence == sentence


def test_the_real_clocks_go_together() -> None:
    """Two looks right after one another find nothing."""
    assert compare(read_clocks(), read_clocks(), 0, 10**10) == []
