"""How commands print: coloured for people on a terminal, plain and unwrapped for everything else."""

import json

from rich.console import Console, RenderableType

WIDEST_LINE = 10_000
"""Columns of text that goes to a file or a program, where nothing may be wrapped."""


def show(renderable: RenderableType) -> None:
    """Print for people; piped, it is plain text, a line for each line, without blanks at its end."""
    console = Console()
    if console.is_terminal:
        console.print(renderable)
        return
    for line in plain(renderable).splitlines():
        print(line)


def plain(renderable: RenderableType) -> str:
    """The renderable as uncoloured text that is never wrapped."""
    console = Console(width=WIDEST_LINE, color_system=None, force_terminal=False, force_interactive=False)
    with console.capture() as capture:
        console.print(renderable)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def show_json(document: object) -> None:
    """Print for programs."""
    print(json.dumps(document, indent=2))
