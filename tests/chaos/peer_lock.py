"""A Redlock that is held for as long as it can be, as pottery's documentation has it.

Where the documentation leaves a choice, it is made so that two nodes lead less often, not more:

- whether the node leads is computed at each question, from the earlier of two ends: the lease counted from
  *before* the call that acquired or extended the lock, less the margin that pottery itself keeps for clocks
  that drift; and what `locked()` said was left. So no pause of the process carries a yes past the lease;
- `locked()` is asked each tenth of the lease, and the lock extended each third of it, without a limit;
- an extension that fails, and a `locked()` that says no, end the leadership at once, even where the network
  alone was to blame; the keys are then left to expire, since a node that was told yes may rely on it so long;
- each try to acquire is with a new `Redlock`, as pottery advises, and after the same pause as pottery's own;
- a server may take as long as an instance may take for `leader`: a tenth of the lease, and one try.
"""

import json
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pottery import Redlock
from pottery.exceptions import ExtendUnlockedLock, ReleaseUnlockedLock
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from leader.clock import now_ns

KEY = "leader"
NS_PER_S, NS_PER_MS, MS_PER_S = 1_000_000_000, 1_000_000, 1000
DRIFT_SHARE, DRIFT_NS = 0.01, 2 * NS_PER_MS
"""What pottery takes off the lease when it acquires."""
EXTENSIONS_PER_LEASE, LOOKS_PER_LEASE, TIMEOUTS_PER_LEASE = 3, 10, 10
RETRY_S = 0.2
"""A try to acquire follows the last one after up to so much: pottery's own delay."""


@dataclass(frozen=True, slots=True)
class Held:
    """One leadership: when it began, which is its only name, and until when it is sure."""

    since: int
    until: int


class HeldLock:
    """Wants the lock for ever, in one thread; any other may ask what remains, or tell it to let go."""

    def __init__(self, urls: Iterable[str], lease_ms: int, releases: Path) -> None:
        self._lease_s = lease_ms / MS_PER_S
        self._lease_ns = lease_ms * NS_PER_MS
        self._masters = {client(url, self._lease_s / TIMEOUTS_PER_LEASE) for url in urls}
        self._releases = releases
        self._held: Held | None = None
        self._lets_go = threading.Event()
        self._ends = threading.Event()
        self._random = Random()

    def leadership(self) -> tuple[int, int]:
        """The number of the leadership, and the milliseconds that are sure of it; zeros if there is none."""
        held = self._held
        remaining_ms = (held.until - now_ns()) // NS_PER_MS if held else 0
        return (held.since, remaining_ms) if held and remaining_ms > 0 else (0, 0)

    def let_go(self) -> None:
        """Release the lock if it is held, and stand back for a beat."""
        self._lets_go.set()

    def end(self) -> None:
        """Release the lock if it is held, and contend no more."""
        self._ends.set()
        self._lets_go.set()

    def contend(self) -> None:
        """Acquire it again and again, and hold it, until the end."""
        while self._may_go_on():
            asked = now_ns()
            lock = Redlock(
                key=KEY,
                masters=self._masters,
                auto_release_time=self._lease_s,
                num_extensions=sys.maxsize,
            )
            if lock.acquire(blocking=False):
                self._hold(lock, asked)
            self._ends.wait(self._random.uniform(0, RETRY_S))

    def _may_go_on(self) -> bool:
        """Whether it is not the end; what was to be let go before is no affair of the next lock."""
        self._lets_go.clear()
        return not self._ends.is_set()

    def _sure_from(self, asked: int) -> int:
        """Until when the lock is sure that was acquired or extended by a call of that moment."""
        return asked + self._lease_ns - int(self._lease_ns * DRIFT_SHARE) - DRIFT_NS

    def _hold(self, lock: Redlock, asked: int) -> None:
        since = time.monotonic_ns()  # noqa: TID251 - the one clock that is the same on all nodes of the lab
        self._held = Held(since, self._sure_from(asked))
        say(f"leads with {since}")
        try:
            why = self._keep(lock, since, asked)
        except ExtendUnlockedLock:
            why = "it could not be extended"
        self._held = None
        say(f"leads no more: {why}")
        if self._lets_go.is_set():
            self._release(lock, since)

    def _keep(self, lock: Redlock, since: int, extended: int) -> str:
        """Extend the lock for as long as it is sure; return why it is held no more.

        Raises:
            ExtendUnlockedLock: pottery says so.
        """
        until = self._sure_from(extended)
        while not self._lets_go.wait(self._lease_s / LOOKS_PER_LEASE):
            asked = now_ns()
            if asked - extended >= self._lease_ns // EXTENSIONS_PER_LEASE:
                lock.extend()
                extended, sure = asked, self._sure_from(asked)
            else:
                sure = until
            left_s = lock.locked()
            if now_ns() >= until:
                return "it has expired"
            if not left_s:
                return "it is not locked"
            until = min(sure, now_ns() + int(left_s * NS_PER_S))
            self._held = Held(since, until)
        return "it is to let go"

    def _release(self, lock: Redlock, since: int) -> None:
        """Write down that it is released, which excuses the next leader, and release it."""
        with self._releases.open("a") as file:
            file.write(json.dumps({"term": since, "at": now_ns()}) + "\n")
        with suppress(ReleaseUnlockedLock):
            lock.release()
        self._ends.wait(self._lease_s / EXTENSIONS_PER_LEASE)


def client(url: str, timeout_s: float) -> Redis:
    """A client that gives up in time, and does not try again: the next try is the lock's affair."""
    return Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
    )


def say(what: str) -> None:
    """Write a line to the log."""
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)  # noqa: T201 - the log of this program
