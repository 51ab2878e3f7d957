"""The read-only part of the API on TCP: where it listens, and what is answered on the Unix socket alone.

Nobody can tell who asks over a network, so nothing is changed there, and nothing waits for who asks. A
program in a browser may read what anybody on the network may (DNS rebinding): it is not secret, so no `Host`
is checked, which load balancers leave out or fill with what they like.
"""

import contextlib
import os
import socket
from dataclasses import dataclass
from typing import Self

from leader.api.binding import BACKLOG
from leader.api.limits import Limits
from leader.api.message import READ, Request, Response, refusal
from leader.errors import ConfigurationError

LIMITS = Limits(connections=256, streams=16, waiting=16)
"""Fewer than on the Unix socket: strangers must neither starve the agent's own work nor fill its memory."""

ALL_ADDRESSES = "::"

VANISHED_S = 30
"""How long a follower's machine may be silent before it is asked for a sign of life; and how long it may owe
one, or the receipt of what it was sent, until it counts as gone."""
PROBE_S = 10


@dataclass(frozen=True, slots=True)
class Door:
    """A socket that listens at an address of `[api] listen`; none where that is empty."""

    address: str = ""
    listening: socket.socket | None = None

    @classmethod
    def opened(cls, address: str) -> Self:
        """A door that listens there.

        Raises:
            ConfigurationError: the system does not allow it; another program has the port, say.
        """
        return cls(address, bind(address)) if address else cls()

    def moved(self, address: str) -> "Door":
        """This door if that is its address, else another one; this one stays open.

        Raises:
            ConfigurationError: the system does not allow it.
        """
        return self if address == self.address else Door.opened(address)

    def close(self) -> None:
        """Listen no more."""
        if self.listening is not None:
            self.listening.close()

    # For the process that takes this one's place.

    def handed_on(self) -> str:
        """What `inherited` understands, with the socket open in what is executed next."""
        if self.listening is None:
            return ""
        os.set_inheritable(self.listening.fileno(), True)
        return f"{self.listening.fileno()} {self.address}"

    @classmethod
    def inherited(cls, text: str) -> Self:
        """The door that the process before has handed on."""
        if not text:
            return cls()
        descriptor, _, address = text.partition(" ")
        os.set_inheritable(int(descriptor), False)
        return cls(address, socket.socket(fileno=int(descriptor)))


def bind(address: str) -> socket.socket:
    """A TCP socket that listens at `host:port`; the host may be a name, or an IPv6 address in brackets.

    Raises:
        ConfigurationError: the system does not allow it.
    """
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with contextlib.ExitStack() as undo:
            listening = undo.enter_context(socket.socket(family, kind, protocol))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != ALL_ADDRESSES))
            notice_who_vanishes(listening)
            listening.bind(where)
            listening.listen(BACKLOG)
            undo.pop_all()
    except OSError as error:
        raise ConfigurationError(
            f"the agent cannot listen at {address} ({error.strerror or error}): "
            "set [api] listen to an address of this machine whose port is free"
        ) from error
    return listening


def notice_who_vanishes(listening: socket.socket) -> None:
    """Have the kernel end connections of machines that left without a word; those accepted here inherit it.

    Where nothing changes, nothing is sent to who follows the changes, so nobody else would ever notice.
    """
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, VANISHED_S),
        (socket.TCP_KEEPINTVL, PROBE_S),
        (socket.TCP_KEEPCNT, VANISHED_S // PROBE_S),
        (socket.TCP_USER_TIMEOUT, VANISHED_S * 1000),
    ):
        listening.setsockopt(socket.IPPROTO_TCP, option, value)


def refuse(request: Request, parts: list[str]) -> Response | None:
    """Why that is not answered here; None if it is."""
    if request.method not in READ:
        return refusal(
            405,
            "Unix socket only: nothing is changed over the network, where nobody can tell who asks",
            (("Allow", ", ".join(READ)),),
        )
    match parts:
        case ["", "v1", "elections", _, "guard"]:
            return refusal(403, "Unix socket only: a hand-over waits for guards, so they are on this machine")
        case _:
            return None


def is_cheap(parts: list[str]) -> bool:
    """Whether any number of these may be answered at once: the probes of load balancers and supervisors."""
    return parts[-1] in ("leader", "livez", "readyz")


def is_stream(request: Request, parts: list[str]) -> bool:
    """Whether the answer goes on."""
    return request.method != "HEAD" and parts == ["", "v1", "events"]
