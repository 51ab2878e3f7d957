"""Tests of what `make bench` makes of what it measured: the table, the page, the picture."""

from pathlib import Path

from tests.benchmarks.results import DATA, HERE, PAGE, PICTURE, Results, Run, load, page, save
from tests.benchmarks.rows import OWN, Figure, Row, exit_code, spread
from tests.benchmarks.table import plain, ratios, together

CASE = "crash of the leader, lease 1 s"
HOW = "`kill -9 a | b`"
OURS = Row("failover", CASE, OWN, (Figure("p50", 800.0, "ms", most=1100.0), Figure("of", 4, "times")), HOW)
THEIRS = Row("failover", CASE, "etcd 3.4", (Figure("p50", 2000.0, "ms"),), "`etcdctl lock`")
ABSENT = Row("failover", CASE, "another", (), "absent: apt install another")
SLOW = Row("start", "`status`", OWN, (Figure("p50", 210.5, "ms", most=150.0),))


def run_of(part: str, *, quick: bool = False) -> Run:
    """A run of that part."""
    return Run(part, "2026-01-02 03:04", 90.0, 0.25, quick, 0, "a machine", "versions")


SOME = Results((run_of("failover"), run_of("start")), (OURS, THEIRS, ABSENT, SLOW))


def test_a_peer_is_shown_as_a_multiple_of_the_own_figure_in_the_same_case() -> None:
    """The own row and an absent peer have no ratio."""
    assert ratios(SOME.rows) == ["", "2.50 x", "", ""]


def test_the_page_shows_figures_goals_and_command_lines() -> None:
    """A bar in a command line does not end a cell; what is absent is named so."""
    lines = page(SOME).splitlines()
    goal = "p50 ≤ 1,100 ms: reached"
    assert f"| {CASE} | {OWN} | p50 800 ms, of 4 times |  | {goal} | `kill -9 a {chr(92)}| b` |" in lines
    assert f"| {CASE} | another | absent |  |  | absent: apt install another |" in lines
    assert any("p50 ≤ 150 ms: MISSED" in line for line in lines)
    assert any("1.5 min" in line and "a machine" in line for line in lines)
    assert "QUICK" not in page(SOME)
    assert "`QUICK=1`): start" in page(Results((run_of("start", quick=True),), (SLOW,)))


def test_rows_of_one_case_stand_together_wherever_they_were_told() -> None:
    """A peer that was measured later is shown beside the own row."""
    assert together([OURS, SLOW, THEIRS]) == [OURS, THEIRS, SLOW]


def test_the_table_for_a_terminal_is_aligned_part_by_part() -> None:
    """Each column begins at the same place in all lines of a part."""
    heading, columns, first, second, *_ = plain(SOME.rows).splitlines()
    assert heading == "failover"
    assert columns.index("who") == first.index(OWN, len(CASE)) == second.index("etcd")


def test_results_come_back_as_they_were_saved_and_a_part_that_is_run_again_is_replaced(
    tmp_path: Path,
) -> None:
    """The rows of other parts stay, in the order of the parts."""
    save(SOME, tmp_path)
    assert load(tmp_path) == SOME
    faster = Row("start", "`status`", OWN, (Figure("p50", 100.0, "ms", most=150.0),))
    merged = load(tmp_path).merged(Results((run_of("start"),), (faster,)), ["start", "failover"])
    assert merged.rows == (faster, OURS, THEIRS, ABSENT)
    assert [run.part for run in merged.runs] == ["start", "failover"]
    assert load(tmp_path / "nowhere") == Results()


def test_the_picture_has_a_bar_for_each_contender_as_long_as_its_figure(tmp_path: Path) -> None:
    """The longest one fills the room; what is absent has none."""
    save(SOME, tmp_path)
    picture = (tmp_path / PICTURE).read_text()
    assert picture.count("<rect") == 2
    assert 'class="own"' in picture
    assert ">2,000 ms</text>" in picture


def test_page_and_picture_are_what_the_program_makes_of_the_data(tmp_path: Path) -> None:
    """Nobody edits them by hand; where nothing was measured yet, there are none."""
    assert (HERE / DATA).exists() == (HERE / PAGE).exists() == (HERE / PICTURE).exists()
    save(load(HERE), tmp_path)
    for name in (PAGE, PICTURE):
        assert not (HERE / name).exists() or (HERE / name).read_text() == (tmp_path / name).read_text()


def test_a_spread_tells_median_percentile_worst_and_count() -> None:
    """Of a hundred, the 99th percentile is the last but one; a goal belongs to one of them."""
    p50, p99, worst, of = spread([float(value) for value in range(1, 101)], p99=98.0)
    assert (p50.value, p99.value, worst.value, of.value) == (50.5, 99.0, 100.0, 100)
    assert (p50.reached, p99.reached) == (None, False)
    assert exit_code() == 0, "only a row that is recorded counts"
