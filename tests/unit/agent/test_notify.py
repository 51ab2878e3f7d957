"""Talking to the service manager over a real datagram socket."""

import os
import socket
from pathlib import Path

import pytest

from leader.agent.notify import ServiceManager


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """A service manager's end of the socket."""
    receiving = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiving.bind(str(tmp_path / "notify"))
    receiving.settimeout(5)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    return receiving


def test_ready_arrives_as_one_datagram(manager: socket.socket) -> None:
    """Several assignments travel together."""
    ServiceManager().tell("READY=1", "STATUS=leads")
    assert manager.recv(100) == b"READY=1\nSTATUS=leads"
    manager.close()


def test_a_reload_carries_the_monotonic_stamp(manager: socket.socket) -> None:
    """Without the stamp systemd does not believe a reload."""
    ServiceManager().tell_reloading()
    first, second = manager.recv(100).decode().split("\n")
    assert first == "RELOADING=1"
    assert second.removeprefix("MONOTONIC_USEC=").isdigit()
    manager.close()


def test_a_manager_that_is_gone_is_no_error(manager: socket.socket, tmp_path: Path) -> None:
    """The agent goes on whatever becomes of the socket."""
    manager.close()
    (tmp_path / "notify").unlink()
    ServiceManager().tell("READY=1")


@pytest.mark.parametrize(
    ("microseconds", "pid", "expected"),
    [("3000000", None, 1.0), ("3000000", 0, None), ("", None, None), ("soon", None, None)],
)
def test_the_watchdog_is_fed_three_times_as_often_as_asked(
    monkeypatch: pytest.MonkeyPatch, microseconds: str, pid: int | None, expected: float | None
) -> None:
    """Only the process that systemd names feeds it."""
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() if pid is None else pid))
    assert ServiceManager.watchdog_seconds() == expected
