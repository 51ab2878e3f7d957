"""Which nodes have registered at an instance, when, and what: read in as few bytes as there is news.

An index says of each node when it registered, and a stamp of the text; a text is fetched only if no instance
has shown it under that stamp before. All of it is a courtesy: an entry that is none is left out, whoever has
written it. The commands are plain ones, since a script takes several times as long to hand out a large hash.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from redis.exceptions import ResponseError

from leader.instances.link import Link
from leader.instances.shapes import array, texts, whole
from leader.instances.wire import Caller
from leader.names import is_name
from leader.protocol.calls import Registration

MOST_NODES = 1000
LONGEST_REGISTRATION = 32_768
"""Characters of what one node registers. What is longer, or one node too many, is not looked at."""

DAY_MS = 24 * 3600 * 1000
_LONGEST_STAMP = 32
_AT_ONCE = 100
"""Texts that are fetched with one command: the longest of them are still less than a reply may be."""


@dataclass(slots=True)
class Index:
    """Who registered when, and which text: node, age in milliseconds, stamp. What of it is out of date."""

    entries: list[tuple[str, int, str]] = field(default_factory=list)
    old: list[str] = field(default_factory=list)
    """More than a day old, or no entries: to be dropped."""
    ahead: dict[str, str] = field(default_factory=dict)
    """From the future, for a clock was set back: these count from now, and are to be written so."""


class Texts:
    """What nodes have registered, the last text of each, as any instance of one agent showed it."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, str]] = {}

    def of(self, node: str, stamp: str) -> str | None:
        """The text with this stamp; None if it is not known. Who has left says nothing."""
        if not stamp:
            return ""
        known = self._kept.get(node)
        return known[1] if known is not None and known[0] == stamp else None

    def keep(self, node: str, stamp: str, text: str) -> None:
        """Keep this text in the place of the node's last one; of too many, forget the eldest."""
        self._kept.pop(node, None)
        self._kept[node] = stamp, text
        if len(self._kept) > MOST_NODES:
            del self._kept[next(iter(self._kept))]


def read_index(words: Sequence[str], now_ms: int) -> Index:
    """What the hash says, node by node, by the instance's wall clock.

    Raises:
        ValueError: it is no hash.
    """
    index = Index()
    for node, value in zip(words[::2], words[1::2], strict=True):
        written, _, stamp = value.partition(":")
        try:
            age_ms = now_ms - whole(written)
        except ValueError:
            age_ms = DAY_MS + 1
        if age_ms > DAY_MS or len(stamp) > _LONGEST_STAMP:
            index.old.append(node)
        elif is_name(node) and len(index.entries) < MOST_NODES:
            index.entries.append((node, max(0, age_ms), stamp))
            if age_ms < 0:
                index.ahead[node] = f"{now_ms}:{stamp}"
    return index


async def read_registry(link: Link, caller: Caller, known: Texts) -> tuple[Registration, ...]:
    """The nodes by name; what is out of date there is mended.

    Raises:
        RedisError: the server's own error, or the connection's.
        ValueError: what it answers has not the shape that it should have.
    """
    now, words = await link.ask_together(("TIME",), ("HGETALL", caller.nodes_key))
    seconds, micros = texts(now)
    index = read_index(texts(words), whole(seconds) * 1000 + whole(micros) // 1000)
    await _fetch(link, caller, known, index)
    await _mend(link, caller, index)
    found = ((node, age_ms, known.of(node, stamp)) for node, age_ms, stamp in sorted(index.entries))
    return tuple(Registration(node, age_ms, text) for node, age_ms, text in found if text is not None)


async def _fetch(link: Link, caller: Caller, known: Texts, index: Index) -> None:
    """Learn the texts that are not known yet."""
    news = [(node, stamp) for node, _, stamp in index.entries if known.of(node, stamp) is None]
    for start in range(0, len(news), _AT_ONCE):
        part = news[start : start + _AT_ONCE]
        found = array(await link.ask("HMGET", caller.about_key, *(node for node, _ in part)))
        for (node, stamp), text in zip(part, found, strict=True):
            if isinstance(text, str) and len(text) <= LONGEST_REGISTRATION:
                known.keep(node, stamp, text)


async def _mend(link: Link, caller: Caller, index: Index) -> None:
    """Drop what is old, and let what seems to come from the future age from now on."""
    with contextlib.suppress(ResponseError):  # whoever may not write there has told so at its beat
        if index.old:
            await link.ask("HDEL", caller.nodes_key, *index.old)
            await link.ask("HDEL", caller.about_key, *index.old)
        for node, value in index.ahead.items():
            await link.ask("HSET", caller.nodes_key, node, value)
