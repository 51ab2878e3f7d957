"""The command line: which module carries which command, and where every exception ends.

Only the module of the command that was asked for is loaded; `--help` and a wrong command load all, so
that they can show what there is. Exceptions become one sentence and an exit code here and nowhere else.
"""

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Sequence

from leader.errors import ConfigurationError, LeaderError, Refused
from leader.foreign import printable

MODULES = {
    "agent": "leader.cli.agent",
    "is-leader": "leader.cli.is_leader",
    "run": "leader.cli.run",
    "once": "leader.cli.once",
    "jobs": "leader.cli.jobs",
    "history": "leader.cli.history",
    "fence": "leader.cli.fence",
    "wait": "leader.cli.wait",
    "status": "leader.cli.status",
    "health": "leader.cli.health",
    "top": "leader.cli.top",
    "step-down": "leader.cli.step_down",
    "pause": "leader.cli.pause",
    "resume": "leader.cli.pause",
    "doctor": "leader.cli.doctor",
    "quorum": "leader.cli.quorum",
    "forget": "leader.cli.forget",
    "config": "leader.cli.config",
    "demo": "leader.cli.demo",
}
QUICK = {"status": "leader.cli.look", "agent": "leader.cli.serve"}
"""Commands that read their own words: the whole command line takes longer than an answer, and much memory."""

INTERRUPTED = 130
WRONG_USAGE = 2
UNKNOWN = 3
BROKEN = 1


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the arguments name; return its exit code. No traceback reaches the user."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        discard_output()
        return end(arguments, (), BROKEN)
    except ConfigurationError as error:
        return end(arguments, error.problems, error.exit_code)
    except LeaderError as error:
        return end(arguments, (str(error),), error.exit_code)
    except Exception as error:  # the last resort: a sentence instead of a traceback
        if os.environ.get("LEADER_TRACEBACK"):
            raise
        return end(arguments, (unforeseen(error),), BROKEN)


def end(arguments: list[str], sentences: Sequence[str], code: int) -> int:
    """Tell what went wrong, on standard error; the exit code.

    A monitoring system reads standard output alone, and takes 2 for a failure of what it watches: whatever
    goes wrong with `health` itself is 3, and told there.
    """
    if arguments[:1] == ["health"]:
        with contextlib.suppress(OSError):
            print(f"LEADER UNKNOWN - {printable('; '.join(sentences))}", flush=True)
        return UNKNOWN
    for sentence in sentences:
        print(f"leader: {printable(sentence)}", file=sys.stderr)
    return code


def unforeseen(error: Exception) -> str:
    """What to say of what nobody foresaw; a full disk behind the output is no bug of ours."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        discard_output()
        return f"what was to be printed cannot be written: {error.strerror}"
    kind = type(error).__name__
    return f"a bug in leader ({kind}: {error}): please report it, with what LEADER_TRACEBACK=1 shows"


def run(arguments: list[str]) -> int:
    """Run what these arguments ask for, with the whole command line only where it is needed."""
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    asked = arguments[0] if arguments else ""
    code = importlib.import_module(QUICK[asked]).main(arguments[1:]) if asked in QUICK else None
    if code is None:
        code = importlib.import_module("leader.cli.whole").run(arguments or ["--help"], needed(asked))
    flush()
    return WRONG_USAGE if not arguments else code if isinstance(code, int) else 0


def needed(asked: str) -> list[str]:
    """The modules that answer the first word: its own, none for a version, all for whatever else it is."""
    if asked == "--version":
        return []
    return [MODULES[asked]] if asked in MODULES else list(dict.fromkeys(MODULES.values()))


def flush() -> None:
    """Write what was printed, here, where what goes wrong is still told in a sentence.

    Raises:
        Refused: there is no room for it.
    """
    try:
        print(end="", flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise Refused(f"what was to be printed cannot be written: {error.strerror}") from None


def discard_output() -> None:
    """Let what is left to print go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
