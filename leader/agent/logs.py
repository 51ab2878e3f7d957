"""The agent's log: one line for each transition, as text or as JSON, on standard error.

systemd and cron add the time themselves; on a terminal or in JSON it is part of the line.
"""

import json
import logging
import os
import sys

from leader import clock

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
        return f"{stamp}{record.levelname.lower():<7} {record.getMessage()}{fields}"


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
        return json.dumps(line, ensure_ascii=False, default=str)


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
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
