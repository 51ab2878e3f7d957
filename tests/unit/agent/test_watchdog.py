"""When the device is told what: by what an agent leads, claims and still runs, at moments that are given."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import cast

import pytest

from leader import clock
from leader.agent.conductor import Conductor
from leader.agent.contention import Contention
from leader.agent.guards import Guards
from leader.agent.watchdog import INHERITED, TOO_LATE, Guarded, Watchdog, device_of
from leader.agent.watchdog_device import UnusableError, WatchdogDevice
from leader.config.model import WatchdogConfig, WatchdogMode
from leader.protocol.calls import Configuration
from leader.protocol.events import Cause, ContentionChanged, Event, Instant, StepDownAsked
from leader.protocol.quorum import Voters
from leader.protocol.record import Holder
from leader.protocol.tenure import Stage, Tenure

LEASE_MS = 10_000
CONFIG = WatchdogConfig(WatchdogMode.REQUIRED, "/dev/watchdog", 1_000, 8)
RESERVE_MS = CONFIG.reserve_ms(LEASE_MS)
S = 1_000_000_000


class Device:
    """Writes down what it is told."""

    path, identity = "/dev/watchdog", "Test"

    def __init__(self) -> None:
        self.told: list[str] = []
        self.is_open = False
        self.fails = ""
        self.cannot_stop = False

    def complaint(self) -> str:
        """Nothing that can be seen from outside."""
        return ""

    def open(self, timeout_s: int) -> None:
        """Start."""
        if self.fails == "open":
            raise UnusableError("it cannot be opened")
        self.is_open = True
        self.told.append(f"open {timeout_s}")

    def keep_alive(self) -> None:
        """A sign of life."""
        if self.fails == "write":
            raise UnusableError("it cannot be kept alive")
        self.told.append("alive")

    def stop(self) -> bool:
        """Stop."""
        self.told.append("stop")
        self.is_open = self.cannot_stop
        return not self.cannot_stop

    def hand_on(self) -> str:
        """The descriptor."""
        return "7"


@dataclass
class Election:
    """One elector, as far as it counts here."""

    tenure: Tenure | None = None

    def leads(self, now: Instant) -> bool:
        """By its votes."""
        return self.tenure is not None and self.tenure.leads(now)

    def enter(self, stage: Stage, now: Instant) -> None:
        """Begin, or go on to a stage."""
        if self.tenure is None:
            self.tenure = Tenure(
                Holder("a", "i", 7),
                stage,
                now,
                Voters((("x",),)),
                Configuration(1, "f", LEASE_MS),
                reserve_ns=RESERVE_MS * 1_000_000,
            )
        self.tenure.enter(stage, now)

    def vote(self, sent_at: Instant) -> None:
        """A renewal that was sent then."""
        assert self.tenure is not None
        self.tenure.grant("x", "p", sent_at)


@dataclass
class World:
    """One agent with two elections, a clock and a device."""

    device: Device = field(default_factory=Device)
    now: Instant = 100 * S
    x: Election = field(default_factory=Election)
    y: Election = field(default_factory=Election)
    guards: Guards = field(default_factory=Guards)
    fed: list[Event] = field(default_factory=list)
    changed: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.electors = {"x": self.x, "y": self.y}
        guarded = Guarded(
            cast(Conductor, self), Contention(self.feed_all), LEASE_MS * 1_000_000, started_at=self.now
        )
        self.watchdog = Watchdog(CONFIG, cast(WatchdogDevice, self.device), guarded)

    def feed_all(self, event: Event) -> None:
        """What the elections are told."""
        self.fed.append(event)

    def at(self, seconds: float) -> list[str]:
        """What the device is told when it is looked at, so long after the beginning."""
        self.now = int((100 + seconds) * S)
        del self.device.told[:]
        self.watchdog.look()
        return list(self.device.told)

    def lead(self, election: Election, seconds: float = 0) -> None:
        """Let it claim, and win with a vote that was sent then."""
        moment = int((100 + seconds) * S)
        election.enter(Stage.SAVING_TERM, moment)
        self.at(seconds)
        election.enter(Stage.LEADING, moment)
        election.vote(moment)
        self.at(seconds)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """It, with its clock in place of the real one."""
    world = World()
    monkeypatch.setattr(clock, "now_ns", lambda: world.now)
    world.watchdog.begin()
    yield world
    world.watchdog.close(hands_on=False)
    await asyncio.sleep(0)


async def test_it_is_started_before_a_claim_is_sent_and_stopped_when_that_failed(world: World) -> None:
    """While the term is being saved; nothing is told while nothing is claimed."""
    assert world.at(0) == []
    world.x.enter(Stage.SAVING_TERM, world.now)
    assert world.at(0) == ["open 8", "alive"]
    world.x.enter(Stage.CLAIMING, world.now)
    assert world.at(0.5) == []
    world.x.tenure = None
    assert world.at(1) == ["stop"]


async def test_each_renewal_is_one_sign_of_life_and_one_that_is_too_late_is_none(world: World) -> None:
    """Eight seconds from now must not be more than nine after the renewal was sent."""
    world.lead(world.x)
    assert world.at(0.1) == []
    world.x.vote(103 * S)
    assert world.at(3.2) == ["alive"]
    assert world.at(3.3) == []
    world.x.vote(106 * S)
    assert world.at(7.1) == []
    assert world.x.leads(world.now)


async def test_a_leader_that_is_renewed_too_late_to_keep_it_alive_steps_down_before_it_acts(
    world: World,
) -> None:
    """A margin before: seven seconds after the last sign of life."""
    world.lead(world.x)
    world.x.vote(105 * S)
    world.at(6.9)
    assert world.x.leads(world.now)
    assert world.fed == []
    world.at(7.0)
    assert world.fed == [StepDownAsked(TOO_LATE, cause=Cause.QUORUM_LOST, rests=False)]


async def test_a_leader_without_a_renewal_stops_leading_a_margin_before_it_acts(world: World) -> None:
    """Seven seconds after the vote was sent, and the device acts eight after it was answered."""
    world.lead(world.x)
    assert world.x.leads(int(106.99 * S))
    assert not world.x.leads(107 * S)
    assert world.at(7) == []
    assert world.fed == []


async def test_jobs_that_still_run_keep_it_running_and_not_alive(world: World) -> None:
    """It acts if they do not end; it is stopped once they have."""
    world.lead(world.x)
    leave = world.guards.join("x", lambda _told: None)
    assert world.x.tenure is not None
    world.x.enter(Stage.YIELDING, world.now)
    assert world.at(1) == []
    world.x.tenure = None
    assert world.at(2) == []
    leave()
    assert world.at(2.1) == ["stop"]


async def test_the_election_that_was_renewed_longest_ago_decides(world: World) -> None:
    """One that yields lets nothing be told, whatever the other one leads."""
    world.lead(world.x)
    world.lead(world.y)
    world.y.vote(103 * S)
    assert world.at(3.1) == []
    world.x.vote(102 * S)
    assert world.at(3.2) == []
    world.x.vote(103 * S)
    assert world.at(3.3) == ["alive"]
    world.x.enter(Stage.YIELDING, world.now)
    world.y.vote(106 * S)
    assert world.at(6.1) == []
    world.x.tenure = None
    assert world.at(6.2) == ["alive"]


async def test_what_the_process_before_led_is_over_before_a_resumption_may_last_on(world: World) -> None:
    """The device runs while jobs of the time before may run, and is kept alive for longer only then."""
    world.x.enter(Stage.RESUMING, world.now)
    assert world.at(0) == ["open 8", "alive"]
    assert world.at(6.9) == []
    assert world.at(7.0) == ["alive"]


@pytest.mark.parametrize("fault", ["open", "write"])
async def test_a_device_that_fails_forbids_to_contend_until_it_can_be_used(world: World, fault: str) -> None:
    """With its sentence, as unfit."""
    world.device.fails = fault
    world.x.enter(Stage.SAVING_TERM, world.now)
    world.at(0)
    (event,) = world.fed
    assert isinstance(event, ContentionChanged)
    assert (event.allowed, event.cause) == (False, Cause.UNGUARDED)
    assert event.reason.startswith("unfit: it cannot be ")
    world.device.fails = ""
    world.x.tenure = None
    world.at(1)
    world.watchdog.begin()
    assert world.fed[-1] == ContentionChanged(allowed=True, reason="")


async def test_one_that_cannot_be_stopped_is_kept_alive_though_nothing_is_led(world: World) -> None:
    """Each second, while the agent runs."""
    world.lead(world.x)
    world.device.cannot_stop = True
    world.x.tenure = None
    assert world.at(0.5) == ["stop"]
    assert world.at(2) == ["alive"]
    assert world.at(2.5) == []
    assert world.at(3.5) == ["alive"]
    world.device.cannot_stop = False


async def test_the_next_program_is_told_of_a_device_that_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its descriptor and path; it is not stopped."""
    monkeypatch.setenv(INHERITED, "")
    world.lead(world.x)
    del world.device.told[:]
    world.watchdog.close(hands_on=True)
    assert os.environ[INHERITED] == "7 /dev/watchdog"
    assert world.device.told == []


def test_a_device_that_was_left_running_is_stopped_where_it_is_not_wanted_any_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """Or where the file names another one."""
    for config in (WatchdogConfig(), CONFIG):
        reader, writer = os.pipe()
        monkeypatch.setenv(INHERITED, f"{writer} {tmp_path}/other")
        device = device_of(config)
        assert device is None or not device.is_open
        assert os.read(reader, 10) == b"V"
        assert os.read(reader, 10) == b""
        os.close(reader)


def test_a_device_that_was_left_running_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is open already."""
    reader, writer = os.pipe()
    monkeypatch.setenv(INHERITED, f"{writer} {CONFIG.device}")
    device = device_of(CONFIG)
    assert device is not None
    assert device.is_open
    assert device.stop()
    os.close(reader)
