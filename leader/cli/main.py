"""The command line: which module carries which command, and where every exception ends.

Only the module of the command that was asked for is loaded; `--help` and a wrong command load all, so
that they can show what there is. Exceptions become one sentence and an exit code here and nowhere else.
"""

import errno
import importlib
import os
import sys

import typer

from leader import __version__
from leader.errors import ConfigurationError, LeaderError, Refused

MODULES = {
    "agent": "leader.cli.agent",
    "is-leader": "leader.cli.is_leader",
    "run": "leader.cli.run",
    "once": "leader.cli.once",
    "jobs": "leader.cli.jobs",
    "fence": "leader.cli.fence",
    "wait": "leader.cli.wait",
    "status": "leader.cli.status",
    "top": "leader.cli.top",
    "quorum": "leader.cli.quorum",
    "config": "leader.cli.config",
    "demo": "leader.cli.demo",
}
INTERRUPTED = 130
WRONG_USAGE = 2
BROKEN = 1


def main(arguments: list[str] | None = None) -> int:  # noqa: PLR0911  # one exit for each kind of end
    """Run the command that the arguments name; return its exit code. No traceback reaches the user."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        discard_output()
        return BROKEN
    except typer.TyperException as error:
        return fail(f"{error.format_message().rstrip('.')}: see `leader --help`", WRONG_USAGE)
    except ConfigurationError as error:
        for problem in error.problems:
            fail(problem, error.exit_code)
        return error.exit_code
    except LeaderError as error:
        return fail(str(error), error.exit_code)
    except Exception as error:  # the last resort: a sentence instead of a traceback
        if os.environ.get("LEADER_TRACEBACK"):
            raise
        return report(error)


def report(error: Exception) -> int:
    """Say what nobody foresaw; a full disk behind the output is no bug of ours."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        discard_output()
        return fail(f"what was to be printed cannot be written: {error.strerror}", BROKEN)
    kind = type(error).__name__
    return fail(
        f"a bug in leader ({kind}: {error}): please report it, with what LEADER_TRACEBACK=1 shows", BROKEN
    )


def run(arguments: list[str]) -> int:
    """Build the command line for these arguments and run it."""
    asked = arguments[0] if arguments else ""
    app = build([asked] if asked in MODULES else list(MODULES))
    code = app(args=arguments or ["--help"], standalone_mode=False, prog_name="leader")
    flush()
    return WRONG_USAGE if not arguments else code if isinstance(code, int) else 0


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


def build(commands: list[str]) -> typer.Typer:
    """The command line with so many of its commands."""
    app = typer.Typer(
        name="leader",
        help="Leader election over a quorum of independent Redis servers: leader is-leader && job",
        rich_markup_mode=None,
        add_completion=len(commands) > 1,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(top_level)
    for command in commands:
        importlib.import_module(MODULES[command]).register(app)
    return app


def show_version(asked: bool) -> None:
    """Print the version and end, if that is what was asked."""
    if asked:
        typer.echo(f"leader {__version__}")
        raise typer.Exit


def top_level(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=show_version, is_eager=True
    ),
) -> None:
    """Leader election over a quorum of independent Redis servers."""


def fail(sentence: str, code: int) -> int:
    """Tell on standard error what went wrong, and return the exit code."""
    print(f"leader: {sentence}", file=sys.stderr)
    return code
