"""Which connections there are on one listening socket: how many, how long idle, who has to make room.

Whoever comes is let in: when there is no room, the party that has the most idle connections gives up the one
that has been idle for the longest time. So one user who opens many takes away nobody's place but its own.
Knows nothing of HTTP.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable

from leader.api import plain
from leader.api.connection import Connection
from leader.api.limits import Limits
from leader.api.message import Request, Response
from leader.api.newcomer import Newcomer
from leader.api.parties import Party, Places, Turns, party_of
from leader.api.peers import Peer
from leader.api.source import Leave
from leader.api.source import Listener as EventListener
from leader.api.streams import Streams

RETRY_S = 0.1
FREED = 16
"""How long to wait when the system has no descriptor or memory for one more connection, and how many idle
ones are ended then: the agent needs some as well."""

LAST_QUESTION_S = 0.5
"""How long clients have, at the end, to ask what they came for: nobody is turned away by a reload."""

FAREWELL_S = 1.0
"""How long clients have, at the end, to take what was written to them."""


Guest = Connection | Newcomer
Trusted = Callable[[Peer | None], bool]
"""Whether a process may change something: others may have a share of the places only where answers last."""


class Listener:
    """Accepts connections and keeps them within the limits."""

    def __init__(
        self,
        listening: socket.socket,
        respond: Callable[[Request], Response],
        streams: Streams,
        limits: Limits,
        trusted: Trusted = lambda _peer: True,
    ) -> None:
        self.limits = limits
        self.respond = respond
        self.turns = Turns(limits.turn_ms)
        self.buffer = bytearray(limits.read_bytes)
        self._streams = streams
        self._trusted = trusted
        self._listening = listening
        self._loop = asyncio.get_running_loop()
        self._guests: set[Guest] = set()
        self._idle: Places[Guest] = Places()
        self._waiting: Places[Connection] = Places()
        self._strangers: dict[str, Places[Connection]] = {"waiting": Places(), "streams": Places()}
        """Those without rights, in the places where they may not have all."""
        self._unread: Places[Connection] = Places()
        self._unread_bytes: dict[Connection, int] = {}
        self._arriving: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._accepts = False
        self._stopped = False

    def start(self) -> None:
        """Begin to accept; the socket must listen already, and stays the caller's to close."""
        self._listening.settimeout(0)
        self._accept_again()

    async def stop(self) -> None:
        """Accept no more, and end what there is; the socket still listens, for a successor."""
        self._stopped = True
        self._pause()
        if self._timer is not None:
            self._timer.cancel()
        for guest in tuple(self._guests):
            guest.retire()
        await self._emptied(LAST_QUESTION_S)
        for guest in tuple(self._guests):
            guest.close()
        await self._emptied(FAREWELL_S)
        for guest in tuple(self._guests):
            guest.abort()

    async def _emptied(self, within_s: float) -> None:
        """Return when every connection has ended, or the time is over."""
        deadline = self._loop.time() + within_s
        while (self._guests or self._arriving) and self._loop.time() < deadline:  # noqa: ASYNC110 - once
            await asyncio.sleep(within_s / 100)

    # What connections report.

    def opened(self, connection: Connection) -> None:
        """A connection stands; its patience begins."""
        self._guests.add(connection)
        if self._stopped:
            connection.retire()
            return
        self.answered(connection)

    def answered(self, connection: Connection) -> None:
        """A connection is idle from now on: it moves to the end of the queue of those that must go."""
        self._leave_places(connection)
        self._rest(connection)

    def may_defer(self, connection: Connection) -> bool:
        """Whether one more may wait for its answer: then it is not idle meanwhile, and the rest has room."""
        if len(self._waiting) >= self.limits.waiting:
            return False
        if not self._admits(connection, "waiting", self.limits.waiting):
            return False
        self._waiting.put(connection.party, connection, self._loop.time())
        self._idle.discard(connection.party, connection)
        return True

    def may_stream(self, connection: Connection) -> bool:
        """Whether one more answer may go on."""
        return not self._streams.are_full and self._admits(connection, "streams", self.limits.streams)

    def _admits(self, connection: Connection, where: str, most: int) -> bool:
        """Whether there is a place; of those without rights one party may not have all, nor all of them."""
        if self._trusted(connection.peer):
            return True
        strangers = self._strangers[where]
        is_crowded = len(strangers) >= most // self.limits.all_guests
        if is_crowded or strangers.count(connection.party) >= max(1, most // self.limits.guests):
            return False
        strangers.put(connection.party, connection, self._loop.time())
        return True

    def streaming(self, connection: Connection, joins: Callable[[EventListener], Leave]) -> None:
        """A connection whose answer goes on is never idle."""
        self._idle.discard(connection.party, connection)
        self._streams.begin(connection, joins)

    def unread(self, connection: Connection, waiting_bytes: int) -> None:
        """Note how much of its answers a client has not taken; with too much in all, somebody is cut off."""
        self._unread.discard(connection.party, connection)
        self._unread_bytes.pop(connection, None)
        if waiting_bytes:
            self._unread.put(connection.party, connection, self._loop.time())
            self._unread_bytes[connection] = waiting_bytes
        while sum(self._unread_bytes.values()) > self.limits.unread_bytes:
            found = self._unread.first_of_most()
            assert found is not None
            self._cut_off(found[0])

    def closed(self, guest: Guest) -> None:
        """A connection is gone: there is room, and what it had joined is left."""
        self._forget(guest)
        self._accept_again()

    def _forget(self, guest: Guest) -> None:
        self._guests.discard(guest)
        self._idle.discard(guest.party, guest)
        if isinstance(guest, Connection):
            self._streams.forget(guest)
            self._leave_places(guest)
            self._unread.discard(guest.party, guest)
            self._unread_bytes.pop(guest, None)

    def _leave_places(self, connection: Connection) -> None:
        self._waiting.discard(connection.party, connection)
        for strangers in self._strangers.values():
            strangers.discard(connection.party, connection)

    # Who comes.

    @property
    def _full(self) -> bool:
        return len(self._guests) + len(self._arriving) >= self.limits.connections

    def _accept_again(self) -> None:
        if not self._accepts and not self._stopped:
            self._accepts = True
            self._loop.add_reader(self._listening, self._accept)

    def _pause(self) -> None:
        if self._accepts:
            self._accepts = False
            self._loop.remove_reader(self._listening)

    def _accept(self) -> None:
        """Take some of those that wait, so that the rest of the agent has its turn in between."""
        is_first = True
        while is_first or self.turns.goes_on():
            is_first = False
            if self._full and not self._make_room():
                self._come_back(self.limits.pressed_ms / 1000)
                return
            try:
                client, address = self._listening.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError:
                for _ in range(FREED):
                    self._make_room()
                self._come_back(RETRY_S)
                return
            self._receive(client, party_of(client, address))

    def _come_back(self, after_s: float) -> None:
        """Accept nothing for a moment: clients wait in the kernel's backlog meanwhile."""
        self._pause()
        self._loop.call_later(after_s, self._accept_again)

    def _make_room(self) -> bool:
        """Cut off the longest idle connection of the party that has the most, if it is not just there."""
        found = self._idle.first_of_most()
        if found is None or found[1] + self.limits.pressed_ms / 1000 > self._loop.time():
            return False
        self._cut_off(found[0])
        return True

    def _cut_off(self, guest: Guest) -> None:
        self._forget(guest)
        guest.abort()

    def _receive(self, client: socket.socket, party: Party) -> None:
        """Answer a plain question at once; make a connection for any other, and for silence once it ends."""
        try:
            said = client.recv(plain.LONGEST, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            newcomer = Newcomer(client, party, self)
            self._guests.add(newcomer)
            self._rest(newcomer)
        except OSError:
            client.close()  # it is gone already
        else:
            if not said or self._answered_at_once(client, said):
                client.close()
            else:
                self._welcome(client, party)

    def spoke(self, newcomer: Newcomer) -> None:
        """Somebody who was silent says something."""
        self._forget(newcomer)
        self._welcome(newcomer.client, newcomer.party)

    def _answered_at_once(self, client: socket.socket, said: bytes) -> bool:
        """Whether a client came with a plain question, as probes do, and is answered.

        That takes half the time of a connection on the event loop; what is only looked at is left for one.
        """
        question = plain.read(said)
        if question is None or not question.closes:
            return False
        answer = plain.write(question, self.respond(Request(question.method, question.target)))
        with contextlib.suppress(OSError):  # it is gone already
            client.recv(plain.LONGEST)  # closed with something unread, the connection would be reset
            client.send(answer)
        return True

    def _welcome(self, client: socket.socket, party: Party) -> None:
        task = self._loop.create_task(self._attach(client, party))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def _attach(self, client: socket.socket, party: Party) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: Connection(self, party), client)
        except OSError:
            client.close()

    # Who is idle.

    def _rest(self, guest: Guest) -> None:
        self._idle.put(guest.party, guest, self._loop.time())
        if self._timer is None:
            self._sweep()

    def _sweep(self) -> None:
        """Cut off those that have been idle too long, and come back when the next one will have been."""
        self._timer = None
        now, patience_s = self._loop.time(), self.limits.idle_ms / 1000
        while late := [guest for guest, since in self._idle.firsts() if since + patience_s <= now]:
            for guest in late:
                self._cut_off(guest)
        earliest = min((since for _, since in self._idle.firsts()), default=None)
        if earliest is not None:
            self._timer = self._loop.call_later(earliest + patience_s - now, self._sweep)
