"""The README's five minutes, word by word: from three bare nodes to a crontab that runs on one of them."""

import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leader.clock import now_ns
from tests.e2e.installed import install
from tests.support.agents import PROJECT, short_directory
from tests.support.polling import until
from tests.support.shell import Answer, Shell, network, shells

pytestmark = [
    pytest.mark.needs("root", "unshare", "nsenter", "ip", "redis-server"),
    pytest.mark.xdist_group("five-minutes"),
    pytest.mark.timeout(240),
]
HEADING = "## Five minutes to a guarded crontab\n"
INSTEAD = {
    "python3 -m venv /opt/leader": "the test brings an environment with the wheel of this tree",
    "/opt/leader/bin/pip install .": "it fetches what leader needs from a registry, which tests do without",
}
"""What is not typed, and why."""
ADDRESSES = ("10.0.0.11", "10.0.1.11", "10.0.2.11")
LINE = '"$(sed "s/^.* root *//" /etc/cron.d/report)"'
AS_CRON = f"env -i HOME=/root SHELL=/bin/sh PATH=/usr/bin:/bin /bin/sh -c {LINE}"
"""The line as cron runs it, without waiting for the minute."""
A_MINUTE_AND_MORE_S = 130.0
NO_JOBS = (
    "rm -rf /etc/cron.d/* /var/spool/cron/crontabs; mkdir -m 1730 /var/spool/cron/crontabs; : > /etc/crontab"
)
"""The machine of the tests has its own crontabs, which are no business of the nodes'."""
CLONE = """
export PIP_NO_INDEX=1 PIP_FIND_LINKS={wheels}
mkdir /opt/here
cd /opt/here
git clone --quiet {project} leader
cd leader
"""


def blocks() -> list[str]:
    """The blocks of commands under the heading, in their order."""
    text = (PROJECT / "README.md").read_text().partition(HEADING)[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def typed(block: str) -> str:
    """A block without what is not typed."""
    return "".join(line for line in block.splitlines(True) if line.rstrip() not in INSTEAD)


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    """An environment with the wheel in it, where what leader needs is found beside."""
    with short_directory() as directory:
        programs = install(directory)
        (site,) = programs.parent.glob("lib/python*/site-packages")
        (site / "beside.pth").write_text(sysconfig.get_path("purelib", vars={"base": sys.prefix}))
        yield programs


@pytest.fixture
def nodes(programs: Path, tmp_path: Path) -> Iterator[list[Shell]]:
    """Three machines with nothing of leader's but the environment in /opt/leader, in an empty directory."""
    with network(ADDRESSES) as keeper, shells(keeper, ["web-1", "web-2", "web-3"], tmp_path) as found:
        for node in found:
            node.run(f"mkdir /opt/leader; mount --bind {programs.parent} /opt/leader")
        yield found


def everywhere(nodes: list[Shell], block: str) -> list[Answer]:
    """What each node says to a block, typed on all of them."""
    for node in nodes:
        node.begin(block)
    return [node.end() for node in nodes]


def runs_of(nodes: list[Shell]) -> list[str]:
    """The nodes where the job has run by now."""
    return [node.name for node in nodes if not node.run("test -s /var/tmp/report").code]


def test_the_five_minutes_end_with_a_job_that_runs_on_one_node(nodes: list[Shell]) -> None:
    """Each block says what it should, the line runs on the leader alone, and on another one afterwards."""
    servers, installing, configuring, starting, asking, guarding, handing_over = blocks()
    for node, address in zip(nodes, ADDRESSES, strict=True):
        assert node.run(servers.replace(ADDRESSES[0], address)).code == 0
    assert all(answer.code == 0 for answer in everywhere(nodes, typed(installing)))
    for said, code in everywhere(nodes, configuring):
        assert (": good: cluster prod" in said, "warning" in said, code) == (True, False, 0)
    everywhere(nodes, starting)
    asked = nodes[0].run(asking)
    assert "3 of 3 instances" in asked.said, asked.said
    assert "CRITICAL" not in asked.said
    assert asked.code in (0, 1)
    guard, look = guarding.splitlines()
    everywhere(nodes, guard)
    assert re.search(r"Checked: .*; crontab /etc/cron.d/report", looked := nodes[0].run(look).said)
    assert "crontab-" not in looked

    everywhere(nodes, AS_CRON)
    (leader,) = (node for node in nodes if node.name in runs_of(nodes))
    assert leader.run("leader is-leader --verbose").code == 0
    leader.run("kill %1; wait %1")
    others = [node for node in nodes if node is not leader]
    until(lambda: everywhere(others, AS_CRON) and runs_of(others), "the job runs on another node")
    (follower,) = (node for node in others if node.name in runs_of(others))
    answer = follower.run(handing_over)
    assert answer.code == 0
    assert f"{follower.name} has stepped down from default" in answer.said


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """What `pip install .` fetches, for nodes have no network but their own: from a registry, once."""
    pip = [sys.executable, "-m", "pip", "--python", "/usr/bin/python3", "--quiet", "wheel"]
    told = [*pip, "--wheel-dir", str(tmp_path), str(PROJECT), "hatchling"]
    done = subprocess.run(told, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return tmp_path


@pytest.mark.slow
@pytest.mark.needs("git", "cron")
@pytest.mark.timeout(900)
def test_a_newcomer_gets_from_a_clone_to_a_job_of_cron(
    wheels: Path, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    """Every word is typed, also those that install; real cron runs the job, on one node. It is timed."""
    servers, installing, configuring, starting, asking, guarding, _ = blocks()
    with network(ADDRESSES) as keeper, shells(keeper, ["web-1", "web-2", "web-3"], tmp_path) as nodes:
        began = now_ns()
        everywhere(nodes, NO_JOBS + CLONE.format(wheels=wheels, project=PROJECT))
        for node, address in zip(nodes, ADDRESSES, strict=True):
            assert node.run(servers.replace(ADDRESSES[0], address)).code == 0
        for block in (installing, configuring, starting):
            answers = everywhere(nodes, f"set -e\n{block}\nset +e")
            assert [answer.code for answer in answers] == [0, 0, 0], answers
        assert "CRITICAL" not in nodes[0].run(asking).said
        everywhere(nodes, f"{guarding}\ncron")
        guarded = now_ns()
        (first,) = until(lambda: runs_of(nodes), "cron has run the job on a node", A_MINUTE_AND_MORE_S)
        spent = [round((moment - began) / 1e9) for moment in (guarded, now_ns())]
        figures(
            "from git clone to a guarded crontab on three nodes: {} s, to its first run: {} s".format(*spent)
        )
        (leader,) = [node for node in nodes if node.run("leader is-leader").code == 0]
        assert leader.name == first
