"""The agent's log: one line for each transition, as text or as JSON, on standard error.

systemd and cron add the time themselves; on a terminal or in JSON it is part of the line. What others wrote
is made harmless here, and what they cause again and again is left out: nobody fills a disk by that.
"""

import json
import logging
import os
import sys

from leader import clock
from leader.foreign import printable

MOST_AT_ONCE = 20
PACE_NS = 10_000_000_000
"""So many lines of one kind are logged at once, and after that one in so long."""

MOST_KINDS = 256

log = logging.getLogger("leader")


class TextFormatter(logging.Formatter):
    """`TIME LEVEL message key=value …`; without the time where the journal adds it."""

    def __init__(self, *, with_time: bool) -> None:
        super().__init__()
        self._with_time = with_time

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = "".join(f" {key}={_quoted(value)}" for key, value in fields_of(record).items())
        stamp = f"{clock.utc_iso(int(record.created * 1000))} " if self._with_time else ""
        return printable(f"{stamp}{record.levelname.lower():<7} {record.getMessage()}{fields}")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, message, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object as one line."""
        stamp = clock.utc_iso(int(record.created * 1000))
        line = {
            "time": stamp,
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **fields_of(record),
        }
        return printable(json.dumps(line, ensure_ascii=False, default=str))


class Restraint(logging.Filter):
    """Lets pass so many lines of one kind at once, then a few; the next that passes says how many did not.

    Lines are of one kind if one place of the program tells one event, of one instance, election or user.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[object, ...], _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line is logged."""
        now, fields = clock.now_ns(), fields_of(record)
        about = (
            getattr(record, "event", ""),
            fields.get("instance"),
            fields.get("uid"),
            fields.get("election"),
        )
        key = (record.pathname, record.lineno, *about)
        kind = self._kinds.pop(key, None) or _Kind(now)
        self._kinds[key] = kind  # the one that was silent for the longest time comes first
        if len(self._kinds) > MOST_KINDS:
            del self._kinds[next(iter(self._kinds))]
        left_out = kind.left_out
        if not kind.takes(now):
            return False
        if left_out:
            record.fields = {**fields, "left_out": left_out}
        return True


class _Kind:
    """How many lines of one kind may be logged now: they come back one by one."""

    def __init__(self, now: int) -> None:
        self.left_out = 0
        self._left, self._since = MOST_AT_ONCE, now

    def takes(self, now: int) -> bool:
        regained = (now - self._since) // PACE_NS
        self._left = min(MOST_AT_ONCE, self._left + regained)
        self._since += regained * PACE_NS
        if self._left == 0:
            self.left_out += 1
            return False
        self._left, self.left_out = self._left - 1, 0
        return True


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """The fields that `log.info(..., extra={"fields": {...}})` gave a record."""
    fields: dict[str, object] = getattr(record, "fields", {})
    return fields


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or " " in text or '"' in text else text


def set_up(style: str) -> None:
    """Log to standard error from now on; `style` is `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    under_journal = "JOURNAL_STREAM" in os.environ and not sys.stderr.isatty()
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter(with_time=not under_journal))
    restraint = Restraint()
    handler.addFilter(restraint)
    logging.getLogger("asyncio").addFilter(restraint)  # it warns at every step of a client that is gone
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
