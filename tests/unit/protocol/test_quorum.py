"""The arithmetic of majorities: needed votes, deadlines, medians."""

from hypothesis import given
from hypothesis import strategies as st

from leader.protocol.events import NS_PER_MS
from leader.protocol.quorum import Grant, deadline, lower_median, majority, nth_earliest, sure_ns, votes

LEASE_MS = 1000
NAMES = st.sampled_from(["v", "w", "x", "y", "z"])
GRANTS = st.dictionaries(
    NAMES, st.builds(Grant, st.sampled_from(["1", "2", "3", "4", "5"]), st.integers(0, 10**12)), max_size=5
)
NEEDED = st.integers(1, 3)


@given(st.integers(1, 101))
def test_two_majorities_always_share_an_instance(instances: int) -> None:
    """Which is what the whole protocol stands on."""
    assert 2 * majority(instances) > instances
    assert 2 * (majority(instances) - 1) <= instances


def test_a_grant_is_sure_for_nine_tenths_of_the_lease() -> None:
    """The rest pays for clocks that run at different rates."""
    assert sure_ns(10_000) == 9_000 * NS_PER_MS


@given(GRANTS)
def test_each_process_and_each_name_has_one_vote_at_most(grants: dict[str, Grant]) -> None:
    """However the grants are spread over names and processes."""
    counted = votes(grants)
    assert len(counted) == len({grant.process for grant in grants.values()})
    assert counted == sorted(counted, reverse=True)


@given(GRANTS, NEEDED)
def test_the_deadline_is_never_later_than_the_q_th_newest_sending_allows(
    grants: dict[str, Grant], needed: int
) -> None:
    """At least Q processes granted a request that was sent no earlier than 0.9 lease before it."""
    moment = deadline(grants, needed, LEASE_MS)
    if moment is None:
        assert len({grant.process for grant in grants.values()}) < needed
        return
    good = {grant.process for grant in grants.values() if grant.sent_at >= moment - sure_ns(LEASE_MS)}
    better = {grant.process for grant in grants.values() if grant.sent_at > moment - sure_ns(LEASE_MS)}
    assert len(good) >= needed > len(better)


@given(GRANTS, NEEDED, st.integers(0, 10**12), st.sampled_from(["1", "2", "9"]))
def test_one_more_name_never_brings_the_deadline_forward(
    grants: dict[str, Grant], needed: int, sent_at: int, process: str
) -> None:
    """A further grant, however old and of whatever process, takes nothing away."""
    before = deadline(grants, needed, LEASE_MS)
    after = deadline({**grants, "one more": Grant(process, sent_at)}, needed, LEASE_MS)
    assert before is None or (after is not None and after >= before)


@given(GRANTS, NEEDED, st.integers(0, 10**12))
def test_a_newer_grant_of_the_same_process_never_brings_the_deadline_forward(
    grants: dict[str, Grant], needed: int, later: int
) -> None:
    """A renewal can only help."""
    before = deadline(grants, needed, LEASE_MS)
    for name, grant in list(grants.items()):
        renewed = {**grants, name: Grant(grant.process, grant.sent_at + later)}
        after = deadline(renewed, needed, LEASE_MS)
        assert before is None or (after is not None and after >= before)


@given(st.lists(st.tuples(st.sampled_from("12345"), st.integers(0, 1000)), max_size=8), NEEDED)
def test_the_nth_earliest_waits_for_every_record_of_a_process(
    moments: list[tuple[str, int]], needed: int
) -> None:
    """So many processes are ready then with all that they show, and one fewer a moment before."""
    moment = nth_earliest(moments, needed)
    processes = {process for process, _ in moments}
    if moment is None:
        assert len(processes) < needed
        return
    ready = {p for p in processes if all(at <= moment for q, at in moments if q == p)}
    earlier = {p for p in processes if all(at < moment for q, at in moments if q == p)}
    assert len(ready) >= needed > len(earlier)


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=9))
def test_the_lower_median_has_no_more_below_it_than_above(values: list[int]) -> None:
    """It is one of the values, and at most half of them are below."""
    median = lower_median(values)
    assert median in values
    assert 2 * sum(value < median for value in values) < len(values)
    assert 2 * sum(value > median for value in values) <= len(values)


def test_the_lower_median_of_nothing_is_0() -> None:
    """An agent that has heard of nobody has no clock to go by."""
    assert lower_median([]) == 0
