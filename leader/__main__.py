"""Where the command `leader` starts: the fast paths of four commands, else the whole command line.

Cron asks `leader is-leader` before each job, on each node, so that one command is answered on a few
built-in modules, before anything else is loaded. `run`, `once` and `fence` start jobs, so they load
little, too. Nothing here may import more at the top.
"""

import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = 130
NOT_STARTED = 75
"""No job is started, and nothing is known of it."""


def main() -> None:
    """End the process with the command's exit code; Ctrl-C ends it with 130 and no traceback."""
    try:
        if sys.argv[1:2] == ["is-leader"]:
            answer_fast()
        if sys.argv[1:2] == ["run"]:
            run_fast()
        if sys.argv[1:2] == ["once"]:
            once_fast()
        if sys.argv[1:2] == ["fence"]:
            fence_fast()
        from leader.cli.main import main as command_line

        sys.exit(command_line())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except ImportError as error:  # a Python that was built without a part of its library, such as ctypes
        sys.stderr.write(f"leader: this Python lacks a part of its library ({error}): install all of it\n")
        sys.exit(NOT_STARTED)


def answer_fast() -> None:
    """End the process with the answer of `is-leader`; return only if help is asked for."""
    from leader.fastpath import is_leader

    end_fast(is_leader)


def run_fast() -> None:
    """Run a command while this node leads, and end with its code; return only if help is asked for."""
    from leader.jobs.run import main as run

    end_fast(run)


def once_fast() -> None:
    """Run a command once per tick, and end with its code; return only if help is asked for."""
    from leader.jobs.once import main as once

    end_fast(once)


def fence_fast() -> None:
    """Become a command that its file lets in, or end with a code; return only if help is asked for."""
    from leader.jobs.fence import main as fence

    end_fast(fence)


def end_fast(command: "Callable[[list[str]], int | None]") -> None:
    """End the process with what the command returns, if it returns a code.

    Nothing is buffered and nothing is open by then, so the interpreter need not be taken down first.
    """
    try:
        code = command(sys.argv[2:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code is not None:
        posix._exit(code)  # noqa: SLF001 - its public name


if __name__ == "__main__":
    main()
