"""The median and the 99th percentile of the last calls to one instance."""

from leader.agent.round_trips import REMEMBERED, RoundTrips


def taken(*durations: int) -> RoundTrips:
    """Calls that took so long, in this order."""
    round_trips = RoundTrips()
    for duration in durations:
        round_trips.add(duration)
    return round_trips


def test_before_the_first_call_nothing_is_known() -> None:
    """An instance that never answered has no median, and not one of 0."""
    assert taken().median_ns is None
    assert taken().p99_ns is None


def test_percentiles_are_round_trips_that_happened() -> None:
    """Of 1 to 100, half are at most 50, and all but one at most 99; of one, it is that one."""
    assert (taken(*range(100, 0, -1)).median_ns, taken(*range(100, 0, -1)).p99_ns) == (50, 99)
    assert (taken(7).median_ns, taken(7).p99_ns) == (7, 7)


def test_old_calls_are_forgotten() -> None:
    """What was slow long ago does not stain the present."""
    assert taken(9_999, *[1] * REMEMBERED).p99_ns == 1
