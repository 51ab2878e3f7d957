"""What one of three instances that is killed, hung or emptied does to the leader.

    python -m tests.benchmarks.faults

Counts lost leaderships, and measures at the two other instances by how much a renewal came later than a
beat after the one before, from well before the fault until well after it. Goals: none lost, and no renewal
later than 10 ms.
"""

import selectors
import socket
import sys
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks.goals import exit_code, judge
from tests.benchmarks.nodes import Cluster

LEASE_S = 2.0
BEAT_MS = LEASE_S * 1000 / 3
WATCHED_S = 10 * LEASE_S
STRIKES_AFTER_S = 2 * LEASE_S


def subscribe(url: str) -> socket.socket:
    """A connection that hears each renewal at one instance."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    channel = socket.create_connection((parts.hostname, parts.port))
    channel.sendall(b"SUBSCRIBE leader:bench:0\r\n")
    channel.recv(65_536)
    return channel


def lateness_ms(urls: list[str], fault: Callable[[], object]) -> list[float]:
    """By how much each renewal at these instances came later than one beat after the one before.

    The fault strikes some beats after the first renewal that is heard.
    """
    selector = selectors.DefaultSelector()
    channels = [subscribe(url) for url in urls]
    for channel in channels:
        selector.register(channel, selectors.EVENT_READ)
    heard: dict[int, list[int]] = {channel.fileno(): [] for channel in channels}
    began = now_ns()
    strikes_at, ends_at = (began + int(seconds * 1e9) for seconds in (STRIKES_AFTER_S, WATCHED_S))
    struck = False
    while (now := now_ns()) < ends_at:
        if not struck and now >= strikes_at:
            fault()
            struck = True
        for key, _ in selector.select(((ends_at if struck else strikes_at) - now) / 1e9):
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


def observe(cluster: Cluster, quorum: EmbeddedQuorum, what: str, fault: Callable[[], object]) -> None:
    """Print what one fault at the first instance does."""
    before = cluster.wait_for_leader().client.leadership()
    late = lateness_ms(quorum.urls[1:], fault)
    after = cluster.wait_for_leader().client.leadership()
    lost = int((before.node, before.term) != (after.node, after.term))
    renewals, leaderships = f"{what}: the latest renewal", f"{what}: leaderships lost"
    print(
        f"{what}: {len(late)} renewals of the others, the latest by {max(late):.1f} ms, "
        f"{judge(renewals, max(late), 10, 'ms')}; lost: {lost}, {judge(leaderships, lost, 0, '')}",
        flush=True,
    )


def main() -> int:
    """Measure and print; 3 if a goal was missed."""
    with (
        tempfile.TemporaryDirectory(prefix="lb-") as directory,
        EmbeddedQuorum(Path(directory) / "q", 3, "tcp") as quorum,
    ):
        cluster = Cluster(Path(directory), quorum.urls, f"{LEASE_S:g}s")
        try:
            cluster.start(3)
            cluster.wait_for_leader()
            observe(cluster, quorum, "no fault at an instance", lambda: None)
            observe(cluster, quorum, "an instance emptied", lambda: quorum.flush(0))
            observe(cluster, quorum, "an instance hung", lambda: quorum.hang(0))
            quorum.resume(0)
            observe(cluster, quorum, "an instance killed", lambda: quorum.kill(0))
        finally:
            cluster.stop()
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
