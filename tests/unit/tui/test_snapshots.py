"""What `leader status` prints in every situation, at three widths and piped, as it was recorded.

`LEADER_TEST_REWRITE=1` records it anew; read the difference before you keep it.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from leader.cli.output import plain
from leader.tui.election import explanation
from leader.tui.status import overview
from leader.tui.table import Part
from tests.unit.tui import examples
from tests.unit.tui.examples import CLUSTER, DEFAULT, PAST

SNAPSHOTS = Path(__file__).parent / "snapshots"
WIDTHS = (60, 80, 160, None)
LEADING = replace(PAST[0], election="reports", node="web-2")
PAGES: dict[str, Callable[[], list[Part]]] = {
    "healthy": lambda: overview(examples.HEALTHY),
    "instance-down": lambda: overview(CLUSTER),
    "no-majority": lambda: overview(examples.NO_MAJORITY),
    "paused": lambda: overview(examples.PAUSED),
    "unfit": lambda: overview(examples.UNFIT),
    "nobody-leads": lambda: overview(examples.VACANT),
    "fifty-elections": lambda: overview(examples.large(50, 20)),
    "explained-candidate": lambda: explanation(CLUSTER, DEFAULT, PAST),
    "explained-leader": lambda: explanation(examples.HEALTHY, examples.HEALTHY.elections[2], [LEADING]),
    "explained-paused": lambda: explanation(examples.PAUSED, examples.PAUSED.elections[0], PAST),
    "explained-no-majority": lambda: explanation(examples.NO_MAJORITY, examples.NO_MAJORITY.elections[0]),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_looks_as_it_was_recorded(name: str) -> None:
    """At each width, and no line is longer than that."""
    path, parts = SNAPSHOTS / f"{name}.txt", PAGES[name]()
    text = ""
    for width in WIDTHS:
        page = plain(*parts, width=width)
        assert width is None or all(len(line) <= width for line in page.splitlines())
        text += f"=== {f'{width} columns' if width else 'piped'}\n\n{page}\n"
    if os.environ.get("LEADER_TEST_REWRITE"):
        path.write_text(text)
    assert text == path.read_text()


def test_no_snapshot_is_of_a_page_that_is_gone() -> None:
    """Each file belongs to a page."""
    assert {path.stem for path in SNAPSHOTS.glob("*.txt")} == set(PAGES)
