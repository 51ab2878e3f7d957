"""Whether those who made room had a reason to: checked once more, from what each agent was shown.

Knows the events that went in and the leaderships that came out, but nothing of what an elector keeps inside.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from leader.protocol.events import NS_PER_MS, Candidate, Instant


@dataclass(slots=True)
class Room:
    """One agent's part in one election, as far as it makes room for others."""

    since: dict[str, tuple[str, Instant, Instant]] = field(default_factory=dict)
    """Incarnation, since when it was shown as able to lead and better, when it was last seen."""
    led_since: Instant = 0
    in_vain: int = 0
    """How many preemptions in a row nobody but this agent itself led after."""


class Preferences:
    """The account of all preemptions of one world; each method says what is wrong, or nothing."""

    def __init__(self) -> None:
        self._rooms: dict[tuple[object, str], Room] = {}
        self._made_room: dict[str, object] = {}
        """By election: who made room last, if nobody has led since."""
        self.in_vain = 0
        """How many came after one that nobody followed."""

    def _room(self, agent: object, election: str) -> Room:
        return self._rooms.setdefault((agent, election), Room())

    def shown(
        self, agent: object, election: str, seen: Iterable[Candidate], own: tuple[int, int], now: Instant
    ) -> None:
        """Note what the registry shows an agent; `own` is its priority and its lease in nanoseconds."""
        room, (priority, lease_ns) = self._room(agent, election), own
        before, room.since = room.since, {}
        for one in seen:
            if not one.contends or not one.sees_majority or one.priority <= priority:
                continue
            if now - one.seen_at >= lease_ns:
                continue
            incarnation, since, seen_at = before.get(one.node, ("", 0, 0))
            if incarnation != one.incarnation or one.seen_at - seen_at >= lease_ns:
                since = now
            room.since[one.node] = (one.incarnation, since, one.seen_at)

    def gained(self, agent: object, election: str, now: Instant) -> None:
        """Note that somebody leads."""
        room = self._room(agent, election)
        room.led_since = now
        made_room = self._made_room.pop(election, None)
        if made_room is agent:
            room.in_vain += 1
        elif made_room is not None:
            self._room(made_room, election).in_vain = 0

    def made_room(self, agent: object, election: str, successor: str, delay_ms: int, now: Instant) -> str:
        """Judge a preemption by this agent; return what is wrong with it, if anything is."""
        room = self._room(agent, election)
        self._made_room[election] = agent
        self.in_vain += room.in_vain > 0
        pause_ns = (delay_ms * NS_PER_MS) << min(room.in_vain, 10)
        if successor not in room.since:
            return f"{successor} was not shown as better and able to lead"
        if now - room.since[successor][1] < pause_ns:
            return f"{successor} was not stable for {pause_ns / 1e9:.0f} s"
        if now - room.led_since < pause_ns:
            return f"it had led for less than {pause_ns / 1e9:.0f} s, after {room.in_vain} in vain"
        return ""
