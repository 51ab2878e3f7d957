"""`leader run`: a command that runs only while this node leads.

Two processes share the work: this one, which the shell sees and whose exit code is the command's, and the
watcher (`watcher.py`), which ends the command's tree in time. Each ends the tree if the other is killed.
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from leader.clock import now_ns
from leader.errors import AgentUnreachable, LeaderError, UsageError
from leader.guard import Guard
from leader.jobs import tree
from leader.jobs.command import OURS, Command, give_terminal, ignored_signals, own_terminal
from leader.jobs.lease import Answer, Lease
from leader.jobs.options import Words, read
from leader.jobs.watcher import Watcher
from leader.paths import client_socket

STOPPED = 75
"""The command was stopped because leadership was lost, or never started. Source: sysexits.h, EX_TEMPFAIL."""

SIGNALLED = 128
PAUSE_S = 0.1
NS_PER_MS = 1_000_000
ASK_NS = 1_000 * NS_PER_MS
NEVER_NS = 2**63
TELL_AFTER_NS = 2_000 * NS_PER_MS
WITH_VALUE = ("--grace", "--timeout", "--socket")
FLAGS = ("--forever",)
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
FORWARDED = tuple(
    n for n in OURS if n not in (signal.SIGCHLD, signal.SIGTTIN, signal.SIGTTOU, signal.SIGTSTP)
)


@dataclass(slots=True)
class Ended:
    """How a command ended: its wait status, and why it was stopped if it was."""

    status: int
    lost: str


def main(arguments: list[str]) -> int | None:
    """Run what these words say; return the exit code, None if help is asked for."""
    open_standard_streams()
    try:
        words = read(arguments, WITH_VALUE, FLAGS)
        return None if words is None else run(words)
    except LeaderError as error:
        complain(str(error))
        return error.exit_code


def run(words: Words) -> int:
    """Wait to lead, run the command, and again if it was stopped and `--forever` was said.

    Raises:
        LeaderError: the words are wrong, or there is no such election.
    """
    if len(words.names) > 1:
        raise UsageError(
            f"one election at a time: leave out {words.names[1]!r}; the command stands behind --"
        )
    lease = Lease(client_socket(os.environ, words.values.get("--socket")), (*words.names, "default")[0])
    grace_ms, timeout_ms = words.milliseconds("--grace"), words.milliseconds("--timeout")
    ignored = ignored_signals()
    while True:
        until_ns = NEVER_NS if timeout_ms is None else now_ns() + timeout_ms * NS_PER_MS
        guard = wait_to_lead(lease, until_ns)
        if guard is None:
            complain(f"the command was not started: {lease.why}")
            return STOPPED
        check_grace(words, grace_ms, guard)
        front = Front(lease, guard, ignored)
        ended = front.run(words.command, grace_ms)
        if not ended.lost:
            return exit_code(ended.status)
        complain(f"the command was stopped: {ended.lost}")
        if "--forever" not in words.values or front.was_told_to_end:
            return STOPPED


def check_grace(words: Words, grace_ms: int | None, guard: Guard) -> None:
    """See that the grace leaves room for a renewal that is late: else every command is stopped at once.

    Raises:
        UsageError: it does not.
    """
    if grace_ms is not None and grace_ms > guard.lease_ms // 2:
        guard.close()
        raise UsageError(
            f"--grace {words.values['--grace']} is more than half of the lease, {guard.lease_ms} ms: "
            "say a shorter one, or raise quorum.lease"
        )


def open_standard_streams() -> None:
    """See that nothing else gets the number of a standard stream that the caller has closed."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def complain(sentence: str) -> None:
    """One line on standard error."""
    with contextlib.suppress(OSError):
        os.write(2, f"leader run: {sentence}\n".encode("utf-8", "backslashreplace"))


def exit_code(status: int) -> int:
    """The command's own exit code, as a shell tells it."""
    if os.WIFSIGNALED(status):
        return SIGNALLED + os.WTERMSIG(status)
    return os.WEXITSTATUS(status)


def wait_to_lead(lease: Lease, until_ns: int) -> Guard | None:
    """The guard, once this node leads and the agent knows of it; None if time ran out first.

    It is asked once more after the guard stands: a hand-over in between is then seen.

    Raises:
        UnknownElection: there is none of that name.
    """
    began_ns, told = now_ns(), ""
    while True:
        answer = lease.ask(now_ns() + ASK_NS)
        if (
            answer is Answer.UNKNOWN
            and lease.why != told
            and now_ns() - began_ns > TELL_AFTER_NS < until_ns - began_ns
        ):
            told = lease.why
            complain(f"waiting to lead: {told}")
        if answer is Answer.LEADS:
            try:
                guard = Guard(lease.path, lease.election, now_ns() + ASK_NS)
            except AgentUnreachable as error:
                lease.why = str(error)
            else:
                if lease.ask(now_ns() + ASK_NS) is Answer.LEADS:
                    return guard
                guard.close()
        time.sleep(max(0, min(PAUSE_S, (until_ns - now_ns()) / 1e9)))
        if now_ns() >= until_ns:
            return None


class Front:
    """The process that the shell sees, while one command runs."""

    def __init__(self, lease: Lease, guard: Guard, ignored: frozenset[signal.Signals]) -> None:
        self._lease = lease
        self._guard = guard
        self._ignored = ignored
        self._terminal = own_terminal()
        self._group = 0
        self._sure_until_ns = lease.sure_until_ns
        self.was_told_to_end = False
        """Whether a signal came that ends a program, so that it is not to be started again."""
        self._early = b""
        """The signals that arrived before the command had begun."""
        self._ended: Ended | None = None

    def run(self, words: list[str], grace_ms: int | None) -> Ended:
        """Run the command under a watcher, and stand for it until it has ended."""
        environment = {
            "LEADER_ELECTION": self._lease.election,
            "LEADER_TERM": str(self._lease.term),
            "LEADER_NODE": self._guard.node,
            "LEADER_CLUSTER": self._guard.cluster,
            "LEADER_SOCKET": self._lease.path,
        }
        command = Command(tuple(words), environment, self._terminal)
        control_reading, control_writing = os.pipe()
        report_reading, report_writing = os.pipe()
        tree.adopt_orphans()
        with self._signals() as signals:
            if os.fork() == 0:
                try:
                    os.close(control_writing)
                    os.close(report_reading)
                    watcher = Watcher(self._lease, self._guard, grace_ms)
                    watcher.run(command, self._ignored, control=control_reading, report=report_writing)
                finally:
                    os._exit(1)
            os.close(control_reading)
            os.close(report_writing)
            self._guard.close()
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
            ready = {descriptor for descriptor, _ in poll.poll(left_ms)}
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
