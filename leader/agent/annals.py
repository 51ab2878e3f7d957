"""The file that keeps what happened, over restarts: a line of JSON for each thing, the last of a kind counts.

It is written a moment after the event and without fsync, since nothing depends on it: a crash may cost the
last lines, and a torn one itself; once most of it is outdated, it is written anew. A disk that is full costs
the history, and one line in the log.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from leader.agent.logs import log
from leader.agent.threads import on_a_thread
from leader.files import open_own, replace

FILE = "history.jsonl"
PAUSE_S = 0.5
"""So long after an event its line is written, with those of others."""

Line = Mapping[str, object]


class Annals:
    """The file in one directory, whose lock the caller has."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._waiting: list[Line] = []
        self._whole: Callable[[], list[Line]] | None = None
        """Says all lines that are to take the place of those that there are."""
        self.length = 0
        """How many lines the file has, with those that wait."""
        self._wanted = asyncio.Event()
        self._fails = False

    def read(self) -> list[Line]:
        """All lines that can be read, in order."""
        try:
            texts = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            self._complain(error)
            return []
        self.length = len(texts)
        return [line for text in texts if (line := _parsed(text)) is not None]

    def add(self, line: Line) -> None:
        """Have one more line written, soon."""
        self._waiting.append(line)
        self.length += 1
        self._wanted.set()

    def renew(self, whole: Callable[[], list[Line]]) -> None:
        """Have the file written anew, soon, with the lines that there are by then."""
        self._whole = whole
        self._wanted.set()

    async def run(self) -> None:
        """Write what waits, until cancelled."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(PAUSE_S)
            self._wanted.clear()
            try:
                await on_a_thread(self._task())
            except OSError as error:
                self._complain(error)
            else:
                self._fails = False

    def close(self) -> None:
        """Write what still waits, now."""
        try:
            self._task()()
        except OSError as error:
            self._complain(error)

    def _task(self) -> Callable[[], None]:
        """What writes all that waits."""
        lines, whole = self._waiting, self._whole
        self._waiting, self._whole = [], None
        if whole is None:
            return partial(self._append, lines)
        lines = whole()
        self.length = len(lines)
        return partial(self._replace, lines)

    def _replace(self, lines: Iterable[Line]) -> None:
        replace(self._path, _text(lines), durably=True)

    def _append(self, lines: Iterable[Line]) -> None:
        text = _text(lines)
        if not text:
            return
        descriptor = open_own(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        with os.fdopen(descriptor, "a+b") as file:
            size = file.tell()
            is_torn = size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"
            file.write((b"\n" if is_torn else b"") + text.encode())

    def _complain(self, error: OSError) -> None:
        if not self._fails:
            log.warning(
                "the history in %s cannot be kept (%s): make room, or make it writable",
                self._path,
                error.strerror,
            )
        self._fails = True


def _text(lines: Iterable[Line]) -> str:
    return "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines)


def _parsed(text: str) -> Line | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
