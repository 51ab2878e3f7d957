"""Every verdict and every way to forget, on real servers: what beat.lua does with each call."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from leader.instances.embedded import EmbeddedQuorum
from leader.instances.problems import Ineligible, Unanswered
from leader.protocol.calls import Configuration, Observe, Release, Renew, Resume, Take, Verdict
from leader.protocol.record import LARGEST_TERM, State, Version
from tests.integration.instances_on_servers import (
    CONFIGURATION,
    PROGRAMS,
    Hand,
    admin,
    hand_on,
    holder,
    servers,
)

LEASE_MS = CONFIGURATION.lease_ms
OTHER = Configuration(2, "e" * 16, LEASE_MS)


@pytest.fixture(params=PROGRAMS)
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedQuorum]:
    """One server of each kind that can be restarted with its data."""
    with servers(request.param, save=True) as quorum:
        yield quorum


@pytest.fixture
async def hand(server: EmbeddedQuorum) -> AsyncIterator[Hand]:
    """An agent's hand on it."""
    async with hand_on(server.urls[0]) as one:
        yield one


async def take(hand: Hand, term: int, *, sitting: bool = False, released: bool = False) -> Verdict:
    """Observe, then take what stands there."""
    seen = await hand.ask(Observe())
    operation = Take(seen.record.version, holder(term), LEASE_MS, sitting=sitting, released=released)
    return (await hand.ask(operation)).verdict


async def test_a_missing_record_becomes_fresh(hand: Hand) -> None:
    """With the call's nonce, this process, no holder; the next observation finds it unchanged."""
    reply = await hand.send(hand.call(Observe()))
    record = reply.answers[0].record
    assert reply.answers[0].verdict is Verdict.OBSERVED
    assert (record.state, record.holder, record.term, record.lease_ms) == (State.FRESH, None, 0, 0)
    assert record.version == Version(1, "a-1")
    assert record.process == reply.process
    assert (await hand.ask(Observe())).record == record


async def test_a_record_is_taken_at_the_version_that_was_seen(hand: Hand) -> None:
    """It is held then, with a new version, this term and this lease."""
    assert await take(hand, 5) is Verdict.GRANTED
    record = (await hand.ask(Observe())).record
    assert (record.state, record.holder, record.term) == (State.HELD, holder(5), 5)
    assert (record.version, record.lease_ms, record.successor) == (Version(2, "a-2"), LEASE_MS, None)


async def test_a_record_that_changed_is_not_taken(hand: Hand) -> None:
    """Another sequence number or another nonce: both count."""
    await take(hand, 5)
    record = (await hand.ask(Observe())).record
    for stale in (Version(1, "a-1"), Version(2, "other")):
        answer = await hand.ask(Take(stale, holder(9), LEASE_MS))
        assert (answer.verdict, answer.record) == (Verdict.CHANGED, record)


async def test_a_record_is_taken_as_released_only_while_it_is(hand: Hand) -> None:
    """Released, renewed by nobody, taken at once."""
    assert await take(hand, 5, released=True) is Verdict.NOT_RELEASED
    assert await take(hand, 5) is Verdict.GRANTED
    assert await take(hand, 6, released=True) is Verdict.NOT_RELEASED
    released = await hand.ask(Release(holder(5), "n2"))
    assert released.verdict is Verdict.GRANTED
    assert (released.record.state, released.record.successor) == (State.RELEASED, "n2")
    assert released.record.holder == holder(5)
    assert await take(hand, 6, released=True) is Verdict.GRANTED
    assert (await hand.ask(Observe())).record.successor is None


async def test_a_candidates_term_must_be_greater_and_a_sitting_leaders_need_not(hand: Hand) -> None:
    """The stored term stays when a sitting leader brings a lower one."""
    assert await take(hand, 7) is Verdict.GRANTED
    assert await take(hand, 7) is Verdict.TERM_TOO_LOW
    assert await take(hand, 6, sitting=True) is Verdict.GRANTED
    record = (await hand.ask(Observe())).record
    assert (record.term, record.holder) == (7, holder(6))


async def test_only_this_very_holder_renews_resumes_or_releases(hand: Hand) -> None:
    """Node, incarnation and term: one that differs is refused, and nothing changes."""
    await take(hand, 7)
    record = (await hand.ask(Observe())).record
    for other in (holder(8), holder(7, incarnation="i2"), holder(7, node="n2")):
        for operation in (Renew(other, LEASE_MS), Resume(other, "i3", LEASE_MS), Release(other)):
            answer = await hand.ask(operation)
            assert (answer.verdict, answer.record) == (Verdict.NOT_HOLDER, record)


async def test_the_holder_renews_resumes_and_releases(hand: Hand) -> None:
    """Each time with a new version; a resume changes the incarnation and keeps the term."""
    await take(hand, 7)
    renewed = await hand.ask(Renew(holder(7), 4_000))
    assert (renewed.verdict, renewed.record.version.sequence) == (Verdict.GRANTED, 3)
    assert renewed.record.lease_ms == 4_000
    resumed = await hand.ask(Resume(holder(7), "i2", LEASE_MS))
    assert (resumed.verdict, resumed.record.holder) == (Verdict.GRANTED, holder(7, incarnation="i2"))
    assert (await hand.ask(Renew(holder(7), LEASE_MS))).verdict is Verdict.NOT_HOLDER
    assert (await hand.ask(Release(holder(7, incarnation="i2")))).verdict is Verdict.GRANTED
    assert (await hand.ask(Renew(holder(7, incarnation="i2"), LEASE_MS))).verdict is Verdict.NOT_HOLDER


async def test_another_configuration_is_refused_but_may_release(hand: Hand, server: EmbeddedQuorum) -> None:
    """Rule R10: what the last leader wrote there counts; it is told with the node that wrote it."""
    await take(hand, 7)
    async with hand_on(server.urls[0], name="b", node="n2", configuration=OTHER) as other:
        seen = await other.send(other.call(Observe()))
        assert (seen.configuration, seen.configured_by) == (CONFIGURATION, "n1")
        assert await take(other, 9) is Verdict.OTHER_CONFIGURATION
        assert await take(other, 9, sitting=True) is Verdict.OTHER_CONFIGURATION
        for operation in (Renew(holder(7), LEASE_MS), Resume(holder(7), "i2", LEASE_MS)):
            assert (await other.ask(operation)).verdict is Verdict.OTHER_CONFIGURATION
        assert (await other.ask(Release(holder(7)))).verdict is Verdict.GRANTED
        assert (await other.send()).configuration == CONFIGURATION


async def test_a_sitting_leader_overwrites_another_configuration_where_the_record_is_fresh(
    hand: Hand, server: EmbeddedQuorum
) -> None:
    """So an instance that forgot blocks nobody for ever."""
    await take(hand, 7)
    async with hand_on(server.urls[0], name="b", node="n2", configuration=OTHER) as other:
        fresh = (await other.ask(Observe(), "another")).record
        operation = Take(fresh.version, holder(3, "n2"), LEASE_MS, sitting=True)
        assert (await other.ask(operation, "another")).verdict is Verdict.GRANTED
        reply = await other.send()
        assert (reply.configuration, reply.configured_by) == (OTHER, "n2")
    assert (await hand.ask(Renew(holder(7), LEASE_MS))).verdict is Verdict.OTHER_CONFIGURATION


@pytest.mark.parametrize("operation", [Observe(), Renew(holder(1), LEASE_MS), Release(holder(1))])
async def test_every_call_raises_the_stored_term_and_leaves_the_version(
    hand: Hand, operation: Observe | Renew | Release
) -> None:
    """The record that comes back shows it."""
    before = (await hand.ask(Observe())).record
    hand.known_term = 41
    answer = await hand.ask(operation)
    assert (answer.record.term, answer.record.version) == (41, before.version)
    hand.known_term = 0
    assert (await hand.ask(Observe())).record.term == 41


async def test_a_take_is_measured_by_the_term_before_its_own_raises_it(hand: Hand) -> None:
    """A claim knows the term that it claims: that alone does not refuse it."""
    hand.known_term = 9
    seen = hand.call(Observe())
    fresh = (await hand.send(seen)).answers[0].record
    assert fresh.term == 9
    hand.known_term = 10
    answer = await hand.ask(Take(fresh.version, holder(10), LEASE_MS))
    assert (answer.verdict, answer.record.term) == (Verdict.GRANTED, 10)


async def test_terms_near_the_largest_are_exact(hand: Hand) -> None:
    """Lua's numbers are doubles, and none is ever printed as one."""
    assert await take(hand, LARGEST_TERM - 1) is Verdict.GRANTED
    assert (await hand.ask(Observe())).record.holder == holder(LARGEST_TERM - 1)
    assert await take(hand, LARGEST_TERM - 1) is Verdict.TERM_TOO_LOW
    assert await take(hand, LARGEST_TERM) is Verdict.GRANTED
    hand.known_term = LARGEST_TERM
    assert (await hand.ask(Observe())).record.term == LARGEST_TERM


async def test_one_beat_carries_all_elections_in_order(hand: Hand) -> None:
    """Also two calls on one record: the second sees what the first did."""
    fresh = (await hand.ask(Observe(), "x")).record
    reply = await hand.send(
        hand.call(Take(fresh.version, holder(3), LEASE_MS), "x"),
        hand.call(Renew(holder(3), LEASE_MS), "x"),
        hand.call(Observe(), "y"),
    )
    assert [answer.verdict for answer in reply.answers] == [
        Verdict.GRANTED,
        Verdict.GRANTED,
        Verdict.OBSERVED,
    ]
    assert [answer.record.version.sequence for answer in reply.answers] == [2, 3, 1]


async def test_emptied_it_forgets_and_says_fresh(hand: Hand, server: EmbeddedQuorum) -> None:
    """FLUSHALL takes the record with its holder, in the same process."""
    await take(hand, 7)
    before = (await hand.send()).process
    server.flush(0)
    answer = await hand.ask(Renew(holder(7), LEASE_MS))
    assert (answer.verdict, answer.record.state) == (Verdict.NOT_HOLDER, State.FRESH)
    assert (await hand.send()).process == before


async def test_restarted_with_older_data_it_says_fresh(hand: Hand, server: EmbeddedQuorum) -> None:
    """What the snapshot held is not believed; its term is kept, its sequence goes on, its holder does not."""
    await take(hand, 7)
    server.save_now(0)
    await hand.ask(Renew(holder(7), LEASE_MS))
    before = (await hand.send()).process
    server.restart(0, keep_data=True)
    with contextlib.suppress(Unanswered):  # the old connection's end, if that was not noticed before
        await hand.send()
    answer = await hand.ask(Renew(holder(7), LEASE_MS))
    assert (answer.verdict, answer.record.state) == (Verdict.NOT_HOLDER, State.FRESH)
    assert (answer.record.term, answer.record.version.sequence, answer.record.holder) == (7, 3, None)
    assert answer.record.process != before


async def test_a_replica_that_becomes_master_again_is_another_process(
    hand: Hand, server: EmbeddedQuorum
) -> None:
    """REPLICAOF an older server, then NO ONE: the same run_id, another history."""
    await take(hand, 7)
    before = (await hand.send()).process
    admin(server, "REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(Ineligible, match="is a replica, so it cannot vote"):
        await hand.send(hand.call(Observe()))
    admin(server, "REPLICAOF", "NO", "ONE")
    answer = await hand.ask(Renew(holder(7), LEASE_MS))
    assert (answer.verdict, answer.record.state) == (Verdict.NOT_HOLDER, State.FRESH)
    after = (await hand.send()).process
    assert after != before
    assert after.split(":")[0] == before.split(":")[0]
