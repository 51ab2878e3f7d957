"""Asks every node's socket who leads, all the time, as `curl` would, and writes down what it got.

A program of its own, so that nothing that the lab does delays it; a thread for each node, so that a node
that hangs delays no other. It imports nothing of what is under test.

    python prober.py FILE NODE=SOCKET …
"""

import json
import socket
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

PAUSE_S = 0.015
PATIENCE_S = 4.0
"""Longer than any lease in the lab: an answer that comes after its lease is wanted, too."""
REQUEST = b"HEAD /leader HTTP/1.1\r\nHost: chaos\r\nConnection: close\r\n\r\n"


def now_ns() -> int:
    """The host's boot clock."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)  # noqa: TID251 - independent of what is under test


def ask(path: str) -> dict[str, object] | None:
    """One question and its answer; None if there was none."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        try:
            connection.connect(path)
            sent = now_ns()
            connection.sendall(REQUEST)
            head = receive(connection)
        except OSError:
            return None
        received = now_ns()
    return understand(head) | {"sent": sent, "received": received} if head else None


def receive(connection: socket.socket) -> str:
    """The head of the answer; nothing if it was cut off."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            return ""
        head += more
    return head.decode()


def understand(head: str) -> dict[str, object]:
    """The status, and the headers that tell of the lease."""
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return {
        "status": int(first.split()[1]),
        "term": int(headers.get("leader-term") or 0),
        "node": headers.get("leader-node", ""),
        "remaining_ms": int(headers.get("leader-remaining-ms") or 0),
    }


def probe(node: str, path: str, sink: BinaryIO, over: threading.Event) -> None:
    """Ask one node until it is over."""
    while not over.wait(PAUSE_S):
        answer = ask(path)
        if answer:
            sink.write(json.dumps({"asked": node, **answer}).encode() + b"\n")


def main(file: str, *places: str) -> None:
    """Ask all of them, until standard input ends."""
    over = threading.Event()
    with Path(file).open("ab", buffering=0) as sink:
        pairs = (place.split("=", 1) for place in places)
        threads = [threading.Thread(target=probe, args=(node, path, sink, over)) for node, path in pairs]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        over.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
