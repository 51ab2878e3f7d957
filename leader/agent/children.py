"""Commands that the agent runs for an operator: each in a process group of its own, within its time.

What runs longer is ended with all that it started in its group. Knows nothing of hooks or fitness.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from leader.agent.descriptors import with_first_limit
from leader.foreign import printable

PATIENCE_S = 1.0
"""Between SIGTERM and SIGKILL."""

REMEMBERED_BYTES = 1024
LONGEST_LINE = 200
_CHUNK = 65_536
_URLS = "LEADER_QUORUM"
_LEASHED = (
    "/bin/sh",
    "-c",
    """
exec 3<&0
{ read -r _ <&3; kill -KILL 0; } &
exec "$0" "$@" </dev/null 3<&-
""",
)
"""Before a command: what waits for the end of the pipe from the agent, and then kills all of the group."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: `code` is below 0 for a signal, None if its time was up; `said` its last line."""

    code: int | None
    said: str = ""


async def run(
    command: Sequence[str], timeout_s: float, environment: Mapping[str, str], *, leaves_nothing: bool = False
) -> Ended:
    """Run a command to its end, or to the end of its time; `environment` is added to the agent's own.

    URLs with passwords are kept from it. One that `leaves_nothing` is listened to, and what is left of its
    group at its end is killed, or at the agent's end, if that comes first, by `kill -9` too.

    Raises:
        OSError: it cannot be started.
    """
    with contextlib.ExitStack() as ending:
        ear = ending.enter_context(_listening()) if leaves_nothing else None
        process = await asyncio.create_subprocess_exec(
            *(_LEASHED if leaves_nothing else ()),
            *with_first_limit(command),
            stdin=asyncio.subprocess.PIPE if leaves_nothing else asyncio.subprocess.DEVNULL,
            stdout=ear.descriptor if ear else None,
            stderr=ear.descriptor if ear else None,
            env={**_own_environment(), **environment},
            process_group=0,
        )
        code: int | None = None
        try:
            async with asyncio.timeout(timeout_s):
                code = await process.wait()
        except TimeoutError:
            pass
        finally:
            if leaves_nothing:
                await _kill_group(process)
            elif code is None:
                await _end_group(process)
        return Ended(code, ear.last_line() if ear else "")


def _own_environment() -> dict[str, str]:
    """The agent's own environment, without the URLs of the instances if a password may stand in them."""
    has_password = "@" in os.environ.get(_URLS, "")
    return {name: value for name, value in os.environ.items() if name != _URLS or not has_password}


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """End all of a process group: first as asked, then for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await process.wait()


async def _kill_group(process: asyncio.subprocess.Process) -> None:
    """End all of a process group at once."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


class _Ear:
    """The reading end of a pipe, of which only the last bytes are kept; `descriptor` is the other end."""

    def __init__(self) -> None:
        self._reading, self.descriptor = os.pipe()
        os.set_blocking(self._reading, False)
        self._tail = b""
        asyncio.get_running_loop().add_reader(self._reading, self._hear)

    def last_line(self) -> str:
        """What was said last, as far as it was said before the end."""
        self._hear()
        lines = self._tail.decode(errors="replace").strip().splitlines()
        return printable(lines[-1], LONGEST_LINE) if lines else ""

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._tail = (self._tail + os.read(self._reading, _CHUNK))[-REMEMBERED_BYTES:]

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._reading)
        os.close(self._reading)
        os.close(self.descriptor)


@contextlib.contextmanager
def _listening() -> Iterator[_Ear]:
    ear = _Ear()
    try:
        yield ear
    finally:
        ear.close()
