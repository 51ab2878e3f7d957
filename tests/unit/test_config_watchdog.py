"""The section [watchdog]: which leases leave room for whole seconds, and how long a leader leads with it."""

import tomllib

import pytest

from leader.config.load import from_document
from leader.config.model import Config, WatchdogConfig, WatchdogMode
from leader.config.show import render
from leader.errors import ConfigurationError


def read(section: str, lease: str = "10s") -> Config:
    """A configuration with this section."""
    text = f"""
        cluster = "test"
        [quorum]
        instances = ["redis://10.0.0.1", "redis://10.0.0.2", "redis://10.0.0.3"]
        lease = "{lease}"
        [watchdog]
        {section}
        """
    return from_document(tomllib.loads(text), "leader.toml", node="a")


def test_without_it_a_leader_leads_for_the_whole_deadline() -> None:
    """It is off, and takes nothing away."""
    assert read("").watchdog == WatchdogConfig()
    assert read('mode = "off"', "1s").watchdog.reserve_ms(1_000) == 0


@pytest.mark.parametrize(
    ("lease", "timeout_s", "sure_ms"),
    [
        ("2500ms", 2, 1750),
        ("3s", 2, 1700),
        ("4s", 3, 2600),
        ("5s", 4, 3500),
        ("10s", 8, 7000),
        ("1h", 2880, 2_520_000),
    ],
)
def test_a_leader_stops_a_margin_before_the_device_acts(lease: str, timeout_s: int, sure_ms: int) -> None:
    """The device's time-out is eight tenths of the lease, in whole seconds; the margin is one tenth."""
    config = read('mode = "required"', lease)
    assert config.watchdog.timeout_s == timeout_s
    lease_ms = config.quorum.lease_ms
    assert lease_ms * 9 // 10 - config.watchdog.reserve_ms(lease_ms) == sure_ms
    assert config.notes == ()


def test_every_lease_from_four_seconds_on_has_room() -> None:
    """And leaves a leader half of it at least."""
    for lease_ms in range(4_000, 20_001, 73):
        config = read('mode = "required"', f"{lease_ms}ms")
        sure_ms = lease_ms * 9 // 10 - config.watchdog.reserve_ms(lease_ms)
        assert lease_ms / 2 <= sure_ms < config.watchdog.timeout_s * 1000 <= lease_ms * 8 / 10


def test_a_lease_without_room_is_an_error_where_it_is_required_and_a_note_else() -> None:
    """With what to do."""
    why = "a device counts whole seconds, and a lease of 2s leaves no room for that"
    why += "; give quorum.lease 4s or more"
    with pytest.raises(ConfigurationError) as raised:
        read('mode = "required"', "2s")
    assert str(raised.value) == (
        f'leader.toml: watchdog.mode = "required": must be off or automatic here: {why}'
    )
    config = read('mode = "automatic"', "2s")
    assert config.notes == (f"leader.toml: watchdog.mode: has no effect: {why}",)
    assert config.watchdog.mode is WatchdogMode.OFF


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ('mode = "on"', 'watchdog.mode = "on": must be "off", "automatic" or "required"'),
        ("mode = 1", 'must be "off", "automatic" or "required"'),
        ('device = "watchdog"', "must be an absolute path"),
        (
            'mode = "required"\nsafety_margin = "4s"',
            'safety_margin = "4s": must be at most 3s with a lease of 10s',
        ),
        ('safety_margin = "10ms"', "must be from 100ms to 10m"),
        ('modus = "off"', "no such key"),
    ],
)
def test_what_is_wrong_is_said_with_the_rule(section: str, said: str) -> None:
    """In one sentence."""
    with pytest.raises(ConfigurationError) as raised:
        read(section)
    assert said in str(raised.value)


def test_what_is_shown_can_be_read_back() -> None:
    """And what is off is not shown."""
    config = read('mode = "automatic"\ndevice = "/dev/watchdog1"\nsafety_margin = "1500ms"')
    again = from_document(tomllib.loads(render(config)), "leader.toml")
    assert (
        again.watchdog == config.watchdog == WatchdogConfig(WatchdogMode.AUTOMATIC, "/dev/watchdog1", 1500, 8)
    )
    assert "[watchdog]" not in render(read(""))
