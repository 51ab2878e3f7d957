"""Redlock in the simulated world, as its official description has it, to be compared with this project.

Where the description leaves a choice, it is made in Redlock's favour: the commands go to all instances at
once; a round is decided by the first majority; whether a client leads is computed from the validity at each
answer; elapsed time is measured by a clock that no one sets; an extension that got no majority for silence is
tried again while the lock is valid; one that a majority refused ends the leadership at once.
Source: Redis documentation, "Distributed Locks with Redis": "The Redlock Algorithm", "Retry on Failure",
"Making the algorithm more reliable: Extending the lock".
"""

from collections.abc import Callable
from dataclasses import dataclass

from leader.protocol.calls import Notice
from leader.protocol.events import NS_PER_MS, Instant
from leader.protocol.runs import Run
from tests.simulation.clock import BootClock
from tests.simulation.instance import Executed
from tests.simulation.network import Network, Sent
from tests.simulation.redlock_account import Account
from tests.simulation.redlock_instance import NO_CONFIGURATION, Asked, Command, Told
from tests.simulation.timeline import LEASE_NS

TTL_NS = LEASE_NS
BEAT_NS = TTL_NS // 3
DRIFT_NS = TTL_NS // 100 + 2 * NS_PER_MS
"""What the validity is shortened by: a hundredth of the TTL, and 2 ms for how finely Redis counts."""
TIMEOUT_NS = 50 * NS_PER_MS
"""How long one instance may take: the upper end of what the description suggests for a TTL of 10 s."""
RETRY_NS = 200 * NS_PER_MS
"""A retry waits this long and up to as much again, at random: what most libraries do."""
EXTENSION_TRIES = 3
"""How often an extension is tried per beat."""


@dataclass(slots=True)
class Round:
    """One try to lock or to extend, at all instances."""

    asked: Asked
    value: str
    began: Instant
    unheard: set[str]
    serial: int
    tries_left: int = 0
    granted: int = 0
    refused: int = 0


class RedlockClient:
    """One process that wants the lock for ever, and leads while it is sure to have it."""

    def __init__(
        self, place: str, names: tuple[str, ...], clock: BootClock, network: Network, account: Account
    ) -> None:
        self.place = place
        self.names = names
        self.clock = clock
        self.frozen = False
        self._dead = False
        self._network = network
        self._time = network.time
        self._account = account
        self._round: Round | None = None
        self._rounds = 0
        self._value = ""
        self._valid_until: Instant = 0
        self._missed: list[Callable[[], None]] = []

    @property
    def now(self) -> Instant:
        """What this host's monotonic clock shows."""
        return self.clock.read(self._time.now)

    @property
    def leads(self) -> bool:
        """Whether the lock is valid at this moment."""
        return bool(self._value) and self.now < self._valid_until

    # Its life.

    def start(self) -> None:
        """Try to get the lock."""
        self._lock()

    def die(self) -> None:
        """End at once; the lock stays where it is until it expires."""
        self._dead = True
        self._value = ""
        self._report()

    def freeze(self) -> None:
        """Stop, as by SIGSTOP: what arrives waits."""
        self.frozen = True

    def thaw(self) -> None:
        """Go on, and take in all that waited."""
        self.frozen = False
        missed, self._missed = self._missed, []
        for arrival in missed:
            self._whenever_awake(arrival)

    def _whenever_awake(self, action: Callable[[], None]) -> None:
        if self.frozen:
            self._missed.append(action)
        elif not self._dead:
            action()

    def _when(self, instant: Instant, action: Callable[[], None]) -> None:
        self._time.at(self.clock.when(instant), self._whenever_awake, action)

    def _report(self) -> None:
        until = self.clock.when(self._valid_until) if self._value else self._time.now
        self._account.note(self.place, until)

    # Getting the lock.

    def _lock(self) -> None:
        """Set the key everywhere, to a value of this try alone."""
        self._begin(Asked.LOCK, self._time.unique(f"{self.place} "))

    def _begin(self, asked: Asked, value: str, tries_left: int = 0) -> None:
        self._rounds += 1
        self._round = Round(asked, value, self.now, set(self.names), self._rounds, tries_left)
        self._send(asked, value)

    def _locked(self, round_: Round) -> None:
        """A majority has the key: it is ours for what is left of the TTL, if anything."""
        valid_until = round_.began + TTL_NS - DRIFT_NS
        if self.now >= valid_until:
            self._fail_to_lock(round_)
            return
        self._value, self._valid_until = round_.value, valid_until
        self._report()
        self._stay(round_)

    def _fail_to_lock(self, round_: Round) -> None:
        """Take the key away everywhere, also where it was not seen to be set, and try again later."""
        self._send(Asked.UNLOCK, round_.value)
        self._retry(self._lock)

    def _retry(self, action: Callable[[], None]) -> None:
        self._when(self.now + int(RETRY_NS * self._time.random.uniform(1, 2)), action)

    # Keeping it.

    def _stay(self, round_: Round) -> None:
        """Extend the lock in a beat's time; it ends if its validity does."""
        value, valid_until = self._value, self._valid_until

        def expire() -> None:
            if self._value == value and self._valid_until == valid_until:
                self._lose()

        self._when(valid_until, expire)
        self._when(round_.began + BEAT_NS, lambda: self._extend(value, EXTENSION_TRIES))

    def _extend(self, value: str, tries: int) -> None:
        if self._value != value:
            return
        if not self.leads:
            self._lose()
            return
        self._begin(Asked.EXTEND, value, tries - 1)

    def _extended(self, round_: Round) -> None:
        """A majority has extended the key; that counts only within the validity that we had."""
        if not self.leads:
            self._lose()
            return
        self._valid_until = round_.began + TTL_NS - DRIFT_NS
        self._report()
        self._stay(round_)

    def _fail_to_extend(self, round_: Round) -> None:
        """Try again soon, or after a beat; give up if so many refused that none of it can help."""
        if not self.leads or 2 * round_.refused > len(self.names):
            self._lose()
        elif round_.tries_left:
            self._retry(lambda: self._extend(round_.value, round_.tries_left))
        else:
            self._when(round_.began + BEAT_NS, lambda: self._extend(round_.value, EXTENSION_TRIES))

    def _lose(self) -> None:
        """Stop leading, take the key away everywhere, and contend again."""
        value, self._value, self._round = self._value, "", None
        self._report()
        self._send(Asked.UNLOCK, value)
        self._retry(self._lock)

    # Messages.

    def _send(self, asked: Asked, value: str) -> None:
        """Ask all instances at once."""
        command = Command(NO_CONFIGURATION, self.place, (), asked=asked, value=value, serial=self._rounds)
        expires_at = self.clock.when(self.now + TIMEOUT_NS)
        for name in self.names:
            self._network.request(Sent(self, name, command, (), expires_at, self._network.epoch))

    def receive(self, sent: Sent, executed: Executed) -> None:
        """Take in an answer; one that comes after its time-out is none."""
        assert isinstance(executed, Told)
        if not sent.answered:
            sent.answered = True
            self._whenever_awake(lambda: self._hear(sent, granted=executed.done, refused=not executed.done))

    def give_up(self, sent: Sent) -> None:
        """Stop waiting for an answer."""
        if not sent.answered:
            sent.answered = True
            self._whenever_awake(lambda: self._hear(sent, granted=False, refused=False))

    def notice(self, name: str, notices: tuple[Notice, ...] | tuple[Run, ...]) -> None:
        """Take in nothing: Redlock publishes nothing."""
        raise AssertionError((name, notices))

    def _hear(self, sent: Sent, *, granted: bool, refused: bool) -> None:
        command, round_ = sent.request, self._round
        assert isinstance(command, Command)
        if round_ is None or command.asked is Asked.UNLOCK or command.serial != round_.serial:
            return
        round_.unheard.discard(sent.name)
        round_.granted += granted
        round_.refused += refused
        self._decide(round_)

    def _decide(self, round_: Round) -> None:
        """End the round if a majority did it, or if all are heard."""
        won = 2 * round_.granted > len(self.names)
        if not won and round_.unheard:
            return
        self._round = None
        if round_.asked is Asked.LOCK:
            (self._locked if won else self._fail_to_lock)(round_)
        else:
            (self._extended if won else self._fail_to_extend)(round_)
