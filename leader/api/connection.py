"""One client's connection: bytes in, requests out, answers back; h11 knows HTTP, this file knows patience.

Whatever a client sends, it gets an answer or is cut off; never an exception into the event loop, and
never more than a few steps at a time, in its party's turn. Which answer, is the business of `routes`.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Protocol

import h11

from leader.api import plain
from leader.api.http import start_of_stream, whole
from leader.api.limits import Limits
from leader.api.message import Request, Response, refusal
from leader.api.parties import Party, Turns
from leader.api.peers import Peer, peer
from leader.api.source import Leave, Listener


class Host(Protocol):
    """Whom a connection reports to."""

    limits: Limits
    turns: Turns
    buffer: bytearray
    """Where what arrives is put for a moment; connections share it."""

    def opened(self, connection: "Connection") -> None:
        """It is there, and idle."""

    def closed(self, connection: "Connection") -> None:
        """It is gone."""

    def answered(self, connection: "Connection") -> None:
        """One request is answered; it is idle again."""

    def respond(self, request: Request) -> Response:
        """The answer to a request."""

    def may_defer(self, connection: "Connection") -> bool:
        """Whether one more answer may take its time; if so, the connection counts as idle no longer."""

    def may_stream(self, connection: "Connection") -> bool:
        """Whether one more answer may go on."""

    def unread(self, connection: "Connection", waiting_bytes: int) -> None:
        """So much of its answers its client has not taken yet."""

    def streaming(self, connection: "Connection", joins: Callable[[Listener], Leave]) -> None:
        """An answer has begun that goes on: it is to join that; the connection counts as idle no longer."""


class Connection(asyncio.BufferedProtocol):
    """A client, from its first word to its end; `party` is whom it belongs to."""

    def __init__(self, host: Host, party: Party = None) -> None:
        self.party = party
        self._host = host
        self._limits = host.limits
        self._transport: asyncio.Transport
        self._request: h11.Request | None = None
        self._body = b""
        self.peer: Peer | None = None
        self._later: asyncio.Future[Response] | None = None
        self._discarded_bytes = 0
        self._discards = False
        self._waits = False
        self._is_queued = False
        self._has_answered = False
        self._retires = False
        self._is_plain = True
        """Whether h11 has not been given anything yet."""
        self.streams = False

    @cached_property
    def _http(self) -> h11.Connection:
        """What knows HTTP; a plain request does without."""
        return h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.header_bytes)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=0)
        client = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._limits.sent_bytes)
            self.peer = peer(client)
        self._host.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The client is gone, or was cut off."""
        self._waits = True
        if self._later is not None:
            self._later.cancel()
        self._host.closed(self)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - asyncio's signature
        """Where to put what arrives next; no more than that is read at once."""
        return self._host.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Follow what the client asks, or lose it if nothing is asked any more."""
        if self._discards or self._later is not None:
            self._discarded_bytes += nbytes
            if self._discarded_bytes > self._most_unasked:
                self.abort()
                return
        if self._discards:
            return
        self._take_in(bytes(memoryview(self._host.buffer)[:nbytes]))

    @property
    def _most_unasked(self) -> int:
        """How much may come that is not worked off: less where it is kept for later than where it is not."""
        limits = self._limits
        return limits.discard_bytes if self._discards else limits.header_bytes + limits.body_bytes

    def _take_in(self, data: bytes) -> None:
        if self._is_plain and self._host.turns.goes_on() and self._answer_plainly(data):
            return
        self._is_plain = False
        self._http.receive_data(data)
        if self._later is None and not self._is_queued:
            self._advance()

    def eof_received(self) -> bool:
        """Answers still on their way are sent before the connection closes."""
        return False

    def pause_writing(self) -> None:
        """The client does not read its answers: it gets no more until it does."""
        if not self.streams:
            self._wait()
            self._host.unread(self, self.behind_bytes)

    def resume_writing(self) -> None:
        """The client has taken its answers: its next request is followed."""
        if not self.streams:
            self._host.unread(self, 0)
            self._go_on()

    def send_line(self, data: bytes) -> None:
        """Continue a streaming answer."""
        self._write(h11.Data(data))

    @property
    def is_gone(self) -> bool:
        """Whether nothing more can be sent."""
        return self._transport.is_closing()

    @property
    def behind_bytes(self) -> int:
        """How much is sent that the client has not taken yet."""
        return self._transport.get_write_buffer_size()

    def finish(self, last: bytes) -> None:
        """End a streaming answer with one more line; the client has until it is idle to read it all."""
        self._write(h11.Data(last))
        self._write(h11.EndOfMessage())
        self.streams = False
        self._host.answered(self)
        self.close()

    def retire(self) -> None:
        """End the connection, but first answer what its client came to ask, if it was not answered yet."""
        self._retires = True
        if self._has_answered:
            self.close()

    def close(self) -> None:
        """End the connection once what was written is taken."""
        self._waits = True
        self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._waits = True
        self._transport.abort()

    def _answer_plainly(self, data: bytes) -> bool:
        """Answer a request that needs no h11; whether it was one."""
        question = None if self._waits else plain.read(data)
        if question is None:
            return False
        response = self._host.respond(Request(question.method, question.target, b"", self.peer))
        self._transport.write(plain.write(question, response))
        self._has_answered = True
        self._host.answered(self)
        if question.closes or self._retires:
            self.close()
        return True

    def _advance(self) -> None:
        """Work off what the client has sent, some steps at a time, while the round has time left."""
        try:
            for _ in range(self._limits.steps):
                if not self._host.turns.goes_on():
                    break
                if not self._may_step or not self._step():
                    return
        except h11.RemoteProtocolError as error:
            self._reject(error.error_status_hint, f"this is not a valid request: {error}")
            return
        if self._may_step:
            self._wait()
            self._is_queued = True
            self._host.turns.wait(self.party, self._go_on)

    @property
    def _may_step(self) -> bool:
        return not (self._waits or self._discards or self._transport.is_closing())

    def _step(self) -> bool:
        """Take one event of the client; whether there may be another."""
        match self._http.next_event():
            case h11.Request() as request:
                self._begin(request)
            case h11.Data(data=data):
                self._body += bytes(data)
                if len(self._body) > self._limits.body_bytes:
                    self._reject(413, f"the body is larger than {self._limits.body_bytes} bytes")
            case h11.EndOfMessage():
                self._answer()
            case _:
                return False
        return True

    def _begin(self, request: h11.Request) -> None:
        self._request = request
        self._body = b""
        size = len(request.target) + sum(len(n) + len(v) + 4 for n, v in request.headers)
        if size > self._limits.header_bytes:
            self._reject(431, f"the headers are larger than {self._limits.header_bytes} bytes")
        elif self._http.they_are_waiting_for_100_continue:
            self._write(h11.InformationalResponse(status_code=100, headers=[]))

    def _answer(self) -> None:
        assert self._request is not None
        method, target = self._request.method.decode("ascii"), self._request.target.decode("latin-1")
        response = self._host.respond(Request(method, target, self._body, self.peer))
        if response.later is not None and not self._host.may_defer(self):
            response = refusal(503, "too many clients wait for an answer: ask again later")
        if response.joins is not None and method != "HEAD" and not self._host.may_stream(self):
            response = refusal(503, "too many clients follow the changes: end one, or ask /v1/status")
        if response.later is not None:
            self._defer(response.later(), method)
        elif response.joins is not None:
            self._stream(response, method)
            if not self.streams:
                self._end_answer()
        else:
            self._send(response, with_body=method != "HEAD")
            self._end_answer()

    @property
    def _is_head(self) -> bool:
        return self._request is not None and self._request.method == b"HEAD"

    def _end_answer(self) -> None:
        """Be ready for the next request, if there may be one."""
        self._has_answered = True
        self._host.answered(self)
        if self._retires or self._http.our_state is h11.MUST_CLOSE:
            self.close()
        else:
            self._http.start_next_cycle()

    def _defer(self, answer: Awaitable[Response], method: str) -> None:
        """Send an answer when it is there; until then the client is only watched, to notice its end."""
        self._waits = True
        self._later = asyncio.ensure_future(answer)
        self._later.add_done_callback(lambda later: self._send_late(later, method))

    def _send_late(self, later: asyncio.Future[Response], method: str) -> None:
        self._later = None
        self._discarded_bytes = 0
        if later.cancelled() or self._transport.is_closing():
            return
        error = later.exception()
        if error is not None:
            self._send(refusal(500, "a bug in leader: see the agent's log"), with_body=method != "HEAD")
            self.close()
            raise error
        self._waits = False
        self._send(later.result(), with_body=method != "HEAD")  # waits again for a client that does not read
        self._end_answer()
        self._advance()

    def _stream(self, response: Response, method: str) -> None:
        self._write(start_of_stream(response))
        if method == "HEAD":
            self._write(h11.EndOfMessage())
            return
        self.streams = self._discards = True
        self._write(h11.Data(response.body))
        assert response.joins is not None
        self._host.streaming(self, response.joins)

    def _reject(self, status: int, sentence: str) -> None:
        """Answer a request that cannot be followed, and end; what is still arriving is read to nowhere.

        Closing at once would reset the connection before the client has read why.
        """
        self._discards = True
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.abort()
            return
        is_head = self._http.our_state is h11.SEND_RESPONSE and self._is_head
        self._send(refusal(status, sentence, (("Connection", "close"),)), with_body=not is_head)
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _send(self, response: Response, *, with_body: bool) -> None:
        self._transport.write(whole(self._http, response, with_body=with_body))

    def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def _wait(self) -> None:
        self._waits = True
        self._transport.pause_reading()

    def _go_on(self) -> None:
        self._is_queued = False
        if self._transport.is_closing():
            return
        self._waits = False
        self._transport.resume_reading()
        self._advance()
