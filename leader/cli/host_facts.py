"""What does this machine say of its clock, its sleep, the socket and the limits of the agent?"""

import ctypes
import os
import re
import resource
import socket
import struct
from pathlib import Path

from leader.clock import monotonic_ns, now_ns
from leader.doctor.host import HostFacts

_CLOCK_SOURCE = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
_UNSYNCHRONISED = 5
"""TIME_ERROR, what adjtimex(2) returns then."""
_TIMEX_BYTES = 512
"""More than any `struct timex`; zeroes ask without setting anything."""
_CREDENTIALS = struct.Struct("3i")
_NS_PER_MS = 1_000_000


def gather(agent_socket: str, agent_pid: int, watchdog: str = "") -> HostFacts:
    """All of it; the limit is this process's where no agent runs. `watchdog`: the device wanted."""
    return HostFacts(
        clock_source=read(_CLOCK_SOURCE) or None,
        synchronised=_is_synchronised(),
        slept_ms=max(0, now_ns() - monotonic_ns()) // _NS_PER_MS,
        file_limit=_file_limit(agent_pid),
        socket=agent_socket,
        socket_is_there=Path(agent_socket).exists(),
        may_use_socket=os.access(agent_socket, os.W_OK),
        missing_watchdog="" if not watchdog or Path(watchdog).exists() else watchdog,
    )


def peer_of(agent_socket: str) -> tuple[int, int]:
    """Process and user that listen at that socket; zeroes if nobody does."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(agent_socket)
            found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return 0, 0
    pid, uid, _ = _CREDENTIALS.unpack(found)
    return pid, uid


def read(path: Path) -> str:
    """What a small file of the system says; empty if it says nothing to us."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _is_synchronised() -> bool | None:
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _UNSYNCHRONISED


def _file_limit(pid: int) -> int | None:
    found = re.search(r"^Max open files\s+(\d+)", read(Path(f"/proc/{pid}/limits")), re.MULTILINE)
    return int(found[1]) if found else resource.getrlimit(resource.RLIMIT_NOFILE)[0]
