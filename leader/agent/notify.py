"""Telling systemd how the agent does: ready, reloading, stopping, alive.

Source: sd_notify(3). Without `NOTIFY_SOCKET` in the environment every call does nothing.
"""

import os
import socket

from leader import clock

WATCHDOG_PARTS = 3


class ServiceManager:
    """The service manager that started this process, if there is one."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")

    def tell(self, *assignments: str) -> None:
        """Send assignments such as `READY=1`; a manager that is gone is no error of ours."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(0)
            try:
                channel.sendto("\n".join(assignments).encode(), address)
            except OSError:
                return

    def tell_reloading(self) -> None:
        """Announce a re-execution, with the monotonic stamp that systemd wants for `notify-reload`."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={clock.monotonic_us()}")

    @staticmethod
    def watchdog_seconds() -> float | None:
        """How often to send `WATCHDOG=1`: a third of what systemd waits; None if it does not watch us."""
        microseconds = os.environ.get("WATCHDOG_USEC", "")
        if not microseconds.isdigit() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            return None
        return int(microseconds) / 1_000_000 / WATCHDOG_PARTS
