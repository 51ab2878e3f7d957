"""The command that is run: its process group, its environment, its signals, the terminal.

It must find everything as if the shell had started it. Source: execvp(3), setpgid(2), tcsetpgrp(3).
"""

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping

from leader.jobs.start import cannot_be_run, complain, restore_signals
from leader.jobs.tree import die_with_parent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

OURS = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGWINCH, signal.SIGCONT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD),
)
"""The signals that we handle or ignore meanwhile, so that the command must get them back as they were."""


class Command:
    """What `program` is to run: words, what is added to the environment, the terminal if it is given over."""

    def __init__(
        self, program: str, words: tuple[str, ...], environment: Mapping[str, str], terminal: int | None
    ) -> None:
        self.program = program
        self.words = words
        self.environment = environment
        self.terminal = terminal


def ignored_signals() -> frozenset[signal.Signals]:
    """The signals that were ignored when this process began, as by nohup."""
    return frozenset(number for number in OURS if signal.getsignal(number) is signal.SIG_IGN)


def spawn(command: Command, ignored: frozenset[signal.Signals]) -> int:
    """Start the command in a process group of its own, which dies with this process; return its id."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(command, ignored, parent)
    with contextlib.suppress(OSError):  # the child does it too, whoever comes first; it may be gone already
        os.setpgid(pid, pid)
    return pid


def _become(command: Command, ignored: frozenset[signal.Signals], parent: int) -> "NoReturn":
    try:
        os.setpgid(0, 0)
        if command.terminal is not None:
            give_terminal(command.terminal, os.getpid())
        for number in OURS:
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
        restore_signals()
        signal.set_wakeup_fd(-1)
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        os.execvpe(command.words[0], command.words, {**os.environ, **command.environment})  # noqa: S606
    except (OSError, ValueError) as error:
        code, why = cannot_be_run(command.words[0], error)
        complain(command.program, why)
        os._exit(code)


def own_terminal() -> int | None:
    """The terminal to give to an interactive command, as a descriptor; None if it has none to itself.

    In a pipeline the rest of it needs the terminal, too, so that it stays where it is.
    """
    if not (os.isatty(0) and os.isatty(1)):
        return None
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    if os.tcgetpgrp(terminal) == os.getpgrp():
        return terminal
    os.close(terminal)
    return None


def give_terminal(terminal: int, group: int) -> None:
    """Make that group the one that has the terminal."""
    with _without_stopping(), contextlib.suppress(OSError):
        os.tcsetpgrp(terminal, group)


@contextlib.contextmanager
def _without_stopping() -> Iterator[None]:
    """Who takes a terminal from the background is stopped, unless it ignores that signal."""
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTTOU, before)
