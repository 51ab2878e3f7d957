"""The systemd units of the examples: sound as systemd reads them, and right in what they start.

systemd itself does not run here. What it would start is started as it would: the condition first.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.examples.as_told import shell
from tests.examples.site import Site
from tests.support.agents import Cluster, Ended, Node
from tests.support.examples import example

pytestmark = [
    pytest.mark.xdist_group("examples"),
    pytest.mark.needs("initdb", "postgres", "psql", "setpriv", "import:aiosmtpd"),
]
UNITS = [
    "systemd/health-check.service",
    "systemd/health-check.timer",
    "systemd/report.service",
    "systemd/report.timer",
]
SKIPS = range(1, 255)
"""Codes of a condition for which the unit is skipped and has not failed. Source: systemd.service(5)."""


def settings(path: str) -> dict[str, str]:
    """What a unit says, by key."""
    lines = [line for line in example(path).read_text().splitlines() if "=" in line and line[0] != "#"]
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


@pytest.mark.needs("systemd-analyze")
def test_systemd_has_no_objection(tmp_path: Path) -> None:
    """In a root of its own, in which there is what they start; whatever it says would be a complaint."""
    shutil.copytree("/lib/systemd/system", tmp_path / "usr/lib/systemd/system", symlinks=True)
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for path in UNITS:
        shutil.copy(example(path), units)
    for program in ("usr/bin/leader", "usr/local/bin/health-check.py"):
        file = tmp_path / program
        file.parent.mkdir(parents=True)
        file.touch(0o755)
    command = [
        "systemd-analyze",
        "verify",
        "--man=no",
        f"--root={tmp_path}",
        *(Path(path).name for path in UNITS),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_timer_ticks_at_the_same_moment_on_all_nodes() -> None:
    """Within a second, and none makes up for a tick later, which would be another one."""
    for path in UNITS[1::2]:
        said = settings(path)
        assert said["AccuracySec"] == "1s"
        assert not {"Persistent", "RandomizedDelaySec", "OnBootSec", "OnUnitActiveSec"} & said.keys()


def test_the_condition_lets_the_leader_alone_do_the_health_check(
    agents: Cluster, leader: Node, place: Site
) -> None:
    """Elsewhere its code is one for which systemd skips the unit; also where the agent is down."""
    said = settings("systemd/health-check.service")
    condition = said["ExecCondition"].removeprefix("/usr/bin/")
    follower = agents.others(leader)[0]
    assert shell(leader, condition) == Ended(0, "")
    assert shell(follower, condition).code in SKIPS
    follower.stop()
    assert shell(follower, condition).code in SKIPS
    start = place.of_this_site(said["ExecStart"]).replace("https://www.example.org/healthz", place.web.url)
    assert shell(leader, start) == Ended(0, "")


def test_the_report_is_started_on_one_node(agents: Cluster, leader: Node, place: Site) -> None:
    """Its service calls `leader once` on each."""
    place.make_ready("systemd")
    start = place.of_this_site(settings("systemd/report.service")["ExecStart"]).removeprefix("/usr/bin/")
    start = start.replace("once report", "once report-of-systemd")
    nodes = [leader, *agents.others(leader)]
    assert [shell(node, start) for node in nodes] == [Ended(0, "")] * 2
    (entry,) = leader.client(5).jobs("report-of-systemd")
    assert [(run["node"], run["state"]) for run in entry["runs"]] == [(leader.name, "done")]  # type: ignore[attr-defined]
