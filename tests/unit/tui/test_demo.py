"""What the demo draws."""

from dataclasses import replace

from rich.console import Console

from leader.cli.output import plain
from leader.tui.demo import InstanceLine, LiveView, NodeLine, ResultLine, closing_table, live

VIEW = LiveView(
    headline="leader demo",
    lease_ms=2000,
    nodes=[NodeLine("node-1", "candidate", 41, 0, 3), NodeLine("node-2", "holder", 42, 1000, 5)],
    instances=[InstanceLine("a", "up", "node-2"), InstanceLine("b", "killed", "")],
    recent=[["node-1"], [], ["node-2"], ["node-1", "node-2"]],
    summary="4 ticks",
    chapter="one instance killed",
    events=[f"event {number}" for number in range(20)],
)


def drawn(view: LiveView = VIEW) -> list[str]:
    """The lines of the display."""
    console = Console(width=1000, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(live(view))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_the_leader_is_shown_with_its_term_and_what_is_left_of_its_lease() -> None:
    """As a number and as a bar."""
    (line,) = (line for line in drawn() if line.startswith("node-2"))
    assert line.split() == ["node-2", "leads", "42", "1.0s", "##########", "5"]


def test_a_node_whose_agent_is_down_is_shown_as_such() -> None:
    """It has no role."""
    down = replace(VIEW, nodes=[NodeLine("node-1", "", 0, 0, 3)])
    (line,) = (line for line in drawn(down) if line.startswith("node-1"))
    assert line.split()[:2] == ["node-1", "down"]


def test_each_tick_is_a_character() -> None:
    """The number of the node that ran it, a dot for none, an exclamation mark for several."""
    assert "         1.2!" in drawn()


def test_instances_stand_side_by_side_with_state_and_record() -> None:
    """One column each."""
    start = next(number for number, line in enumerate(drawn()) if line.startswith("INSTANCE"))
    assert [line.split() for line in drawn()[start : start + 3]] == [
        ["INSTANCE", "a", "b"],
        ["STATE", "up", "killed"],
        ["RECORD", "node-2", "-"],
    ]


def test_it_fits_a_small_terminal() -> None:
    """24 lines of 80 columns, with three nodes; events are cut, not wrapped, and the latest are shown."""
    long = replace(VIEW, nodes=[VIEW.nodes[0], *VIEW.nodes], events=["x" * 200] * 19 + ["the end"])
    console = Console(width=80, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(live(long))
    lines = capture.get().splitlines()
    assert len(lines) <= 24
    assert lines[-1].startswith("the end")


def test_the_closing_table_says_what_failed() -> None:
    """Each promise with what was measured and allowed."""
    lines = [ResultLine("a", "1 ms", "2 ms", good=True), ResultLine("b", "", "", good=False)]
    assert [line.split() for line in plain(closing_table(lines)).splitlines()[1:]] == [
        ["a", "1", "ms", "2", "ms", "ok"],
        ["b", "-", "-", "failed"],
    ]
