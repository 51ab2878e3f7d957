"""A client that has connected and said nothing yet: it costs a descriptor and little else until it speaks."""

import asyncio
import socket
from typing import Protocol

from leader.api.parties import Party


class Host(Protocol):
    """Whom a newcomer reports to."""

    def spoke(self, newcomer: "Newcomer") -> None:
        """It says something, or is gone: the socket is the host's from now on."""

    def closed(self, newcomer: "Newcomer") -> None:
        """It is gone."""


class Newcomer:
    """One socket that is listened to until there is something to be heard."""

    def __init__(self, client: socket.socket, party: Party, host: Host) -> None:
        self.client = client
        self.party = party
        self._host = host
        client.setblocking(False)
        asyncio.get_running_loop().add_reader(client.fileno(), self._hear)

    def _hear(self) -> None:
        asyncio.get_running_loop().remove_reader(self.client.fileno())
        self._host.spoke(self)

    def retire(self) -> None:
        """Stay for a last question."""

    def close(self) -> None:
        """End it, for nothing was asked."""
        self.abort()

    def abort(self) -> None:
        """End it at once."""
        if self.client.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self.client.fileno())
            self.client.close()
            self._host.closed(self)
