"""Who is at the other end of a Unix socket, as the kernel says.

Reading is open to whoever can open the socket; changing something is not.
"""

import errno
import grp
import os
import pwd
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


def user_of(sock: socket.socket) -> int | None:
    """The user whose process connected this socket; None where the kernel does not tell."""
    try:
        return int(
            CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))[1]
        )
    except (OSError, AttributeError):
        return None


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


def why_forbidden(peer: Peer | None, group: str) -> str:
    """Why that process may not change anything; empty for root, our own user, and members of the group.

    Supplementary groups count, as the kernel knew them when the process connected.
    """
    if peer is None:
        return "nobody can tell who asks: use the Unix socket"
    if peer.uid in (0, os.geteuid()) or group_id(group) in peer.groups:
        return ""
    user = _user_name(peer.uid)
    if group_id(group) is None:
        return (
            f"user {user} may not do this, and there is no group {group} here: make it and put the user in: "
            f"groupadd {group} && adduser {user} {group}"
        )
    return f"user {user} may not do this: put it in the group {group}: adduser {user} {group}"


def group_id(name: str) -> int | None:
    """The number of a group; None if this machine has none of that name."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
