"""How top looks: its style sheet, its lines of state and of keys. Knows no agent."""

from rich.text import Text
from textual.widgets import Static

from leader.foreign import printable
from leader.protocol.snapshot import AgentView
from leader.tui.drawing import drawn
from leader.tui.status import verdict_line

KEYS = "? help / filter s sort d step-down p pause u resume q quit"
CSS = """
Screen { background: ansi_default; color: ansi_default; }
Static, Input { height: 1; background: ansi_default; color: ansi_default; }
#verdict { height: auto; max-height: 3; }
Input, Input:focus { border: none; padding: 0; display: none; }
#news { height: 8; display: none; margin: 1 0 0 0; }
ModalScreen { align: center middle; background: ansi_default; }
.dialog { width: 56; height: auto; border: round; padding: 0 1; }
.page { height: 1fr; background: ansi_default; scrollbar-size: 0 0; }
.page Static { height: auto; }
"""


def verdict(view: AgentView) -> Text:
    """Whether there is a majority, and whether this node is kept from leading."""
    line = drawn(verdict_line(view))
    if view.pause is not None:
        line.append(f"; {view.node} is paused: {printable(view.pause.reason) or 'no reason given'}", "yellow")
    if view.unfit:
        line.append(f"; {view.node} is unfit: {printable(view.unfit)}", "yellow")
    return line


def put(widget: Static, text: Text) -> None:
    """Draw a line, if it is another one than what stands there."""
    if widget.content != text:
        widget.update(text)
