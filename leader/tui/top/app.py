"""The screen of `leader top`: follows the agent, shows one pane, and carries out keys.

Everything that is shown comes from `model.State`; the agent is what the caller hands in.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from leader.foreign import printable
from leader.protocol.snapshot import AgentView, ElectionView
from leader.tui import drawing
from leader.tui.election import explanation
from leader.tui.status import headline
from leader.tui.top import deeds, look
from leader.tui.top.agent import Agent, Away, Declined
from leader.tui.top.dialogs import HELP, Page, Question
from leader.tui.top.model import State
from leader.tui.top.panes import PANES, shown
from leader.tui.top.table import Table

TICK_S = 0.5
REFRESH_S = 1.0
COST_SHARE = 100
"""How many times what a refresh costs lies between two: a large cluster is not asked each second."""
NS_PER_S = 1_000_000_000
NEWS_S = 10
RETRY_S = 0.25
ROOM_FOR_EVENTS = 30
EVENTS = 3
AWAY = "the agent does not answer, trying again"


class Top(App[None]):
    """The application."""

    ENABLE_COMMAND_PALETTE = False
    CSS = look.CSS
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q", "quit"),
        Binding("ctrl+c", "quit", priority=True),
        *((str(number), f"pane({number - 1})") for number in range(1, len(PANES) + 1)),
        ("slash", "filter"),
        ("escape", "unfilter"),
        ("s", "sort"),
        ("r", "reverse"),
        ("enter", "explain"),
        ("d", "step_down"),
        ("p", "pause"),
        ("u", "resume"),
        ("question_mark", "help"),
    ]

    def __init__(self, agent: Agent, now: Callable[[], int]) -> None:
        super().__init__(ansi_color=True)
        self.state = State()
        self._agent, self._now = agent, now
        self._pane = 0
        self._wanted = [""] * len(PANES)
        self._sorts: list[tuple[int | None, bool]] = [(None, False)] * len(PANES)
        self._news = ""
        self._news_ns = 0
        self._cost_s = 0.0
        self._drawn_ns = self._draw_ns = 0
        self._changed = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Two lines of state, the panes' names, a pane, and what can be done."""
        for name in ("head", "verdict", "tabs"):
            yield Static(id=name, markup=False)
        yield Table(id="pane")
        yield Table(id="news", has_cursor=False)
        yield Static(look.KEYS, id="keys", markup=False)
        yield Input(placeholder="filter: enter keeps it, escape drops it", id="filter")

    def on_mount(self) -> None:
        """Begin to follow the agent."""
        self.query_one("#news").can_focus = False
        self.query_one("#pane").focus()
        self.set_interval(TICK_S, self._tick)
        self._follow()
        self._refresh_status()

    # What the agent says.

    @work
    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(Away):
                async for event in self._agent.events():
                    self._hear(event)
            self._lose()
            await asyncio.sleep(RETRY_S)

    @work
    async def _refresh_status(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(REFRESH_S, COST_SHARE * self._cost_s)):
                    await self._changed.wait()
            self._changed.clear()
            if self.state.answers:
                with contextlib.suppress(Away, Declined):
                    document = await self._agent.status()
                    before = self._now()
                    self._take(document)
                    self._cost_s = (self._now() - before) / NS_PER_S

    def _hear(self, event: Any) -> None:  # noqa: ANN401 - JSON
        if event.get("event") == "snapshot":
            self._take(event["status"])
        elif event.get("event") not in ("dropped", "ended"):
            self.state.note(event)
            self._changed.set()

    def _take(self, document: Any) -> None:  # noqa: ANN401 - JSON
        try:
            self.state.hear(document, self._now())
        except ValueError as error:
            self._tell(f"the agent is of another version ({error}): restart it")
        self.draw()

    def _lose(self) -> None:
        self.state.answers = False
        self.draw()

    # What is shown.

    def _tick(self) -> None:
        """Count down, unless drawing costs too much to be done so often."""
        if self._now() - self._drawn_ns >= COST_SHARE * self._draw_ns:
            self.draw()

    def draw(self) -> None:
        """Show the state as of now; while top ends, its timer still calls but its lines are gone."""
        if not self.is_running:
            return
        before = self._now()
        self._draw()
        self._drawn_ns = self._now()
        self._draw_ns = self._drawn_ns - before

    def _draw(self) -> None:
        screen = self.screen_stack[0]
        view, answers = self.state.aged(self._now()), self.state.answers
        verdict = Text(AWAY, style="bold red")
        if view is not None:
            look.put(screen.query_one("#head", Static), drawing.drawn(headline(view)))
            verdict = look.verdict(view) if answers else verdict
        look.put(screen.query_one("#verdict", Static), self._line(verdict))
        look.put(screen.query_one("#tabs", Static), self._tabs(view))
        news = screen.query_one("#news", Table)
        news.display = self.size.height >= ROOM_FOR_EVENTS and self._pane != EVENTS
        if view is None:
            return
        pane = PANES[self._pane]
        column, backwards = self._sorts[self._pane]
        rows = shown(
            pane.rows(view, self.state.events), self._wanted[self._pane], column, backwards=backwards
        )
        mark = "v" if backwards else "^"
        titles = tuple(f"{t}{mark}" if i == column else t for i, t in enumerate(pane.titles))
        screen.query_one("#pane", Table).show(titles, rows, dims=not answers)
        if news.display:
            news.show(PANES[EVENTS].titles, PANES[EVENTS].rows(view, self.state.events), dims=not answers)

    def _tabs(self, view: AgentView | None) -> Text:
        line = Text(no_wrap=True)
        for number, pane in enumerate(PANES):
            line.append(f"{number + 1} {pane.name}", style="bold reverse" if number == self._pane else "")
            line.append("  ")
        if self._wanted[self._pane]:
            line.append(f"/{printable(self._wanted[self._pane])}", style="bold yellow")
        return line if view is not None or not self.state.answers else Text("")

    def _line(self, verdict: Text) -> Text:
        """What came of a key, for a while; that the agent is away matters more."""
        is_new = self._news and self._now() - self._news_ns < NEWS_S * NS_PER_S
        return Text(self._news, style="bold") if is_new and self.state.answers else verdict

    def _tell(self, sentence: str) -> None:
        self._news, self._news_ns = printable(sentence), self._now()
        self.draw()

    def on_resize(self) -> None:
        """Fit the new size."""
        self.call_after_refresh(self.draw)

    # Keys that look.

    def action_turn(self, by: int) -> None:
        """Show the next pane."""
        self.action_pane((self._pane + by) % len(PANES))

    def action_pane(self, number: int) -> None:
        """Show that pane."""
        self._pane, self._news = number, ""
        self.query_one("#pane", Table).begin()
        self.draw()

    def action_filter(self) -> None:
        """Ask for what rows must contain."""
        field = self.query_one("#filter", Input)
        field.value, field.display = self._wanted[self._pane], True
        self.query_one("#keys").display = False
        field.focus()

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Filter while it is typed."""
        if changed.input.display:
            self._wanted[self._pane] = changed.value
            self.draw()

    def on_input_submitted(self) -> None:
        """Keep the filter."""
        self._close_filter()

    def action_unfilter(self) -> None:
        """Show all rows again."""
        self._wanted[self._pane], self._news = "", ""
        self._close_filter()

    def _close_filter(self) -> None:
        self.query_one("#filter").display = False
        self.query_one("#keys").display = True
        self.query_one("#pane").focus()
        self.draw()

    def action_sort(self) -> None:
        """Sort by the next column; after the last one, as the agent does."""
        column, _ = self._sorts[self._pane]
        following = 0 if column is None else column + 1
        self._sorts[self._pane] = (following if following < len(PANES[self._pane].titles) else None, False)
        self.draw()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        column, backwards = self._sorts[self._pane]
        self._sorts[self._pane] = (column or 0, not backwards)
        self.draw()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(Page(HELP))

    def action_explain(self) -> None:
        """Say why the election stands as it does."""
        view, election = self.state.aged(self._now()), self._election()
        if view is not None and election is not None:
            self.push_screen(Page(drawing.Page(explanation(view, election))))

    def _election(self) -> ElectionView | None:
        """The one under the cursor."""
        view = self.state.aged(self._now())
        if view is None or self._pane != 0:
            return None
        name = self.query_one("#pane", Table).selected
        return next((election for election in view.elections if election.election == name), None)

    # Keys that change something.

    def action_step_down(self) -> None:
        """Hand the election under the cursor over, after a yes."""
        election, view = self._election(), self.state.view
        if election is None or view is None:
            self._tell("choose an election in pane 1 first")
        elif why := deeds.elsewhere(view, election):
            self._tell(why)
        else:
            name = election.election
            self._ask(
                deeds.step_down(view, election),
                lambda: self._agent.step_down(name),
                lambda answer: f"{answer.get('successor') or 'another node'} may lead {name} now",
            )

    def action_pause(self) -> None:
        """Keep this node from leading, after a yes."""
        view = self.state.view
        if view is not None:
            told = f"{view.node} is paused; u resumes it"
            self._ask(deeds.pause(view), self._agent.pause, lambda _: told)

    def action_resume(self) -> None:
        """Let this node lead again, after a yes."""
        view = self.state.view
        if view is not None:
            told = {True: f"{view.node} may lead again", False: f"{view.node} is not paused"}
            self._ask(
                deeds.resume(view), self._agent.resume, lambda answer: told[bool(answer.get("resumed"))]
            )

    def _ask(
        self,
        sentence: str,
        act: Callable[[], Coroutine[Any, Any, Any]],
        told: Callable[[Any], str],
    ) -> None:
        async def ask() -> None:
            if not await self.push_screen_wait(Question(sentence)):
                self._tell("nothing was done")
                return
            self._tell("asking the agent ...")
            try:
                self._tell(told(await act()))
            except (Away, Declined) as error:
                self._tell(str(error))
            self._changed.set()

        self.run_worker(ask())
