"""Who is at the other end of a Unix socket, as the kernel says.

What such a peer may do is not decided here.
"""

import errno
import socket
import struct
from dataclasses import dataclass

SO_PEERGROUPS = 59
GROUPS_BYTES = 1024
"""The largest buffer that Python takes: 256 groups."""

CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """One process, as it was when it connected; `groups` holds its supplementary groups and its own."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int]


def peer(sock: socket.socket) -> Peer:
    """The process that connected this socket. Linux only.

    Raises:
        OSError: this is not a connected Unix socket.
    """
    pid, uid, gid = CREDENTIALS.unpack(
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    )
    return Peer(pid, uid, gid, supplementary_groups(sock) | {gid})


def supplementary_groups(sock: socket.socket) -> frozenset[int]:
    """The peer's supplementary groups; none of a process with more than 256, which is thus refused."""
    try:
        data = sock.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, GROUPS_BYTES)
    except OSError as error:
        if error.errno == errno.ERANGE:
            return frozenset()
        raise
    return frozenset(struct.unpack(f"{len(data) // 4}I", data))
