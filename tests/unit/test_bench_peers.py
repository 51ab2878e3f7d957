"""Tests of the benchmarks' peers: any processes of which one says that it leads; here, those of `flock`."""

import os
import signal
from pathlib import Path

from tests.benchmarks.peers import Peers
from tests.benchmarks.precedence import FIRST, how_observed, precedence


def command(lock: Path, then: str) -> list[str]:
    """Wait for a lock, say so, and do this; the lock is free once that process is gone."""
    return ["flock", "--no-fork", str(lock), "sh", "-c", f"echo leads; {then}"]


def test_a_leader_that_is_killed_is_followed_by_another_and_replaced(tmp_path: Path) -> None:
    """The time runs until the next one says that it leads; as many as before are left."""
    with Peers(command(tmp_path / "lock", "exec sleep 60"), 3) as peers:
        first, *others = peers.pids
        assert peers.replaced(signal.SIGKILL, 0) > 0
        leader, *_ = peers.pids
        assert leader in others
        assert first not in peers.pids
        assert len(peers.pids) == 3


def test_a_leader_that_ends_unasked_is_replaced_while_they_are_left_alone(tmp_path: Path) -> None:
    """Each one that leads ends at once, and still a signal finds a leader."""
    once = f"test -e {tmp_path}/ended && exec sleep 60; touch {tmp_path}/ended"
    with Peers(command(tmp_path / "lock", once), 2) as peers:
        assert peers.replaced(signal.SIGKILL, 0.1) > 0
        assert len(peers.pids) == 2


def test_who_observes_goes_first_for_as_long_as_it_does() -> None:
    """Where it may not, nothing changes, and a row will say so."""
    usual = os.sched_getscheduler(0)
    with precedence() as may:
        assert os.sched_getscheduler(0) == (FIRST if may else usual)
    assert os.sched_getscheduler(0) == usual
    assert how_observed() == ("observed at real-time priority" if may else "observed at the same priority")


def test_who_takes_the_place_of_one_that_ended_has_no_precedence(tmp_path: Path) -> None:
    """Not even where it is started while its group is observed."""
    once = f"test -e {tmp_path}/ended && exec sleep 60; touch {tmp_path}/ended"
    usual = os.sched_getscheduler(0)
    with Peers(command(tmp_path / "lock", once), 2) as peers:
        with precedence():
            peers.replaced(signal.SIGKILL, 0.1)
        assert {os.sched_getscheduler(pid) for pid in peers.pids} == {usual}
