"""Which trouble two looks at the clocks tell of."""

from typing import NamedTuple

import pytest

from leader.agent.pulse import Clocks, Happening, compare, read_clocks
from leader.protocol.events import NS_PER_MS, Cause

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
        (Passed(3600, 3600, 3600), [("frozen", 2600, False)]),
        (Passed(6000, 6000, 6000), [("frozen", 5000, False)]),
        (Passed(6001, 6001, 6001), [("frozen", 5001, True)]),
        (Passed(4500, 1000, 4500), [("suspended", 3500, False)]),
        (Passed(6600, 3800, 6600), [("suspended", 2800, True), ("frozen", 2800, True)]),
        (Passed(61_000, 1000, 61_000), [("suspended", 60_000, True)]),
        (Passed(66_000, 6000, 66_000), [("suspended", 60_000, True), ("frozen", 5000, True)]),
        (Passed(1000, 1000, 1900), []),
        (Passed(1000, 1000, 0), []),
        (Passed(1000, 1000, 2100), [("clock-jumped", 1100, True)]),
        (Passed(1000, 1000, -5000), [("clock-jumped", -6000, True)]),
    ],
)
def test_what_is_told_of_how_far_each_clock_went(
    passed: Passed, happenings: list[tuple[str, int, bool]]
) -> None:
    """With a lease of 10 s: late by 2.5 s is a freeze, which unseats from 5 s on, as a jump of 1 s does."""
    before = Clocks(5_000_000_000, 3_000_000_000, 1_790_000_000_000_000_000)
    after = Clocks(
        before.boot + passed.boot * NS_PER_MS,
        before.monotonic + passed.monotonic * NS_PER_MS,
        before.wall + passed.wall * NS_PER_MS,
    )
    found = compare(before, after, PAUSE_MS * NS_PER_MS, LEASE_MS * NS_PER_MS)
    assert [(one.kind, one.duration_ms, one.unseats) for one in found] == happenings


@pytest.mark.parametrize("passed_ms", [250, 1000, 60_000, 3_600_000])
@pytest.mark.parametrize("rate", [-0.0833, -0.0005, 0.0005, 0.0833])
def test_a_clock_that_is_slewed_has_not_jumped(passed_ms: int, rate: float) -> None:
    """However long passes, and as fast as chrony moves a clock at most: 83,333 ppm either way."""
    before = Clocks(0, 0, 0)
    passed = passed_ms * NS_PER_MS
    after = Clocks(passed, passed, passed + round(passed * rate))
    assert not [one for one in compare(before, after, passed, 10**9) if one.kind == "clock-jumped"]


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


def test_each_that_ends_a_leadership_says_by_which_cause() -> None:
    """A suspended machine stood still as a frozen agent did."""
    causes = {kind: Happening(kind, 1).cause for kind in ("frozen", "suspended", "clock-jumped")}
    assert causes == {
        "frozen": Cause.FROZEN,
        "suspended": Cause.FROZEN,
        "clock-jumped": Cause.CLOCK_JUMPED,
    }


def test_the_real_clocks_go_together() -> None:
    """Two looks right after one another find nothing."""
    assert compare(read_clocks(), read_clocks(), 0, 10**10) == []
