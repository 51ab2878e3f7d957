"""The agent's log: what others wrote in it steers no terminal, and what they cause fills no disk."""

import json
import logging

import pytest

from leader import clock as leader_clock
from leader.agent import logs
from leader.agent.logs import MOST_AT_ONCE, MOST_KINDS, PACE_NS, JsonFormatter, Restraint, TextFormatter

STYLES = [TextFormatter(with_time=False), JsonFormatter()]
EVIL = "web\x1b[2J\n\x9b31m\u202e\r1"


def record(message: str = "it happened", event: str = "x", **fields: object) -> logging.LogRecord:
    """What one call of the log makes."""
    made = logging.LogRecord("leader", logging.WARNING, __file__, 1, message, None, None)
    made.event, made.fields = event, fields
    return made


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 0

    def now_ns(self) -> int:
        """The moment that it stands at."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that the log goes by."""
    clock = Clock()
    monkeypatch.setattr(leader_clock, "now_ns", clock.now_ns)
    return clock


@pytest.mark.parametrize("style", STYLES, ids=["text", "json"])
def test_a_line_is_one_line_that_steers_no_terminal(style: logging.Formatter) -> None:
    """Whatever a node, an instance or a user is called, in the message and in the fields."""
    line = style.format(record(EVIL, instance=EVIL, reason=EVIL))
    assert line.isprintable()
    assert "31m" in line


def test_a_line_in_json_is_json_whatever_is_in_it() -> None:
    """What would steer a terminal is struck out or escaped, never the quotes around it."""
    assert json.loads(JsonFormatter().format(record(EVIL, instance=EVIL)))["instance"]


def test_what_happens_again_and_again_is_logged_at_a_bounded_pace_and_the_rest_counted(clock: Clock) -> None:
    """A hostile instance that comes and goes all day costs a line in so long, which says how often it did."""
    restraint = Restraint()
    assert sum(restraint.filter(record(instance="i1")) for _ in range(1000)) == MOST_AT_ONCE
    clock.now += PACE_NS
    one = record(instance="i1")
    assert restraint.filter(one)
    assert logs.fields_of(one)["left_out"] == 1000 - MOST_AT_ONCE
    assert not restraint.filter(record(instance="i1"))


def test_one_that_is_noisy_hides_no_other(clock: Clock) -> None:
    """Lines of another instance, another event or another user are counted on their own."""
    restraint = Restraint()
    for _ in range(1000):
        restraint.filter(record(instance="i1", uid=1))
    clock.now += 1
    assert restraint.filter(record(instance="i2", uid=1))
    assert restraint.filter(record(instance="i1", uid=2))
    assert restraint.filter(record(event="gained", instance="i1", uid=1))


def test_a_thousand_noisy_ones_take_bounded_memory(clock: Clock) -> None:
    """Of kinds that were silent for long nothing is kept."""
    restraint = Restraint()
    for uid in range(10 * MOST_KINDS):
        clock.now += 1
        restraint.filter(record(uid=uid))
    assert len(restraint._kinds) == MOST_KINDS
