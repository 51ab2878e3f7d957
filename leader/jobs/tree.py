"""Which processes descend from this one, and how are they all ended? Linux; elsewhere the group alone.

What leaves its process group, or its parent behind, is found all the same: this process adopts whatever its
descendants leave (PR_SET_CHILD_SUBREAPER), so all of them stay below it. Source: prctl(2), proc(5).
"""

import ctypes
import os
import signal
import sys
import time

from leader.clock import now_ns

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.002
PATIENCE_NS = 5_000_000_000


def adopt_orphans() -> None:
    """From now on descendants whose parents end become this process's children."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """From now on this process is killed when its parent ends; it lasts over an exec that is not setuid."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """All processes below that one, parents before their children; those that only wait to be reaped, too."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - see options.py
        if name.isdigit() and (parent := _parent(name)) is not None:
            children.setdefault(parent, []).append(int(name))
    found, left = [], [pid]
    while left:
        below = children.get(left.pop(0), [])
        found += below
        left += below
    return found


def _parent(pid: str) -> int | None:
    """The parent of that process; None if it has just ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - likewise
            text = file.read()
    except OSError:
        return None
    return int(text.rpartition(b")")[2].split()[1])  # the name before it may hold anything


def send(number: signal.Signals, group: int) -> None:
    """Send a signal, once, to all of a group and to all descendants of this process."""
    _to_group(number, group)
    for pid in descendants(os.getpid()):
        if not _is_in(group, pid):  # those have it already: many programs end at once at the second SIGTERM
            _to(number, pid)


def _is_in(group: int, pid: int) -> bool:
    try:
        return os.getpgid(pid) == group
    except ProcessLookupError:
        return True


def _to(number: signal.Signals, pid: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _to_group(number: signal.Signals, group: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def reap() -> dict[int, int]:
    """The wait statuses of all children that have ended or stopped since the last time, by process id."""
    statuses: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
        except ChildProcessError:
            return statuses
        if pid == 0:
            return statuses
        statuses[pid] = status


def has_children() -> bool:
    """Whether any child of this process has not been reaped yet."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def kill_all(group: int) -> bool:
    """Kill the group and all descendants until none is left; False if some may not be killed by this user."""
    ends_at = now_ns() + PATIENCE_NS
    while has_children():
        if now_ns() > ends_at:
            return False
        send(signal.SIGKILL, group)
        reap()
        time.sleep(POLL_S)
    return True
