"""What becomes of messages: delay, loss, doubling, cut paths, and those that a story holds back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from leader.protocol.calls import Call, Notice
from leader.protocol.events import NS_PER_MS, Instant
from leader.protocol.runs import Run
from tests.simulation.instance import Executed, Request
from tests.simulation.timeline import LEASE_NS, Timeline

REQUESTS, REPLIES, NOTICES = "requests", "replies", "notices"
DIRECTIONS = (REQUESTS, REPLIES, NOTICES)
LONGEST_HOLD_UP_NS = LEASE_NS // 50


class Recipient(Protocol):
    """An agent, as the network sees it."""

    place: str
    names: tuple[str, ...]

    def receive(self, sent: "Sent", executed: Executed) -> None:
        """Take in a reply."""

    def give_up(self, sent: "Sent") -> None:
        """Stop waiting for a reply."""

    def notice(self, name: str, notices: tuple[Notice, ...] | tuple[Run, ...]) -> None:
        """Take in what an instance published."""


class Destination(Protocol):
    """A server, as the network sees it."""

    def arrive(self, sent: "Sent") -> None:
        """Take in a request."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How the network behaves: shares are probabilities, delays nanoseconds."""

    shortest_ns: int = NS_PER_MS // 5
    longest_ns: int = 2 * NS_PER_MS
    late: float = 0.0
    lost: float = 0.0
    doubled: float = 0.0
    """Of replies and notices."""
    requests_doubled: float = 0.0
    notices_lost: float = 0.0
    notices_held_up: float = 0.0
    """Of notices: they take up to a fiftieth of a lease, so that later ones overtake them."""


@dataclass(slots=True)
class Sent:
    """A script call on its way: the calls, when each was asked for on the sender's clock, its patience."""

    agent: Recipient
    name: str
    request: Request
    calls: tuple[tuple[Call, Instant], ...]
    expires_at: int
    epoch: int
    answered: bool = False
    awaited: bool = False


@dataclass(slots=True)
class Hold:
    """Messages that a story keeps back: those for which `matches` says yes."""

    matches: Callable[[str, str, str, frozenset[str]], bool]
    """Asked with direction, place, instance's name, and the kinds of calls or states of records."""
    kept: list[Callable[[], None]] = field(default_factory=list)


class Network:
    """All paths between agents and instances."""

    def __init__(self, time: Timeline) -> None:
        self.time = time
        self.weather = Weather()
        self.destinations: dict[str, Destination] = {}
        """Which server answers under each instance's name."""
        self.misdirected: dict[tuple[str, str], Destination] = {}
        """Where a name leads from one place alone: (place, name)."""
        self.recipients: dict[str, Recipient] = {}
        """The agents that live, by place."""
        self.cuts: set[tuple[str, str, str]] = set()
        """Cut paths: place, instance's name, direction."""
        self.holds: list[Hold] = []
        self.epoch = 0
        self.ambush: Callable[[Sent, Destination], None] | None = None
        """Called before a request is delivered whose sender has given up on it."""

    # Cutting and mending.

    def cut(self, place: str, name: str, *directions: str) -> None:
        """Let nothing through between these two, or nothing in these directions."""
        self.cuts |= {(place, name, direction) for direction in directions or DIRECTIONS}
        self.time.tell(f"{place} is cut from {name} ({', '.join(directions) or 'all'})")

    def mend(self, place: str, *names: str) -> None:
        """Let everything through again between this place and these instances."""
        self.cuts -= {(place, name, direction) for name in names for direction in DIRECTIONS}
        self.time.tell(f"{place} and {', '.join(names)} are connected again")

    def forget_late_messages(self) -> None:
        """Lose all that is still on its way."""
        self.epoch += 1

    # The ways of a message.

    def request(self, sent: Sent) -> None:
        """Bring a script call to its instance."""
        self._carry(REQUESTS, sent, self._arrive, sent)

    def reply(self, sent: Sent, executed: Executed) -> None:
        """Bring a reply to its agent, perhaps after that has given up waiting."""
        self._carry(REPLIES, sent, self._hand_over, sent, executed)

    def _carry(self, direction: str, sent: Sent, deliver: Callable[..., None], *arguments: object) -> None:
        if self.holds:
            operations = [call.operation for call, _ in sent.calls]
            asked = [call.operation for call in sent.request.ticks]
            kinds = frozenset(type(operation).__name__.lower() for operation in (*operations, *asked))
            if self._keep(direction, sent.agent.place, sent.name, kinds, lambda: deliver(*arguments)):
                self.expect_silence(sent)
                return
        delay = self._delay(sent.agent.place, sent.name, direction)
        if delay is None:
            self.expect_silence(sent)
            return
        if self.time.now + delay > sent.expires_at:
            self.expect_silence(sent)
        self.time.after(delay, deliver, *arguments)
        weather = self.weather
        if self.time.chance(weather.requests_doubled if direction is REQUESTS else weather.doubled):
            self.time.count(f"network: {direction} doubled")
            again = self.time.cruel_ns() if self.time.chance(weather.late) else self._near_delay()
            self.time.after(delay + again, deliver, *arguments)

    def _keep(
        self, direction: str, place: str, name: str, kinds: frozenset[str], go: Callable[[], None]
    ) -> bool:
        for hold in self.holds:
            if hold.matches(direction, place, name, kinds):
                hold.kept.append(go)
                return True
        return False

    def _arrive(self, sent: Sent) -> None:
        if sent.epoch == self.epoch:
            destination = self._destination(sent.agent.place, sent.name)
            if self.ambush is not None and self.time.now > sent.expires_at:
                self.ambush(sent, destination)
            destination.arrive(sent)
        else:
            self.expect_silence(sent)

    def _hand_over(self, sent: Sent, executed: Executed) -> None:
        if sent.epoch == self.epoch:
            sent.agent.receive(sent, executed)
        else:
            self.expect_silence(sent)

    def refuse(self, sent: Sent) -> None:
        """Tell the agent soon that nobody listens there."""
        self.time.after(self._near_delay(), sent.agent.give_up, sent)

    def expect_silence(self, sent: Sent) -> None:
        """Let the agent give up when its patience ends."""
        if not sent.awaited:
            sent.awaited = True
            self.time.at(sent.expires_at, sent.agent.give_up, sent)

    def publish(self, server: Destination, notices: tuple[Notice, ...] | tuple[Run, ...]) -> None:
        """Bring notices to every agent that listens to this server."""
        for recipient in self.recipients.values():
            for name in recipient.names:
                if self._destination(recipient.place, name) is server:
                    self._notify(recipient, name, notices)

    def _destination(self, place: str, name: str) -> Destination:
        if self.misdirected:
            return self.misdirected.get((place, name), self.destinations[name])
        return self.destinations[name]

    def _notify(self, recipient: Recipient, name: str, notices: tuple[Notice, ...] | tuple[Run, ...]) -> None:
        if self.holds:
            kinds = frozenset(
                str(notice.state if isinstance(notice, Run) else notice.record.state) for notice in notices
            )
            if self._keep(NOTICES, recipient.place, name, kinds, lambda: recipient.notice(name, notices)):
                return
        if self.time.chance(self.weather.notices_lost):
            self.time.count("network: notice lost")
            return
        times = 1
        if self.time.chance(self.weather.doubled):
            self.time.count("network: notices doubled")
            times = 2
        for number in range(times):
            delay = self._delay(recipient.place, name, NOTICES)
            if delay is not None:
                delay += number * self.time.cruel_ns() // 4
                if self.time.chance(self.weather.notices_held_up):
                    delay += int(self.time.random.random() * LONGEST_HOLD_UP_NS)
                self.time.after(delay, self._notice, recipient, name, notices, self.epoch)

    def _notice(
        self, recipient: Recipient, name: str, notices: tuple[Notice, ...] | tuple[Run, ...], epoch: int
    ) -> None:
        if epoch == self.epoch:
            recipient.notice(name, notices)

    def _delay(self, place: str, name: str, direction: str) -> int | None:
        """How long this message takes; None if it is lost."""
        if self.cuts and (place, name, direction) in self.cuts:
            self.time.count(f"network: {direction} cut off")
            return None
        weather = self.weather
        if weather.lost and self.time.random.random() < weather.lost:
            self.time.count(f"network: {direction} lost")
            return None
        if weather.late and self.time.random.random() < weather.late:
            self.time.count(f"network: {direction} late")
            return self.time.cruel_ns()
        return self._near_delay()

    def _near_delay(self) -> int:
        weather = self.weather
        span = weather.longest_ns - weather.shortest_ns
        return weather.shortest_ns + int(self.time.random.random() * span)
