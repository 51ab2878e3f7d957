"""anacron, for real, with the anacrontab of the examples: what is due is done by whoever leads, once."""

import subprocess
import time
from pathlib import Path

import pytest

from leader.clock import wall_ms
from tests.examples.as_told import environment_of, line_of, shell
from tests.examples.site import Site
from tests.support.agents import Cluster, Ended, Node
from tests.support.examples import example
from tests.support.polling import PATIENCE_S, until

pytestmark = [
    pytest.mark.xdist_group("examples"),
    pytest.mark.needs("anacron", "initdb", "postgres", "psql", "setpriv", "import:aiosmtpd"),
]
ANACRONTAB = "anacron/anacrontab"
LONG_AGO = "20200101\n"


@pytest.fixture
def spool(tmp_path: Path, place: Site) -> Path:
    """Where anacron keeps the dates of this test; there is something to do for each job."""
    place.make_ready("anacron")
    made = tmp_path / "spool"
    made.mkdir()
    return made


@pytest.fixture
def line(tmp_path: Path, place: Site, spool: Path) -> str:
    """The line of the header, without the minutes that anacron waits before each job (`-n`)."""
    table = tmp_path / "anacrontab"
    table.write_text(place.of_this_site(example(ANACRONTAB).read_text()))
    words = {f"examples/{ANACRONTAB}": table, "SPOOL": spool, "anacron -d": "anacron -n -d"}
    return line_of(ANACRONTAB, words).replace("'anacron -n -d'", "anacron -n -d")


def test_what_is_due_is_done_by_the_leader_and_not_again_by_the_next_one(
    agents: Cluster, leader: Node, place: Site, spool: Path, line: str
) -> None:
    """The spool is shared: as long as it is the same day nobody does it again, whoever leads."""
    follower = agents.others(leader)[0]
    assert shell(follower, line) == Ended(1, "")
    assert not list(spool.iterdir())
    assert shell(leader, line) == Ended(0, "")
    assert dates(spool) == dict.fromkeys(("archive", "report", "roll-up"), today())
    report = yesterdays_report(place)
    report.unlink()
    leader.stop()
    second = agents.wait_for_leader(other_than=leader)
    assert shell(second, line) == Ended(0, "")
    assert not report.exists()
    (spool / "report").write_text(LONG_AGO)
    assert shell(second, line) == Ended(0, "")
    assert report.exists()
    assert dates(spool)["report"] == today()


def test_a_job_that_was_stopped_is_begun_again_by_the_next_leader(
    agents: Cluster, leader: Node, place: Site, spool: Path, line: str, tmp_path: Path
) -> None:
    """It ends with the leadership, in the middle of its job, so the date is not written down."""
    began = tmp_path / "began"
    script = place.scripts / "report.sh"
    text = script.read_text()
    script.write_text(f"#!/bin/sh\necho >{began}\nexec sleep 1000\n")
    with subprocess.Popen(["sh", "-c", line], env=environment_of(leader)) as running:
        until(began.exists, "the job runs")
        script.write_text(text)
        leader.stop()
        assert running.wait(PATIENCE_S) == 75
    assert dates(spool).get("report", "") == ""
    second = agents.wait_for_leader(other_than=leader)
    assert shell(second, line) == Ended(0, "")
    assert dates(spool)["report"] == today()


def dates(spool: Path) -> dict[str, str]:
    """By job, the date that anacron has written down."""
    return {file.name: file.read_text() for file in spool.iterdir()}


def today() -> str:
    """As anacron writes it."""
    return time.strftime("%Y%m%d\n", time.localtime(wall_ms() / 1000))


def yesterdays_report(place: Site) -> Path:
    """The one that was written last."""
    return max((place.shared / "reports").iterdir(), key=lambda file: file.stat().st_mtime)
