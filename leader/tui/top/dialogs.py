"""What stands before the panes for a while: a question, a text to read, a word to type."""

from typing import ClassVar

from rich.console import RenderableType
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

HELP = """\
tab, shift+tab, 1-5   next, previous or that pane
arrows, page keys     move;  home, end: first, last
enter                 explain the election
/                     filter this pane; empty shows all
s, r                  sort by the next column; turn round
d                     step down from the election (asks)
p, u                  pause, resume this node (asks)
?                     this;  q, ctrl+c: quit"""


class Question(ModalScreen[bool]):
    """Says what will happen, and does nothing without a y."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer(True)"),
        ("n,escape,q,enter", "answer(False)"),
    ]

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self._sentence = sentence

    def compose(self) -> ComposeResult:
        """The sentence and the two answers."""
        yield Static(f"{self._sentence}\n\ny: do it    n: leave it", classes="dialog", markup=False)

    def action_answer(self, answer: bool) -> None:  # noqa: FBT001 - a key's
        """Close with that answer."""
        self.dismiss(answer)


class Page(ModalScreen[None]):
    """Something to read; it scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,enter,question_mark", "leave")]

    def __init__(self, content: RenderableType) -> None:
        super().__init__()
        self._content = content

    def compose(self) -> ComposeResult:
        """All of it."""
        with VerticalScroll(classes="page"):
            yield Static(self._content, markup=False)
        yield Static("escape: back", classes="hint")

    def action_leave(self) -> None:
        """Close."""
        self.dismiss(None)
