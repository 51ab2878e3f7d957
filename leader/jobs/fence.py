"""`leader fence`: a command that runs only if its file has not seen a higher term, and alone under that file.

This process takes the lock, notes the term, and becomes the command, so signals, streams, terminal and exit
code are the command's own. The lock lasts as long as the command or anything that it left: they inherit the
descriptor. Some programs, such as ssh and sudo, close what they inherit, so a keeper holds it as well.
"""

import os
import select
import signal
from typing import NoReturn

from leader.errors import LeaderError, Refused, UsageError
from leader.jobs.options import Words, read
from leader.jobs.start import cannot_be_run, complain, open_standard_streams, restore_signals
from leader.jobs.term_file import TermFile, parse_term

PROGRAM = "leader fence"
REFUSED = 1
LARGEST_EXIT = 254
WITH_VALUE = ("--term", "--timeout", "--refused-exit")


def main(arguments: list[str]) -> int | None:
    """Become the command if the file lets it; return the exit code if not, None if help is asked for."""
    open_standard_streams()
    try:
        words = read(arguments, WITH_VALUE, ())
        return None if words is None else run(words)
    except LeaderError as error:
        complain(PROGRAM, str(error))
        return error.exit_code


def run(words: Words) -> int:
    """Take the file, note the term, and become the command; return the exit code if that is not to be.

    Raises:
        UsageError: the words, or LEADER_TERM, are wrong.
    """
    path, term, code = file_of(words), term_of(words), refused_exit(words)
    timeout_ms = words.milliseconds("--timeout")
    try:
        file = TermFile(path, timeout_ms)
        file.admit(term)
        file.hand_on()
        keep(file)
    except Refused as refused:
        complain(PROGRAM, str(refused))
        return code
    return become(words.command, term)


def file_of(words: Words) -> str:
    """The FILE that was named.

    Raises:
        UsageError: none was, or several.
    """
    if not words.names or not words.names[0]:
        raise UsageError("name the file that keeps the highest term, as in: /var/lib/report/term -- report")
    if len(words.names) > 1:
        raise UsageError(f"one file at a time: leave out {words.names[1]!r}; the command stands behind --")
    return words.names[0]


def term_of(words: Words) -> int:
    """The term of this command: `--term`, else `LEADER_TERM`.

    Raises:
        UsageError: there is none, or it is no number.
    """
    where = "--term" if "--term" in words.values else "LEADER_TERM"
    text = words.values.get("--term", os.environ.get("LEADER_TERM", ""))
    if not text and where == "LEADER_TERM":
        raise UsageError("LEADER_TERM is not set: start this under `leader run`, or say --term N")
    try:
        return parse_term(text)
    except ValueError:
        raise UsageError(
            f"{where} is {text!r} and no term: it must be a whole number, as `leader run` sets it"
        ) from None


def refused_exit(words: Words) -> int:
    """The exit code for a command that is not to start.

    Raises:
        UsageError: it is none.
    """
    text = words.values.get("--refused-exit", str(REFUSED))
    if text not in map(str, range(LARGEST_EXIT + 1)):
        raise UsageError(f"--refused-exit is {text!r}: say a number from 0 to {LARGEST_EXIT}")
    return int(text)


def become(command: list[str], term: int) -> int:
    """Run the command in this process; return the exit code if it cannot be run."""
    restore_signals()
    try:
        os.execvpe(command[0], command, {**os.environ, "LEADER_TERM": str(term)})  # noqa: S606 - the command
    except (OSError, ValueError) as error:
        code, why = cannot_be_run(command[0], error)
        complain(PROGRAM, why)
        return code


def keep(file: TermFile) -> None:
    """Start a process that holds the lock until this one ends, whatever it has become by then.

    It is no child of the command, which has to wait for its own ones only. Where the kernel cannot tell when
    a process ends, before Linux 5.3 and elsewhere, the descriptor that the command inherits is all there is.

    Raises:
        Refused: no process can be started.
    """
    try:
        watched = os.pidfd_open(os.getpid())
    except (AttributeError, OSError):
        return
    try:
        parent = os.fork()
        if parent == 0:
            _part_and_stand(watched, file.descriptor)
        _, status = os.waitpid(parent, 0)
    except OSError:
        status = 1
    os.close(watched)
    if status:
        raise Refused(
            f"no process can be started to keep the lock on {file.path}: raise the limit of processes"
        )


def _part_and_stand(watched: int, descriptor: int) -> NoReturn:
    """Leave a grandchild behind that waits, deaf to what is sent to the command and its descendants."""
    code = 1
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        low, high = sorted((watched, descriptor))
        for first, end in ((0, low), (low + 1, high), (high + 1, os.sysconf("SC_OPEN_MAX"))):
            os.closerange(first, end)
        if os.fork() == 0:
            ended = select.poll()
            ended.register(watched, select.POLLIN)
            ended.poll()
        code = 0
    finally:
        os._exit(code)
