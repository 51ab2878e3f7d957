"""`leader demo`: the main job on this machine, as a story with checks, or live until Ctrl-C."""

import contextlib
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from leader import clock
from leader.cli.output import show
from leader.demo.chapters import STORY, Chapter
from leader.demo.live import Director, Events
from leader.demo.play import Outcome, play_one, result_lines
from leader.demo.stage import Stage, elapsed_ms
from leader.errors import UsageError
from leader.tui.demo import closing_table, live
from leader.tui.text import Cell
from leader.tui.words import cell

FRAME_S = 0.125
MS_PER_SECOND = 1000
SIGNALLED = 128
PREFIX = "leader-demo-"

StoryOption = Annotated[
    bool, typer.Option("--story", help="Tell a story of crashes and fail-overs, check it, and end.")
]
Seconds = Annotated[
    float, typer.Option("--seconds", help="End the live display after so long.", metavar="N", min=0)
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="demo", short_help="Play the whole story on this machine.")(demo)


def demo(story: StoryOption = False, seconds: Seconds = 0) -> None:
    """Show an embedded quorum, three agents, jobs on a fast tick, crashes and fail-overs.

    On a terminal it is live until Ctrl-C; piped, or with --story, it tells a story in under 40 s.
    Exit 0, or 1 if what was promised did not come true.
    """
    telling = story or not sys.stdout.isatty()
    if telling and seconds:
        raise UsageError("--seconds ends the live display: leave out --story, and run it on a terminal")
    with ends_by_signal():
        good = tell_story() if telling else show_live(seconds)
    raise typer.Exit(0 if good else 1)


@contextlib.contextmanager
def ends_by_signal() -> Iterator[None]:
    """SIGTERM and SIGHUP end the demo as Ctrl-C does, with everything taken down."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(SIGNALLED + number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def staged(tell: Callable[[str], None]) -> Iterator[Stage]:
    """The stage, taken down at the end whatever else is signalled meanwhile.

    Raises:
        InstanceError: no server program is found.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX) as directory:
        stage = Stage(Path(directory), tell)
        with contextlib.ExitStack() as stack:
            stack.enter_context(stage)
            stack.callback(ignore_signals)
            yield stage


def ignore_signals() -> None:
    """From here on the end is on its way, and nothing may keep it from being whole."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


# The story.


def tell_story() -> bool:
    """Play the story, line by line; whether all of it came true."""
    started = clock.now_ns()

    def tell(text: str) -> None:
        show(cell(f"{elapsed_ms(started) / MS_PER_SECOND:6.1f} s  {text}"))
        sys.stdout.flush()

    with staged(tell) as stage:
        show(cell("Three agents, five Redis servers, a lease of 2 s; on every node, four times a second:"))
        show(cell("    leader is-leader && job"))
        outcome = Outcome()
        for number, chapter in enumerate(STORY, 1):
            show_title(number, chapter)
            if not play_one(stage, chapter, outcome):
                break
        return close(stage, outcome)


def show_title(number: int, chapter: Chapter) -> None:
    """A chapter begins."""
    show(Cell(""), cell(f"{number}. {chapter.title}", "bold"))


def close(stage: Stage, outcome: Outcome) -> bool:
    """Show what was measured; whether all of it is as promised."""
    lines = result_lines(outcome, stage.crontab.count())
    show(Cell(""), closing_table(lines))
    for title, reason in outcome.failures:
        show(cell(f"failed: {title}: {reason}", "bold red"))
    return all(line.good for line in lines)


# The live display.


def show_live(seconds: float) -> bool:
    """Show the demo until Ctrl-C, or for so long; whether nothing failed meanwhile."""
    events = Events()
    with staged(events.tell) as stage:
        with Director(stage, events) as director:
            with contextlib.suppress(KeyboardInterrupt):
                watch(director, seconds)
            ignore_signals()
        if director.error is not None:
            raise director.error
        return close(stage, director.outcome)


def watch(director: Director, seconds: float) -> None:
    """Draw frame after frame."""
    started = clock.now_ns()
    with Live(live(director.view()), console=Console(), auto_refresh=False, screen=True) as display:
        while director.goes_on and not (seconds and elapsed_ms(started) > seconds * MS_PER_SECOND):
            director.wait(FRAME_S)
            display.update(live(director.view()), refresh=True)
