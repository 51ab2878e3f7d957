"""One connection to a server for the lab's own orders, open before a fault, so that it can end it."""

import socket
from typing import BinaryIO, Self

PATIENCE_S = 5.0


class Refused(Exception):
    """The server answered with an error; the text is its own."""


class Connection:
    """Sends commands, one after the other."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect(path)
        self._stream: BinaryIO = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._socket.close()

    def send(self, *words: str) -> None:
        """Send a command, and leave its reply for later."""
        parts = (word.encode() for word in words)
        request = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(b"*%d\r\n" % len(words) + request)

    def receive(self) -> str:
        """One reply that is no list.

        Raises:
            Refused: the server refused the command.
            OSError: it is gone, or silent.
        """
        line = self._stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError
        kind, rest = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"-":
            raise Refused(rest)
        if kind == b"$" and rest != "-1":
            return self._stream.read(int(rest) + 2)[:-2].decode(errors="replace")
        return rest

    def ask(self, *words: str) -> str:
        """One command and its reply.

        Raises:
            Refused, OSError: as for `receive`.
        """
        self.send(*words)
        return self.receive()
