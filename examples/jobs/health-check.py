#!/usr/bin/env python3
"""A health check: asks services for their state, and tells of each that goes down or comes back, once.

Run: leader is-leader && examples/jobs/health-check.py STATE URL…

STATE is a file that the nodes share, so the next leader does not tell again what was told. cron mails what is
printed. A tick that is lost around a change of leader does no harm, as the next one is a minute away, so
`is-leader` is enough. Run twice, it prints nothing the second time.
"""

import json
import os
import sys
import urllib.request
from http.client import HTTPException
from pathlib import Path

PATIENCE_S = 5


def complaint(url: str) -> str:
    """What is wrong with a service; nothing if it answers well."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S):  # noqa: S310 - the URLs are the administrator's
            return ""
    except (OSError, HTTPException) as error:
        return str(error) or type(error).__name__


def lasting_complaint(url: str) -> str:
    """The same, after a second look at what seems wrong."""
    return complaint(url) and complaint(url)


def known(state: Path) -> dict[str, str]:
    """What was told last; nothing if that cannot be read."""
    try:
        return dict(json.loads(state.read_text()))
    except (OSError, ValueError):
        return {}


def main(state: Path, urls: list[str]) -> int:
    """1 if a service is down."""
    before = known(state)
    now = {url: lasting_complaint(url) for url in urls}
    for url in urls:
        if bool(now[url]) != bool(before.get(url)):
            print(f"DOWN {url}: {now[url]}" if now[url] else f"UP {url}")
    new = state.with_name(f".{state.name}.{os.getpid()}")
    new.write_text(json.dumps(now, indent=1))
    new.rename(state)
    return int(any(now.values()))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
