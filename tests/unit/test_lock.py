"""One agent per directory and per socket, for as long as its process lives."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from leader.errors import AlreadyRunning, Refused
from leader.lock import Lock

HOLDS = """
import signal, sys
from pathlib import Path
from leader.lock import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
signal.pause()
"""


def hold_elsewhere(directory: Path) -> "subprocess.Popen[str]":
    """Another process that holds the lock."""
    other = subprocess.Popen([sys.executable, "-c", HOLDS, directory], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


def test_a_second_process_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    """At once, without waiting; exit code 75."""
    with hold_elsewhere(tmp_path) as other:
        with pytest.raises(AlreadyRunning, match=f"process {other.pid}") as refused:
            Lock(tmp_path)
        other.terminate()
    assert refused.value.exit_code == 75


def test_the_lock_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    """`kill -9` leaves a file, and no lock."""
    with hold_elsewhere(tmp_path) as other:
        other.send_signal(signal.SIGKILL)
    Lock(tmp_path).release()


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    """Its file stays."""
    Lock(tmp_path).release()
    lock = Lock(tmp_path)
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        Lock(tmp_path)
    lock.release()


def test_nobody_else_may_open_the_file(tmp_path: Path) -> None:
    """Who can read it could lock it, and keep the agent from starting."""
    lock = Lock(tmp_path)
    assert stat.S_IMODE(lock.path.stat().st_mode) == 0o600
    lock.release()


def test_it_lasts_over_an_exec_that_hands_it_on(tmp_path: Path) -> None:
    """SIGHUP re-executes the agent; in between nobody else can take the directory."""
    adopts = (
        "import sys; from pathlib import Path\n"
        "from leader.errors import AlreadyRunning; from leader.lock import Lock\n"
        "lock = Lock.inherited(Path(sys.argv[1]), int(sys.argv[2]))\n"
        "try: Lock(Path(sys.argv[1]))\n"
        "except AlreadyRunning: print('still held')\n"
    )
    hands_on = (
        "import os, sys; from pathlib import Path; from leader.lock import Lock\n"
        "lock = Lock(Path(sys.argv[1])); os.set_inheritable(lock.descriptor, True)\n"
        "os.execv(sys.executable, [sys.executable, '-c', sys.argv[2], sys.argv[1], str(lock.descriptor)])\n"
    )
    command = [sys.executable, "-c", hands_on, str(tmp_path), adopts]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "still held\n"


def test_a_directory_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """What happened, and what to do."""
    with pytest.raises(Refused, match=r"cannot be opened: No such file or directory; "):
        Lock(tmp_path / "nowhere" / "leader.sock")


def test_two_sockets_of_one_directory_have_a_lock_each(tmp_path: Path) -> None:
    """And one socket has one, whether it is there yet or not."""
    lock, other = Lock(tmp_path / "a.sock"), Lock(tmp_path / "b.sock")
    with pytest.raises(AlreadyRunning, match=r"a\.sock: stop it, or give this one another socket"):
        Lock(tmp_path / "a.sock")
    lock.release()
    other.release()
