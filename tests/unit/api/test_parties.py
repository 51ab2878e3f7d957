"""Who has to make room, and whose turn it is: no party takes another one's place or time."""

import asyncio
import os
import socket
from collections.abc import Callable

import pytest

from leader import clock
from leader.api.parties import Places, Turns, party_of

NS_PER_MS = 1_000_000


def test_who_makes_room_is_the_longest_there_of_the_party_that_has_the_most() -> None:
    """However long one of a small party has been there."""
    places: Places[str] = Places()
    places.put("small", "old", 1)
    for number in range(3):
        places.put("large", f"n{number}", 2 + number)
    assert places.first_of_most() == ("n0", 2)
    places.put("large", "n0", 9)
    assert places.first_of_most() == ("n1", 3)
    assert (len(places), places.count("large"), places.count("nobody")) == (4, 3, 0)


def test_a_place_that_is_given_back_is_nobodys() -> None:
    """Also twice, also of one who never had any."""
    places: Places[str] = Places()
    places.put("p", "a", 1)
    for member in ("a", "a", "b"):
        places.discard("p", member)
    assert (len(places), places.first_of_most(), places.firsts()) == (0, None, [])


@pytest.mark.parametrize(
    ("address", "party"),
    [
        (("10.0.0.1", 5), "10.0.0.1"),
        (("2001:db8:1:2:3::4", 5, 0, 0), 0x2001_0DB8_0001_0002),
        (("fe80::1%eth0", 5, 0, 2), 0xFE80_0000_0000_0000),
    ],
)
def test_over_the_network_a_party_is_an_address_or_the_network_of_one(address: object, party: object) -> None:
    """Whoever has an IPv6 network has all of its addresses."""
    with socket.socket() as client:
        assert party_of(client, address) == party


def test_on_this_machine_a_party_is_a_user() -> None:
    """As the kernel says, whatever the client claims."""
    here, there = socket.socketpair()
    with here, there:
        assert party_of(here, "") == os.geteuid()


def busy(turns: Turns, party: str, done: list[str], left: int) -> Callable[[], None]:
    """Work that takes a whole round each time, so often."""

    def work() -> None:
        done.append(party)
        until = clock.now_ns() + 2 * NS_PER_MS
        while clock.now_ns() < until:
            pass
        if left > 1:
            turns.wait(party, busy(turns, party, done, left - 1))

    return work


async def test_parties_take_turns_however_much_one_of_them_wants() -> None:
    """A hundred of one user's that wait delay the one of another by no more than one."""
    turns, done = Turns(1), list[str]()
    for _ in range(20):
        turns.wait("many", busy(turns, "many", done, 1))
    turns.wait("one", busy(turns, "one", done, 1))
    while len(done) < 21:  # noqa: ASYNC110 - each look is a round of the loop
        await asyncio.sleep(0)
    assert done.index("one") <= 2


async def test_a_round_of_the_loop_has_little_time_for_all_of_it() -> None:
    """The agent's own work comes in between: as many rounds as pieces that each take a whole one."""
    turns, done, rounds = Turns(1), list[str](), 0
    turns.wait("p", busy(turns, "p", done, 10))
    while len(done) < 10:
        rounds += 1
        await asyncio.sleep(0)
    assert rounds >= 10
