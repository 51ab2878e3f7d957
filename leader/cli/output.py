"""How commands print: coloured for people on a terminal, plain and unwrapped for everything else."""

import io
import json
import os
import shutil
import sys

from leader.tui.table import Part, lines_of
from leader.tui.text import painted, unpainted


def show(*parts: Part) -> None:
    """Print for people; piped, it is plain text, a line for each line, without blanks at its end."""
    if not sys.stdout.isatty():
        print(plain(*parts), end="")
        return
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that lacks a character shows a question mark
        sys.stdout.reconfigure(errors="replace")
    draw = painted if is_coloured() else unpainted
    for line in lines_of(parts, shutil.get_terminal_size().columns):
        print(draw(line))


def plain(*parts: Part, width: int | None = None) -> str:
    """The same as uncoloured text, without a width never wrapped."""
    return "".join(f"{unpainted(line)}\n" for line in lines_of(parts, width))


def is_coloured() -> bool:
    """Whether the terminal shows colours, and the user wants them."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in {"dumb", "unknown", None}


def show_json(document: object) -> None:
    """Print for programs."""
    print(json.dumps(document, indent=2))
