"""The count of ticks: what ran once, twice, and not at all."""

from leader.demo.tally import Count, Tally


def tally(*lines: str) -> Tally:
    """A tally of these lines."""
    made = Tally()
    made.add(lines)
    return made


def test_each_tick_that_ran_once_is_a_run() -> None:
    """The ordinary case, on whatever node."""
    assert tally("a 0", "a 1", "b 2").count(range(3)) == Count(ticks=3, runs=3, doubles=0, idle=0)


def test_a_tick_that_ran_on_two_nodes_is_a_double_run() -> None:
    """The demo fails with a single one of them."""
    both = tally("a 0", "b 0")
    assert both.count(range(1)).doubles == 1
    assert both.nodes(0) == ["a", "b"]


def test_a_tick_that_ran_twice_on_one_node_is_a_double_run_too() -> None:
    """Once means once."""
    assert tally("a 0", "a 0").count(range(1)).doubles == 1


def test_a_tick_that_nobody_ran_is_idle() -> None:
    """Only the ticks that are asked about count."""
    assert tally("a 5").count(range(4, 7)) == Count(ticks=3, runs=1, doubles=0, idle=2)


def test_runs_are_counted_by_node() -> None:
    """Lines may come in pieces."""
    made = tally("a 0", "b 1")
    made.add(["a 2"])
    assert (made.runs_of("a"), made.runs_of("b"), made.runs_of("c")) == (2, 1, 0)
