"""Which addresses has a host name, without ever waiting for a resolver that hangs?

Each instance looks up its name on a thread of its own, at most one at a time: the loop's executor is a
shared pool, where one dead resolver delays every other lookup. The last good answer is kept.
"""

import asyncio
import socket
import threading

from leader.deaf import start_deaf

Address = str

_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class Resolver:
    """The addresses of one host; `resolve` within what the caller allows, or as they last were."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._last_good: tuple[Address, ...] = _numeric(host, port)
        self._is_numeric = bool(self._last_good)
        self._lookup: asyncio.Future[tuple[Address, ...]] | None = None

    async def resolve(self, patience_s: float) -> tuple[Address, ...]:
        """The host's addresses: as looked up within `patience_s`, else the last good ones.

        Without any it goes on waiting; the caller bounds that.

        Raises:
            OSError: the name has no address, and never had one.
        """
        if self._is_numeric:
            return self._last_good
        lookup = self._look_up()
        try:
            async with asyncio.timeout(patience_s if self._last_good else None):
                self._last_good = await asyncio.shield(lookup)
        except OSError:  # a TimeoutError is one
            if not self._last_good:
                raise
        return self._last_good

    def prefer(self, address: Address) -> None:
        """Put the address that worked first."""
        others = tuple(other for other in self._last_good if other != address)
        self._last_good = (address, *others)

    def _look_up(self) -> "asyncio.Future[tuple[Address, ...]]":
        if self._lookup is None or self._lookup.done():
            loop = asyncio.get_running_loop()
            self._lookup = loop.create_future()
            # a daemon, so that one that hangs does not keep the process from ending
            start_deaf(
                threading.Thread(
                    target=self._ask, args=(loop, self._lookup), name=f"resolve {self._host}", daemon=True
                )
            )
        return self._lookup

    def _ask(self, loop: asyncio.AbstractEventLoop, lookup: "asyncio.Future[tuple[Address, ...]]") -> None:
        answer: tuple[Address, ...] | OSError
        try:
            answer = _addresses(self._host, self._port)
        except (OSError, UnicodeError) as error:
            answer = error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, str(error))
        try:
            loop.call_soon_threadsafe(_settle, lookup, answer)
        except RuntimeError:
            return  # the loop is closed: nobody asks any more


def _settle(lookup: "asyncio.Future[tuple[Address, ...]]", answer: tuple[Address, ...] | OSError) -> None:
    if lookup.cancelled():
        return
    if isinstance(answer, OSError):
        lookup.set_exception(answer)
        lookup.exception()  # it may be that nobody waits any more
    else:
        lookup.set_result(answer)


def _numeric(host: str, port: int) -> tuple[Address, ...]:
    try:
        return _addresses(host, port, flags=_NUMERIC)
    except (OSError, UnicodeError):
        return ()


def _addresses(host: str, port: int, *, flags: int = 0) -> tuple[Address, ...]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
