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


def test_all_calls_since_the_start_are_in_the_histogram() -> None:
    """Each bound counts what took at most so long; what is slower than all is in the whole count."""
    fast, slow, endless = 400_000, 30_000_000, 60_000_000_000
    histogram = taken(*[fast] * REMEMBERED, fast, slow, endless).histogram
    counts = dict(histogram.at_most)
    assert counts[0.0005] == counts[0.025] == REMEMBERED + 1
    assert counts[0.05] == counts[2.5] == REMEMBERED + 2
    assert histogram.count == REMEMBERED + 3
    assert round(histogram.total_s, 3) == round(60.03 + (REMEMBERED + 1) * 0.0004, 3)


def test_a_call_at_a_bound_counts_as_within_it() -> None:
    """The bound says "at most", as Prometheus' does."""
    assert dict(taken(1_000_000).histogram.at_most)[0.001] == 1
