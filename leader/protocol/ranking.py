"""Who goes first when an election is open: a courtesy that avoids stampedes, never safety.

Source: `Quick elections without stampedes` in the protocol's description; the hash spreads several
elections over the nodes, as rendezvous hashing does.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

from leader.protocol.events import NS_PER_MS, Candidate, Instant

SHORTEST_STEP_NS = 10 * NS_PER_MS
LONGEST_WAIT_NS = 1000 * NS_PER_MS


@lru_cache(maxsize=4096)
def rank_key(election: str, node: str, priority: int) -> tuple[int, bytes]:
    """What candidates are sorted by: priority first, then a hash of election and node."""
    return (-priority, sha256(f"{election}\0{node}".encode()).digest())


def is_live(candidate: Candidate, now: Instant, lease_ns: int) -> bool:
    """Whether it would lead and was seen within one lease."""
    return candidate.contends and candidate.priority > 0 and now - candidate.seen_at < lease_ns


def live(candidates: Iterable[Candidate], now: Instant, lease_ns: int) -> list[Candidate]:
    """Those that would lead and were seen within one lease."""
    return [candidate for candidate in candidates if is_live(candidate, now, lease_ns)]


def before(election: str, node: str, priority: int, rivals: Iterable[Candidate]) -> list[Candidate]:
    """Those of these rivals that go before this node: as many as there are is its rank."""
    mine = rank_key(election, node, priority)
    return [rival for rival in rivals if rank_key(election, rival.node, rival.priority) < mine]


def best(election: str, rivals: Iterable[Candidate]) -> str | None:
    """The best-ranked of these that sees a majority: whom a planned release names as successor."""
    able = [rival for rival in rivals if rival.sees_majority]
    if not able:
        return None
    return min(able, key=lambda rival: rank_key(election, rival.node, rival.priority)).node


def step_ns(round_trip_ns: int) -> int:
    """The time one rank waits for the one before it: four round trips, at least 10 ms."""
    return max(4 * round_trip_ns, SHORTEST_STEP_NS)


def rank_wait_ns(place: int, round_trip_ns: int, lease_ns: int) -> int:
    """How long the candidate of this rank waits once an election is open."""
    return min(LONGEST_WAIT_NS, lease_ns // 10, place * step_ns(round_trip_ns))


def last_place(round_trip_ns: int) -> int:
    """The rank from which on nobody waits any longer, so that no more need be counted."""
    return LONGEST_WAIT_NS // step_ns(round_trip_ns) + 1


def longest_back_off_ns(failures: int, round_trip_ns: int, lease_ns: int) -> int:
    """The upper end of the random pause after so many failed claims in a row."""
    return min((1 << min(failures, 16)) * step_ns(round_trip_ns), lease_ns // 2)
