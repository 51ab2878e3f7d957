"""Writes down which leaderships were given up, as the servers themselves announce it.

Whoever may read the keys may listen on their channel; each announcement is one JSON list. Released early is
the one reason for which a yes may be outlived by another leader. A program of its own, that imports nothing
of what is under test; a thread for each server, which connects again whenever its server is gone.

    python listener.py FILE SOCKET …
"""

import json
import socket
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

PAUSE_S = 0.005
CONNECT_S = 2.0
SUBSCRIBE = b"*2\r\n$10\r\nPSUBSCRIBE\r\n$8\r\nleader:*\r\n"
STATE, HOLDER = 5, 7
"""Where an announcement has them."""


def now_ns() -> int:
    """The host's boot clock."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)  # noqa: TID251 - independent of what is under test


def read(stream: BinaryIO) -> object:
    """One reply, in Redis' protocol.

    Raises:
        EOFError: the server is gone.
    """
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise EOFError
    kind, rest = line[:1], line[1:-2]
    if kind == b"*":
        return [read(stream) for _ in range(int(rest))]
    if kind == b"$":
        return stream.read(int(rest) + 2)[:-2].decode(errors="replace")
    return rest.decode(errors="replace")


def term_released(reply: object) -> int | None:
    """The term of the leadership that this announcement says was given up."""
    match reply:
        case ["pmessage", _, _, str(payload)]:
            words = json.loads(payload)
        case _:
            return None
    if len(words) > HOLDER and words[STATE] == "released":
        return int(words[HOLDER].rpartition(":")[2])
    return None


def listen_once(path: str, sink: BinaryIO, over: threading.Event) -> None:
    """Listen to one server until it is gone.

    Raises:
        OSError, EOFError: it is.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(CONNECT_S)
        connection.connect(path)
        connection.sendall(SUBSCRIBE)
        connection.settimeout(None)
        with connection.makefile("rb") as stream:
            while not over.is_set():
                term = term_released(read(stream))
                if term is not None:
                    sink.write(json.dumps({"term": term, "at": now_ns()}).encode() + b"\n")


def listen(path: str, sink: BinaryIO, over: threading.Event) -> None:
    """Listen to whatever is at that path, until it is over."""
    while not over.wait(PAUSE_S):
        try:
            listen_once(path, sink, over)
        except (OSError, EOFError):
            continue


def main(file: str, *paths: str) -> None:
    """Listen to all of them, until standard input ends."""
    over = threading.Event()
    with Path(file).open("ab", buffering=0) as sink:
        for path in paths:
            threading.Thread(target=listen, args=(path, sink, over), daemon=True).start()
        sys.stdin.read()
        over.set()


if __name__ == "__main__":
    main(*sys.argv[1:])
