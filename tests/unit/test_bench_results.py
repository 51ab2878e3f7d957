"""Tests of what `make bench` makes of what it measured: the table, the page, the picture."""

from pathlib import Path

from tests.benchmarks.page import page
from tests.benchmarks.plan import STEPS
from tests.benchmarks.reasons import REASONS, UNKNOWN, Reason, why
from tests.benchmarks.results import DATA, HERE, PAGE, PICTURE, Results, as_lines, keep, known, load, save
from tests.benchmarks.rows import MISSED, OWN, Figure, Row, exit_code, spread
from tests.benchmarks.runs import Run
from tests.benchmarks.stable import lowest_lease
from tests.benchmarks.table import plain, ratios, together

CASE = "crash of the leader, lease 1 s, 3 candidates"
HOW = "`kill -9 a | b`"
OURS = Row("failover", CASE, OWN, (Figure("p50", 800.0, "ms", most=1100.0), Figure("of", 4, "times")), HOW)
THEIRS = Row("failover", CASE, "etcd 3.4", (Figure("p50", 2000.0, "ms"),), "`etcdctl lock`")
ABSENT = Row("failover", CASE, "another", (), "absent: apt install another")
SLOW = Row("start", "`status`", OWN, (Figure("p50", 210.5, "ms", most=150.0),))
CRASHES, START = "failover-lease-1-s", "start"


def run_of(step: str, *, whole: str = "2026-01-02 03:04", quick: bool = False, code: int = 0) -> Run:
    """A run of that step."""
    return Run(step, whole, "2026-01-02 03:05", 90.0, 0.25, quick, code, (), "a machine", "versions")


SOME = Results((run_of(START), run_of(CRASHES)), (SLOW, OURS, THEIRS, ABSENT))


def kept(directory: Path) -> Path:
    """A directory that these were kept in."""
    keep(directory, run_of(CRASHES), as_lines((OURS, THEIRS, ABSENT)))
    keep(directory, run_of(START), as_lines((SLOW,)))
    return directory


def test_a_peer_is_shown_as_a_multiple_of_the_own_figure_in_the_same_case() -> None:
    """The own row and an absent peer have no ratio."""
    assert ratios(SOME.rows) == ["", "", "2.50 x", ""]


def test_the_page_shows_figures_goals_and_command_lines() -> None:
    """A bar in a command line does not end a cell; what is absent or failed is named so."""
    failed = Row("api", "all of api", OWN, (), "failed: it took too long")
    lines = page(SOME.runs, (*SOME.rows, failed)).splitlines()
    goal = "p50 ≤ 1,100 ms: reached"
    assert f"| {CASE} | {OWN} | p50 800 ms, of 4 times |  | {goal} | `kill -9 a {chr(92)}| b` |" in lines
    assert f"| {CASE} | another | absent |  |  | absent: apt install another |" in lines
    assert f"| all of api | {OWN} | failed |  |  | failed: it took too long |" in lines
    assert any("p50 ≤ 150 ms: MISSED" in line for line in lines)


def test_the_page_says_on_which_machine_with_which_versions_and_how_it_was_measured() -> None:
    """In one run or in several; what was quick, and what failed."""
    one = page(SOME.runs, SOME.rows)
    assert "- Machine: a machine\n- Versions: versions\n- Measured in one run, begun at 2026-01-02" in one
    assert "QUICK" not in one
    assert "1.5 min" in one
    two = (run_of(CRASHES), run_of(START, whole="2026-01-03 07:08", quick=True, code=1))
    lines = page(two, SOME.rows).splitlines()
    told = "failover-lease-1-s in that of 2026-01-02 03:04 UTC; start in that of 2026-01-03 07:08 UTC"
    assert f"- Measured in 2 runs: {told}." in lines
    assert "- Measured with few repetitions (`QUICK=1`): start." in lines
    assert "- Failed, so that figures are missing: start." in lines


def test_the_page_lists_what_is_not_reached_with_the_reason() -> None:
    """A reason that nobody knows is said to be unknown."""
    known_reason = Reason("start", "`status`", "p50", "It cannot be faster.")
    figure = SLOW.figures[0]
    assert known_reason.fits(SLOW, figure)
    assert not known_reason.fits(OURS, figure)
    assert why(SLOW, figure) == UNKNOWN
    assert f"- start, `status`: p50 210 ms instead of ≤ 150 ms. {UNKNOWN}" in page((), SOME.rows).splitlines()
    assert "Every goal is reached." in page((), (OURS,))


def test_each_reason_is_a_sentence_without_a_figure() -> None:
    """A figure that was copied by hand would grow old."""
    for reason in REASONS:
        assert reason.sentence.endswith(".")
        assert not any(letter.isdigit() for letter in reason.sentence), reason.sentence


def test_rows_of_one_case_stand_together_wherever_they_were_told() -> None:
    """A peer that was measured later is shown beside the own row."""
    assert together([OURS, SLOW, THEIRS]) == [OURS, THEIRS, SLOW]


def test_the_table_for_a_terminal_is_aligned_part_by_part() -> None:
    """Each column begins at the same place in all lines of a part."""
    *_, heading, columns, first, second, _ = plain(SOME.rows).splitlines()
    assert heading == "failover"
    assert columns.index("who") == first.index(OWN, len(CASE)) == second.index("etcd")


def test_results_come_back_as_they_were_kept_and_a_step_that_is_run_again_is_replaced(tmp_path: Path) -> None:
    """The rows of other steps stay, in the order of the plan."""
    assert load(kept(tmp_path)) == SOME
    faster = Row("start", "`status`", OWN, (Figure("p50", 100.0, "ms", most=150.0),))
    keep(tmp_path, run_of(START), as_lines((faster,)))
    assert load(tmp_path).rows == (faster, OURS, THEIRS, ABSENT)
    assert load(tmp_path / "nowhere") == Results()


def test_a_step_need_not_be_run_again_by_the_same_versions_on_the_same_machine(tmp_path: Path) -> None:
    """A missed goal is a result; a failure is none, and neither is a quick run for a full one."""
    here = {"machine": "a machine", "versions": "versions"}
    for code, serves in ((0, True), (MISSED, True), (1, False), (-2, False)):
        keep(tmp_path, run_of(START, code=code), "")
        found = known(tmp_path, START)
        assert found is not None
        assert found[0].serves(quick=False, **here) is serves
    assert not run_of(START, quick=True).serves(quick=False, **here)
    assert not run_of(START).serves(quick=False, machine="a machine", versions="newer")
    assert known(tmp_path, CRASHES) is None


def test_the_picture_has_a_bar_for_each_contender_as_long_as_its_figure(tmp_path: Path) -> None:
    """The longest one fills the room; what is absent has none."""
    save(kept(tmp_path))
    picture = (tmp_path / PICTURE).read_text()
    assert picture.count("<rect") == 2
    assert 'class="own"' in picture
    assert ">2,000 ms</text>" in picture


def test_page_and_picture_are_what_the_program_makes_of_the_data(tmp_path: Path) -> None:
    """Nobody edits them by hand; where nothing was measured yet, there are none."""
    assert (HERE / DATA).exists() == (HERE / PAGE).exists() == (HERE / PICTURE).exists()
    if (HERE / DATA).exists():
        (tmp_path / DATA).symlink_to(HERE / DATA)
        save(tmp_path)
        for name in (PAGE, PICTURE):
            assert (HERE / name).read_text() == (tmp_path / name).read_text()


def test_each_file_of_results_belongs_to_a_step_of_the_plan() -> None:
    """What a step left that is no more would never be shown, nor replaced."""
    slugs = {step.slug for step in STEPS}
    assert len(slugs) == len(STEPS)
    assert {path.name.removesuffix(".jsonl") for path in (HERE / DATA).glob("*")} <= slugs


def test_a_spread_tells_median_percentile_worst_and_count() -> None:
    """Of a hundred, the 99th percentile is the last but one; a goal belongs to one of them."""
    p50, p99, worst, of = spread([float(value) for value in range(1, 101)], p99=98.0)
    assert (p50.value, p99.value, worst.value, of.value) == (50.5, 99.0, 100.0, 100)
    assert (p50.reached, p99.reached) == (None, False)
    assert exit_code() == 0, "only a row that is recorded counts"


def burdened(burden: str, *lost: int) -> list[Row]:
    """What leases of 1, 2 and 5 s lost under a burden."""
    return [
        Row("load", f"{burden}: lease {lease} s", OWN, (Figure("lost", count, "leaderships"),))
        for lease, count in zip((1, 2, 5), lost, strict=True)
    ]


def test_the_lowest_stable_lease_lost_nothing_under_any_burden_and_neither_did_a_longer_one() -> None:
    """It is made of all burdens; an absent one says nothing."""
    absent = Row("load", "1 % of packets lost", OWN, (), "absent: a network namespace needs root")
    calm, busy = burdened("disk busy", 0, 0, 0), burdened("cores busy", 3, 0, 0)
    (lowest,) = lowest_lease([*busy, *calm, absent, OURS])
    assert [str(figure) for figure in lowest.figures] == ["lease 2 s"]
    assert lowest.how == "under cores busy, disk busy; tried were 1, 2, 5 s"
    (lowest,) = lowest_lease(burdened("cores busy", 0, 0, 1))
    assert lowest.figures == ()
    assert lowest.how.startswith("none: ")
    assert lowest_lease([absent]) == []
