"""What `leader top` shows, and what its keys do, on a screen in memory."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from leader.tui.top.app import AWAY
from tests.support.polling import eventually
from tests.unit.tui.examples import CLUSTER, DEFAULT
from tests.unit.tui.topping import LARGE, LEADING, FakeAgent, screen, shows, top

SNAPSHOTS = Path(__file__).with_name("screens")
GAINED = {"event": "gained", "election": "default", "node": "web-2", "at": "2026-01-02T03:04:05Z", "term": 7}


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (160, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_screen_is_as_recorded(size: tuple[int, int]) -> None:
    """LEADER_TEST_REWRITE=1 records it again."""
    agent = FakeAgent(LEADING)
    app, told = top(agent), []
    async with app.run_test(size=size) as pilot:
        await shows(pilot, app, "web-2")
        agent.tell(GAINED)
        await eventually(lambda: bool(app.state.events))
        for key in "12345":
            await pilot.press(key)
            await pilot.pause()
            told.append(screen(app))
        await pilot.press("1", "enter")
        await shows(pilot, app, "this node, web-2, leads it")
        told.append(screen(app))
    text = "\n".join(told)
    file = SNAPSHOTS / f"top-{size[0]}x{size[1]}.txt"
    if os.environ.get("LEADER_TEST_REWRITE"):
        file.write_text(text)
    assert text == file.read_text()


async def test_a_change_shows_at_once() -> None:
    """The event is what top asks again for; it does not wait for its next turn."""
    agent = FakeAgent()
    app = top(agent)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, app, "web-1")
        agent.view = LEADING
        agent.tell(GAINED)
        await shows(pilot, app, "8.2s")
        await pilot.press("4")
        await shows(pilot, app, "03:04:05", "gained")


async def test_a_filter_leaves_what_contains_it_and_escape_shows_all() -> None:
    """While it is typed; each pane has its own."""
    app = top(FakeAgent())
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, app, "default", "reports")
        await pilot.press("slash", *"rep", "enter")
        await shows(pilot, app, "/rep")
        assert "default " not in screen(app)
        await pilot.press("escape")
        await shows(pilot, app, "default ", "reports ")


async def test_rows_are_sorted_by_a_column_and_turned_round() -> None:
    """The column says so."""
    app = top(FakeAgent())
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, app, "default")
        await pilot.press("2", "s")
        await shows(pilot, app, "NODE^")
        assert screen(app).index("web-1 ") < screen(app).index("web-3 ")
        await pilot.press("r")
        await shows(pilot, app, "NODEv")
        assert screen(app).index("web-3 ") < screen(app).index("web-1 ")


async def test_a_step_down_says_what_will_happen_and_needs_a_yes() -> None:
    """A no does nothing."""
    agent = FakeAgent(LEADING)
    app = top(agent)
    async with app.run_test(size=(60, 15)) as pilot:
        await shows(pilot, app, "8.2s")
        await pilot.press("d")
        await shows(pilot, app, "hands default over", "y: do it")
        await pilot.press("n")
        await shows(pilot, app, "nothing was done")
        assert agent.calls == []
        await pilot.press("d")
        await shows(pilot, app, "y: do it")
        await pilot.press("y")
        await shows(pilot, app, "web-3 may lead default now")
        assert agent.calls == ["step-down default"]


async def test_what_comes_while_it_ends_is_drawn_nowhere() -> None:
    """Its timer and the agent's events outlive the screen for a moment."""
    app = top(FakeAgent(LEADING))
    async with app.run_test(size=(60, 15)) as pilot:
        await shows(pilot, app, "8.2s")
    app.draw()


async def test_who_does_not_lead_is_told_where_to_step_down() -> None:
    """Nothing is asked."""
    agent = FakeAgent()
    app = top(agent)
    async with app.run_test(size=(100, 24)) as pilot:
        await shows(pilot, app, "candidate")
        await pilot.press("d")
        await shows(pilot, app, "web-1 leads it: run `leader step-down default` there")
        assert agent.calls == []


async def test_a_refusal_is_shown_in_the_agents_words() -> None:
    """Not allowed, no candidate: it is the agent that knows."""
    agent = FakeAgent(LEADING)
    agent.sentence = "user 1000 may not change anything here"
    app = top(agent)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, app, "8.2s")
        for key in "dpu":
            await pilot.press(key)
            await shows(pilot, app, "y: do it")
            await pilot.press("y")
            await shows(pilot, app, agent.sentence)
            await pilot.press("1")
    assert agent.calls == ["step-down default", "pause", "resume"]


async def test_an_agent_that_is_away_leaves_the_last_state_dimmed_and_comes_back() -> None:
    """Top goes on."""
    agent = FakeAgent()
    app = top(agent)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, app, "default")
        agent.go_away()
        await shows(pilot, app, AWAY, "default ")
        assert app.query_one("#pane").dims  # type: ignore[attr-defined]
        agent.view, agent.is_away = replace(CLUSTER, elections=(replace(DEFAULT, leader="web-9"),)), False
        await shows(pilot, app, "web-9")
        assert AWAY not in screen(app)


async def test_fifty_elections_and_two_hundred_nodes_scroll_in_60x15() -> None:
    """The cursor stays in sight, and on its row when the terminal changes its size."""
    app = top(FakeAgent(LARGE))
    async with app.run_test(size=(60, 15)) as pilot:
        await shows(pilot, app, "election-00")
        await pilot.press("end")
        await shows(pilot, app, "election-49")
        await pilot.press("tab", "end")
        await shows(pilot, app, "web-199")
        await pilot.resize_terminal(160, 50)
        await shows(pilot, app, "web-199", "web-180", "UTC")


async def test_a_size_that_comes_before_the_first_answer_is_no_trouble() -> None:
    """The agent may be down when top starts."""
    agent = FakeAgent()
    agent.is_away = True
    app = top(agent)
    async with app.run_test(size=(60, 15)) as pilot:
        await shows(pilot, app, AWAY)
        await pilot.resize_terminal(80, 24)
        await pilot.press("down", "enter", "d", "p", "tab")
        await shows(pilot, app, AWAY)
        agent.is_away = False
        await shows(pilot, app, "web-1")


async def test_help_names_the_keys_and_q_quits() -> None:
    """In help, q closes it; outside, it ends top."""
    app = top(FakeAgent())
    async with app.run_test(size=(60, 15)) as pilot:
        await shows(pilot, app, "default")
        await pilot.press("question_mark")
        await shows(pilot, app, "step down from the election")
        await pilot.press("q")
        await shows(pilot, app, "default")
        await pilot.press("q")
        await eventually(lambda: not app.is_running)


def test_no_command_loads_what_draws_top_before_top_is_shown() -> None:
    """Not even that of all commands that `--help` lists."""
    load = "leader.cli.whole.build(list(leader.cli.main.MODULES.values()))"
    program = f"import sys, leader.cli.main, leader.cli.whole; {load}; print('textual' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
