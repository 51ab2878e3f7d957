"""What else an instance keeps: the registry, keys that others wrote there, and what a purge leaves."""

from collections.abc import AsyncIterator, Iterator

import pytest

from leader import clock
from leader.instances.embedded import EmbeddedQuorum
from leader.instances.problems import Ineligible
from leader.protocol.calls import Observe, Registration, Take, Verdict
from leader.protocol.record import State
from tests.integration.instances_on_servers import (
    CONFIGURATION,
    PROGRAMS,
    TIMEOUT_NS,
    Hand,
    admin,
    hand_on,
    holder,
    servers,
)

DAY_MS = 24 * 3600 * 1000
LEASE_MS = CONFIGURATION.lease_ms


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


async def test_the_registry_shows_who_registered_and_how_long_ago(hand: Hand, server: EmbeddedQuorum) -> None:
    """Empty leaves the entry, another text takes its place, and `-` leaves nothing but that it has left."""
    async with hand_on(server.urls[0], node="n2") as other:
        await other.send(registration="second: {}")
        await hand.send(registration="first")
        assert await said(hand) == {"n1": "first", "n2": "second: {}"}
        await other.send()
        await hand.send(registration="news")
        assert await said(hand) == {"n1": "news", "n2": "second: {}"}
        assert all(0 <= entry.age_ms < 60_000 for entry in await hand.registry())
        await other.send(registration="-")
    assert await said(hand) == {"n1": "news", "n2": ""}
    assert admin(server, "HGETALL", "leader:test:about") == {"n1": "news"}


async def said(hand: Hand) -> dict[str, str]:
    """What each node has registered."""
    return {entry.node: entry.text for entry in await hand.registry()}


async def test_a_text_that_is_known_is_not_read_again(hand: Hand, server: EmbeddedQuorum) -> None:
    """Not by another instance of the same agent either: a beat costs no more if nodes say much."""
    await hand.send(registration="a" * 9000)
    assert await said(hand) == {"n1": "a" * 9000}
    async with hand_on(server.urls[0]) as another:
        another.instance.registered = hand.instance.registered
        admin(server, "CONFIG", "RESETSTAT")
        assert await said(hand) == await said(another) == {"n1": "a" * 9000}
    assert "cmdstat_hmget" not in str(admin(server, "INFO", "commandstats"))


async def test_many_texts_are_read_in_parts(hand: Hand, server: EmbeddedQuorum) -> None:
    """None of them is too long for one reply, and none is left out."""
    for number in range(250):
        async with hand_on(server.urls[0], node=f"x{number}") as other:
            await other.send(registration=f"number {number}")
    assert await said(hand) == {f"x{number}": f"number {number}" for number in range(250)}


async def test_a_node_that_is_forgotten_is_dropped_at_the_instance(
    hand: Hand, server: EmbeddedQuorum
) -> None:
    """With what it said; whether it was there is told."""
    await hand.send(registration="here")
    assert await hand.instance.forget("n1", TIMEOUT_NS)
    assert not await hand.instance.forget("n1", TIMEOUT_NS)
    assert admin(server, "KEYS", "*") == []


async def test_a_vanished_node_ages_out_of_the_registry(hand: Hand, server: EmbeddedQuorum) -> None:
    """After a day; one that seems to come from the future, for a clock was set back, ages from now on."""
    now = (await hand.send()).wall_ms
    assert abs(now - clock.wall_ms()) < 60_000
    for node, at in (("old", now - DAY_MS - 10), ("recent", now - 1000), ("future", now + 2 * DAY_MS)):
        admin(server, "HSET", "leader:test:nodes", node, f"{at}:s")
        admin(server, "HSET", "leader:test:about", node, "x")
    registry = await hand.registry()
    assert [entry.node for entry in registry] == ["future", "recent"]
    assert registry[0] == Registration("future", 0, "x")
    assert 1000 <= registry[1].age_ms < 60_000
    assert admin(server, "HKEYS", "leader:test:about") == ["recent", "future"]
    written = str(admin(server, "HGET", "leader:test:nodes", "future"))
    assert now <= int(written.removesuffix(":s")) <= now + 60_000


@pytest.mark.parametrize("key", ["election:default", "configuration", "nodes"])
async def test_a_foreign_key_is_named_and_nothing_is_written(
    hand: Hand, server: EmbeddedQuorum, key: str
) -> None:
    """Something that is no hash where a record belongs."""
    admin(server, "SET", f"leader:test:{key}", "mine")
    with pytest.raises(Ineligible, match=f"keeps something foreign under the key leader:test:{key}; .*DEL"):
        await hand.send(hand.call(Observe()), registration="me")
    assert admin(server, "KEYS", "*") == [f"leader:test:{key}"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("sequence", "many", "that leader did not write"),
        ("state", "asleep", "that leader did not write"),
        ("format", "2", "upgrade this node's"),
    ],
)
async def test_an_unreadable_record_is_named(
    hand: Hand, server: EmbeddedQuorum, field: str, value: str, words: str
) -> None:
    """Also one that a later version wrote."""
    await hand.ask(Observe())
    admin(server, "HSET", "leader:test:election:default", field, value)
    with pytest.raises(Ineligible, match=words) as refused:
        await hand.ask(Observe())
    assert "leader:test:election:default" in str(refused.value)


async def test_no_key_ever_expires(hand: Hand, server: EmbeddedQuorum) -> None:
    """So no clock of a server decides about a lease."""
    await take(hand, 7)
    await hand.send(registration="me")
    keys = admin(server, "KEYS", "*")
    assert isinstance(keys, list)
    assert len(keys) == 4
    for key in keys:
        assert admin(server, "PTTL", str(key)) == -1


async def test_an_instance_shows_its_server_and_its_round_trip(hand: Hand) -> None:
    """For `status`; nothing is wrong."""
    assert (hand.instance.server, hand.instance.round_trip_ns) == ("", None)
    await hand.send()
    assert hand.instance.server.startswith(("Valkey ", "Redis "))
    assert 0 < (hand.instance.round_trip_ns or 0) < TIMEOUT_NS
    assert hand.instance.problem is None


async def test_a_purge_leaves_nothing_of_the_cluster_and_touches_nothing_else(
    hand: Hand, server: EmbeddedQuorum
) -> None:
    """It is then an instance that lost its data."""
    admin(server, "SET", "leader:other:election:default", "theirs")
    await take(hand, 7)
    await hand.send(registration="me")
    assert await hand.instance.purge(["default", "never-held"], TIMEOUT_NS) == 4
    assert admin(server, "KEYS", "*") == ["leader:other:election:default"]
    assert (await hand.ask(Observe())).record.state is State.FRESH
