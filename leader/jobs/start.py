"""What a program owes the command that it becomes: streams, signals, and the shell's codes for a failure.

Shared by `leader run`, `once` and `fence`. Source: execvp(3), the shell's exit codes 126 and 127.
"""

import contextlib
import os
import signal

NOT_FOUND, NOT_RUNNABLE = 127, 126
NOWHERE = (FileNotFoundError, NotADirectoryError, ValueError)


def complain(program: str, sentence: str) -> None:
    """One line on standard error, said by that program."""
    with contextlib.suppress(OSError):
        os.write(2, f"{program}: {sentence}\n".encode("utf-8", "backslashreplace"))


def open_standard_streams() -> None:
    """See that nothing else gets the number of a standard stream that the caller has closed."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def restore_signals() -> None:
    """Give back the signals that Python ignores for itself."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def cannot_be_run(word: str, error: OSError | ValueError) -> tuple[int, str]:
    """The exit code and the sentence for a command that could not be started."""
    why = error.strerror if isinstance(error, OSError) else "there is no such command"
    return NOT_FOUND if isinstance(error, NOWHERE) else NOT_RUNNABLE, f"{word!r} cannot be run: {why}"
