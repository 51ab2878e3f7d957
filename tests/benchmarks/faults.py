"""What one of three instances that is killed, hung or emptied does to the leader.

    python -m tests.benchmarks.faults

Counts lost leaderships, and measures at the two other instances by how much a renewal came later than a
beat after the one before. Goals: none lost, and no renewal later than 10 ms.
"""

import selectors
import socket
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks.nodes import Cluster

LEASE_S = 2.0
BEAT_MS = LEASE_S * 1000 / 3
WATCHED_S = 8 * LEASE_S


def subscribe(url: str) -> socket.socket:
    """A connection that hears each renewal at one instance."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    channel = socket.create_connection((parts.hostname, parts.port))
    channel.sendall(b"SUBSCRIBE leader:bench:0\r\n")
    channel.recv(65_536)
    return channel


def lateness_ms(urls: list[str], seconds: float) -> list[float]:
    """By how much each renewal at these instances came later than one beat after the one before."""
    selector = selectors.DefaultSelector()
    channels = [subscribe(url) for url in urls]
    for channel in channels:
        selector.register(channel, selectors.EVENT_READ)
    heard: dict[int, list[int]] = {channel.fileno(): [] for channel in channels}
    deadline = now_ns() + int(seconds * 1e9)
    while (left := (deadline - now_ns()) / 1e9) > 0:
        for key, _ in selector.select(left):
            if b"held" in key.fileobj.recv(65_536):  # type: ignore[union-attr]
                heard[key.fd].append(now_ns())
    for channel in channels:
        channel.close()
    selector.close()
    return [
        (later - earlier) / 1e6 - BEAT_MS
        for moments in heard.values()
        for earlier, later in pairwise(moments)
    ]


def observe(cluster: Cluster, quorum: EmbeddedQuorum, what: str, fault: Callable[[], object] | None) -> None:
    """Print what one fault at the first instance does."""
    before = cluster.wait_for_leader().client.leadership()
    if fault is not None:
        fault()
    late = lateness_ms(quorum.urls[1:], WATCHED_S)
    after = cluster.wait_for_leader().client.leadership()
    lost = "none lost" if (before.node, before.term) == (after.node, after.term) else "LEADERSHIP LOST"
    print(f"{what}: {len(late)} renewals of the others, the latest by {max(late):.1f} ms; {lost}", flush=True)


def main() -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory(prefix="lb-") as directory,
        EmbeddedQuorum(Path(directory) / "q", 3, "tcp") as quorum,
    ):
        cluster = Cluster(Path(directory), quorum.urls, f"{LEASE_S:g}s")
        try:
            cluster.start(3)
            cluster.wait_for_leader()
            observe(cluster, quorum, "no fault", None)
            observe(cluster, quorum, "emptied ", lambda: quorum.flush(0))
            observe(cluster, quorum, "hung    ", lambda: quorum.hang(0))
            quorum.resume(0)
            observe(cluster, quorum, "killed  ", lambda: quorum.kill(0))
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
