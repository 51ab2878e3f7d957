"""When is the watchdog started, kept alive and stopped, so that a machine whose agent stands still is reset?

It runs from before the first request of a claim until nothing that a leadership started is left. Each renewal
keeps it alive, if the reset would still come before the votes are too old to lead by (rule R3); a leader
stops leading a margin before that (`Identity.reserve_ms`). Knows nothing of how a device is driven.
"""

import asyncio
import os
from dataclasses import dataclass

from leader import clock
from leader.agent.conductor import Conductor
from leader.agent.contention import Contention
from leader.agent.logs import log
from leader.agent.watchdog_device import UnusableError, WatchdogDevice
from leader.config.model import WatchdogConfig, WatchdogMode
from leader.protocol.elector import Elector
from leader.protocol.events import NS_PER_MS, Cause, Instant, StepDownAsked
from leader.protocol.tenure import Stage

INHERITED = "LEADER_INHERITED_WATCHDOG"
"""Descriptor and path of a device that the process before this one has left running."""

RETRY_S = 5.0
"""How often a device is looked for that could not be used."""

NS_PER_S = 1_000_000_000
TOO_LATE = "its renewals came too late to keep the watchdog alive"


@dataclass(frozen=True, slots=True)
class Guarded:
    """What of the agent is guarded."""

    conductor: Conductor
    contention: Contention
    lease_ns: int
    started_at: Instant


def device_of(config: WatchdogConfig) -> WatchdogDevice | None:
    """The configured device, if any; one that the process before this one has left running is taken over."""
    descriptor, _, path = os.environ.pop(INHERITED, "").partition(" ")
    left = WatchdogDevice(path, int(descriptor)) if descriptor else None
    if config.mode is not WatchdogMode.OFF and left is not None and path == config.device:
        return left
    if left is not None and not left.stop():
        log.error("the watchdog %s cannot be stopped (nowayout): it resets this machine", path)
    return None if config.mode is WatchdogMode.OFF else WatchdogDevice(config.device)


class Watchdog:
    """The watchdog of one agent."""

    def __init__(self, config: WatchdogConfig, device: WatchdogDevice, guarded: Guarded) -> None:
        self._device = device
        self._required = config.mode is WatchdogMode.REQUIRED
        self._timeout_s = config.timeout_s
        self._timeout_ns = config.timeout_s * NS_PER_S
        self._sure_ns = self._timeout_ns - config.margin_ms * NS_PER_MS
        """How long a leader is one without a renewal; then a margin is left."""
        self._reserve_ns = config.reserve_ms(guarded.lease_ns // NS_PER_MS) * NS_PER_MS
        self._guarded = guarded
        self._complaint = ""
        self._retry_at: Instant = 0
        self._fed_at: Instant = 0
        self._fed_for: Instant = 0
        """The latest moment that the last sign of life may have the machine reset at."""
        self._cannot_stop = False
        self._looking = False
        self._timer: asyncio.TimerHandle | None = None

    # Its life.

    def begin(self) -> None:
        """Guard what this node claims and leads from now on."""
        self._judge()
        self._guarded.conductor.changed = self.look
        self.look()

    async def run(self) -> None:
        """Look again and again whether the device can be used, until cancelled."""
        while True:
            await asyncio.sleep(RETRY_S)
            self._judge()

    def close(self, *, hands_on: bool) -> None:
        """Stop the device, unless something still runs that it guards; or leave it to the next program."""
        self._guarded.conductor.changed = None
        self._set_timer(None)
        if not self._device.is_open:
            return
        if hands_on:
            os.environ[INHERITED] = f"{self._device.hand_on()} {self._device.path}"
        elif self._is_busy() or not self._device.stop():
            log.error(
                "the watchdog %s runs on, and resets this machine within %d s: %s",
                self._device.path,
                self._timeout_s,
                "jobs of the last leadership still run"
                if self._is_busy()
                else "it cannot be stopped (nowayout)",
            )

    def look(self) -> None:
        """Start, keep alive or stop the device, by what this node leads and runs now."""
        if self._looking:
            return
        self._looking = True
        try:
            self._act(clock.now_ns())
        finally:
            self._looking = False

    def _act(self, now: Instant) -> None:
        busy = self._is_busy()
        if busy and not self._device.is_open:
            self._start(now)
        elif not busy and self._device.is_open and not self._cannot_stop:
            self._stop()
        elif self._device.is_open:
            self._keep_alive(now)

    # Whether it is needed, and how long it may wait.

    def _is_busy(self) -> bool:
        guards = self._guarded.conductor.guards
        electors = self._guarded.conductor.electors
        return any(one.tenure is not None or not guards.are_gone(name) for name, one in electors.items())

    def _reset_by(self, name: str, elector: Elector, now: Instant) -> Instant | None:
        """When the machine must be reset at the latest, as far as this election goes; None if it must now."""
        tenure = elector.tenure
        if tenure is not None and tenure.leads(now):
            return (tenure.deadline or now) + self._reserve_ns
        some_day = now + 2 * self._timeout_ns
        if tenure is None or tenure.stage in (Stage.SAVING_TERM, Stage.CLAIMING):
            claims = tenure is not None and tenure.stage is Stage.CLAIMING
            moment = tenure.began + self._sure_ns + self._reserve_ns if tenure and claims else some_day
            return moment if self._guarded.conductor.guards.are_gone(name) else None
        if tenure.stage in (Stage.SAVING_RESUME, Stage.RESUMING):
            is_over = now >= self._guarded.started_at + self._sure_ns
            return some_day if is_over else None  # what the process before this one led
        return None

    # Telling the device.

    def _start(self, now: Instant) -> None:
        if now < self._retry_at and not self._required:
            return
        try:
            self._device.open(self._timeout_s)
        except UnusableError as error:
            self._retry_at = now + int(RETRY_S * NS_PER_S)
            self._complain(str(error))
            return
        self._complain("")
        self._feed(now, 0)
        log.info("the watchdog %s (%s) guards what this node leads", self._device.path, self._device.identity)
        self._watch_the_end(now)

    def _keep_alive(self, now: Instant) -> None:
        electors = self._guarded.conductor.electors
        moments = [self._reset_by(name, elector, now) for name, elector in electors.items()]
        if None not in moments:
            reset_by = min(moment for moment in moments if moment is not None)
            is_news = (
                reset_by > self._fed_for if self._leads(now) else now - self._fed_at > self._timeout_ns // 8
            )
            if is_news and now + self._timeout_ns <= reset_by:
                self._feed(now, reset_by)
        self._watch_the_end(now)

    def _feed(self, now: Instant, reset_by: Instant) -> None:
        try:
            self._device.keep_alive()
        except UnusableError as error:
            self._complain(str(error))
            return
        self._fed_at, self._fed_for = now, reset_by if self._leads(now) else 0

    def _watch_the_end(self, now: Instant) -> None:
        """Be there in time: before the device acts on a leader, and while jobs of an ended leadership run."""
        if not self._leads(now):
            self._set_timer(
                now + (self._guarded.lease_ns // 30 if self._is_busy() else self._timeout_ns // 4)
            )
            return
        ends_at = self._fed_at + self._sure_ns
        if now < ends_at:
            self._set_timer(ends_at)
        else:
            self._guarded.conductor.feed_all(StepDownAsked(TOO_LATE, cause=Cause.QUORUM_LOST, rests=False))
            self._set_timer(now + self._guarded.lease_ns // 30)

    def _leads(self, now: Instant) -> bool:
        return any(elector.leads(now) for elector in self._guarded.conductor.electors.values())

    def _set_timer(self, at: Instant | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if at is not None:
            delay_ns = max(NS_PER_MS, at - clock.now_ns())
            self._timer = asyncio.get_running_loop().call_later(delay_ns / NS_PER_S, self.look)

    def _stop(self) -> None:
        self._set_timer(None)
        if not self._device.stop():
            self._cannot_stop = True
            log.warning(
                "the watchdog %s cannot be stopped (nowayout): it is kept alive while this agent runs, and "
                "resets this machine %d s after that ends",
                self._device.path,
                self._timeout_s,
            )
            self._keep_alive(clock.now_ns())

    # Saying what is wrong with it.

    def _judge(self) -> None:
        self._complain(self._device.complaint())

    def _complain(self, complaint: str) -> None:
        if complaint and complaint != self._complaint:
            log.warning("%s%s", complaint, "" if self._required else "; this node leads without")
        self._complaint = complaint
        if complaint and self._required:
            self._guarded.contention.forbid(Cause.UNGUARDED, complaint)
        elif self._required:
            self._guarded.contention.allow(Cause.UNGUARDED)
