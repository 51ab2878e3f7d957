"""The kernel says who is at the other end of a Unix socket."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from leader.api.peers import Peer, peer

WITH_GROUPS = """
import os, socket, sys
os.setgroups([int(group) for group in sys.argv[2].split(",")])
os.setgid(1234)
os.setuid(4321)
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
sock.recv(1)
"""


def test_this_process_is_its_own_peer() -> None:
    """Its process id, user, group and groups."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        groups = frozenset(os.getgroups()) | {os.getgid()}
        assert peer(ours) == Peer(os.getpid(), os.getuid(), os.getgid(), groups)


@pytest.mark.needs("root")
@pytest.mark.parametrize(
    ("groups", "seen"),
    [
        ([10, 20, 30], {10, 20, 30, 1234}),
        (list(range(1, 257)), {*range(1, 257), 1234}),
        (list(range(1, 400)), {1234}),
    ],
)
def test_supplementary_groups_count_up_to_256(groups: list[int], seen: set[int]) -> None:
    """`adduser www-data leader` lets www-data ask; who has more groups than fit has none of them."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        path = Path(folder) / "leader.sock"
        path.parent.chmod(0o755)
        listening.bind(str(path))
        path.chmod(0o666)
        listening.listen()
        listening.settimeout(20)
        joined = ",".join(map(str, groups))
        command = [sys.executable, "-I", "-c", WITH_GROUPS, str(path), joined]
        with subprocess.Popen(command) as client:
            accepted, _ = listening.accept()
            with accepted:
                assert peer(accepted) == Peer(client.pid, 4321, 1234, frozenset(seen))


def test_what_is_no_socket_of_this_machine_is_an_error() -> None:
    """Nobody is taken for user 0 by accident."""
    with socket.socket(socket.AF_INET) as sock, pytest.raises(OSError, match=r"."):
        peer(sock)
