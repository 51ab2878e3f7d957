"""Who is one party, and whose turn is it? So that one user, or one address, cannot push out another.

Knows nothing of what is shared out: places, or moments of the event loop.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address
from typing import Generic, TypeVar

from leader import clock
from leader.api.peers import user_of

Party = Hashable
Member = TypeVar("Member")
NS_PER_MS = 1_000_000
BITS_OF_A_SITE = 64


def party_of(client: socket.socket, address: object) -> Party:
    """The user of a process on this machine, as the kernel says; else the address, or network with IPv6."""
    match address:
        case (str(host), int(), int(), int()):
            return int(IPv6Address(host.partition("%")[0])) >> BITS_OF_A_SITE if ":" in host else host
        case (str(host), int()):
            return host
        case _:
            return user_of(client)


class Places(Generic[Member]):
    """Who has a place, by party, and since when; in each party the longest there comes first."""

    def __init__(self) -> None:
        self._parties: dict[Party, dict[Member, float]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def count(self, party: Party) -> int:
        """How many places one party has."""
        return len(self._parties.get(party, ()))

    def put(self, party: Party, member: Member, since: float) -> None:
        """Give a place; who has one already is the last of its party from now on."""
        self.discard(party, member)
        self._parties.setdefault(party, {})[member] = since
        self._size += 1

    def discard(self, party: Party, member: Member) -> None:
        """Take the place back, if there is one."""
        members = self._parties.get(party, {})
        if members.pop(member, None) is not None:
            self._size -= 1
            if not members:
                del self._parties[party]

    def first_of_most(self) -> tuple[Member, float] | None:
        """Who has to make room: the longest there of the party that has the most; None if nobody is there."""
        most = max(self._parties.values(), key=len, default=None)
        return None if most is None else next(iter(most.items()))

    def firsts(self) -> list[tuple[Member, float]]:
        """The longest there of each party."""
        return [next(iter(members.items())) for members in self._parties.values()]


class Turns:
    """What is worked off in one round of the event loop, so that the agent's own work comes in between.

    What finds no time left waits for the next round, the parties one after the other.
    """

    def __init__(self, turn_ms: float) -> None:
        self._turn_ns = int(turn_ms * NS_PER_MS)
        self._until_ns: int | None = None
        self._waiting: dict[Party, deque[Callable[[], None]]] = {}

    def goes_on(self) -> bool:
        """Whether there is time left in this round."""
        now = clock.now_ns()
        if self._until_ns is None:
            self._until_ns = now + self._turn_ns
            asyncio.get_running_loop().call_soon(self._begin)
        return now < self._until_ns

    def wait(self, party: Party, work: Callable[[], None]) -> None:
        """Do this in one of the next rounds."""
        self._waiting.setdefault(party, deque()).append(work)
        self.goes_on()

    def _begin(self) -> None:
        """A round begins, and who waits comes first."""
        self._until_ns = None
        while self._waiting and self.goes_on():
            party, queue = next(iter(self._waiting.items()))
            work = queue.popleft()
            del self._waiting[party]
            if queue:
                self._waiting[party] = queue
            work()
