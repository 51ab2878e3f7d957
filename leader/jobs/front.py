"""The process that the caller sees while a command runs: it stands for it, with its signals and exit code.

Between it and the command is the watcher (`watcher.py`); each ends the command's tree if the other is killed.
"""

import contextlib
import os
import select
import signal
from collections.abc import Iterator, Mapping

from leader.clock import now_ns
from leader.jobs import tree
from leader.jobs.command import OURS, Command, give_terminal, own_terminal
from leader.jobs.limit import Limit
from leader.jobs.watcher import Watcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from leader.claims import Presence

SIGNALLED = 128
NS_PER_MS = 1_000_000
LONGEST_WAIT_MS = 3_600_000
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
FORWARDED = tuple(
    n for n in OURS if n not in (signal.SIGCHLD, signal.SIGTTIN, signal.SIGTTOU, signal.SIGTSTP)
)


class Ended:
    """How a command ended: its wait status, and why it was stopped if it was."""

    def __init__(self, status: int, lost: str) -> None:
        self.status = status
        self.lost = lost

    @property
    def exit_code(self) -> int:
        """The command's own exit code, as a shell tells it."""
        if os.WIFSIGNALED(self.status):
            return SIGNALLED + os.WTERMSIG(self.status)
        return os.WEXITSTATUS(self.status)


class Front:
    """The process that the shell sees, while one command runs."""

    def __init__(
        self,
        program: str,
        limit: Limit,
        ignored: frozenset[signal.Signals],
        companion: "Presence | None" = None,
    ) -> None:
        """`program` is named in messages; `ignored` are signals to leave ignored; the companion is tended."""
        self._program = program
        self._limit = limit
        self._ignored = ignored
        self._companion = companion
        self._terminal = own_terminal()
        self._group = 0
        self._sure_until_ns = limit.sure_until_ns
        self.was_told_to_end = False
        """Whether a signal came that ends a program, so that it is not to be started again."""
        self._early = b""
        """The signals that arrived before the command had begun."""
        self._ended: Ended | None = None

    def run(self, words: list[str], environment: Mapping[str, str]) -> Ended:
        """Run the command under a watcher, and stand for it until it has ended."""
        command = Command(self._program, tuple(words), environment, self._terminal)
        control_reading, control_writing = os.pipe()
        report_reading, report_writing = os.pipe()
        tree.adopt_orphans()
        with self._signals() as signals:
            if os.fork() == 0:
                try:
                    os.close(control_writing)
                    os.close(report_reading)
                    watcher = Watcher(self._limit)
                    watcher.run(command, self._ignored, control=control_reading, report=report_writing)
                finally:
                    os._exit(1)
            os.close(control_reading)
            os.close(report_writing)
            if self._limit.guard is not None:
                self._limit.guard.close()
            try:
                return self._stand(report_reading, signals)
            finally:
                os.close(control_writing)
                os.close(report_reading)
                self._take_terminal_back()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[int]:
        """What arrives meanwhile can be read here, a byte for each, instead of ending this process."""
        reading, writing = os.pipe()
        for descriptor in (reading, writing):
            os.set_blocking(descriptor, False)
        before_fd = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        before = {
            number: signal.signal(number, lambda *_: None)
            for number in FORWARDED
            if number not in self._ignored
        }
        try:
            yield reading
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before_fd)
            os.close(reading)
            os.close(writing)

    def _stand(self, report: int, signals: int) -> Ended:
        told = b""
        poll = select.poll()
        poll.register(report, select.POLLIN)
        poll.register(signals, select.POLLIN)
        while self._ended is None:
            left_ms = max(0, -(-(self._sure_until_ns - now_ns()) // NS_PER_MS))
            ready = {descriptor for descriptor, _ in self._poll(poll, left_ms)}
            if report not in ready and now_ns() >= self._sure_until_ns:
                # we may have stood still ourselves: what was told meanwhile counts
                ready |= {descriptor for descriptor, _ in poll.poll(0)}
            if signals in ready:
                self._early += os.read(signals, 256)
            if self._group:
                for number in self._early:
                    self._forward(number)
                self._early = b""
            if report in ready:
                more = os.read(report, 4096)
                *lines, told = (told + more).split(b"\n")
                for text in lines:
                    self._hear(text.decode())
                if not more and self._ended is None:
                    self._end_all("its watcher was killed")
            elif now_ns() >= self._sure_until_ns:
                self._end_all("its watcher does not answer")
        tree.reap()
        return self._ended

    def _poll(self, poll: "select.poll", left_ms: int) -> list[tuple[int, int]]:
        """What is ready, waited for no longer than the companion has patience."""
        if self._companion is None:
            return poll.poll(min(left_ms, LONGEST_WAIT_MS))
        descriptor = self._companion.tend()
        if descriptor >= 0:
            poll.register(descriptor, select.POLLIN)
        try:
            return poll.poll(min(left_ms, self._companion.patience_ms))
        finally:
            if descriptor >= 0:
                poll.unregister(descriptor)

    def _hear(self, text: str) -> None:
        what, _, rest = text.partition(" ")
        match what:
            case "started":
                self._group = int(rest)
            case "sure":
                self._sure_until_ns = int(rest)
            case "stopped":
                self._stop_too()
            case "ended":
                status, _, lost = rest.partition(" ")
                self._ended = Ended(int(status), lost)

    def _forward(self, number: int) -> None:
        self.was_told_to_end = self.was_told_to_end or number in ENDING
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._group, number)

    def _stop_too(self) -> None:
        """The command was stopped at the terminal: so are we, until the shell lets us go on."""
        if self._terminal is None:
            return
        self._take_terminal_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        give_terminal(self._terminal, self._group)
        self._forward(signal.SIGCONT)

    def _take_terminal_back(self) -> None:
        if self._terminal is not None:
            give_terminal(self._terminal, os.getpgrp())

    def _end_all(self, why: str) -> None:
        if self._group:
            tree.kill_all(self._group)
        self._ended = Ended(int(signal.SIGKILL), why)
