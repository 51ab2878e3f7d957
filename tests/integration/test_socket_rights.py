"""Who may ask an agent, and who may change something: by the socket's mode and group, and the kernel."""

import grp
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import PROJECT, Cluster, Ended, Node, Settings, short_directory
from tests.support.polling import PATIENCE_S, until
from tests.support.ports import fetch, free_port

pytestmark = [pytest.mark.needs("root", "setpriv"), pytest.mark.xdist_group("socket-rights")]

NOBODY = 65_534
GROUP = grp.getgrgid(1)
"""Any group that every system has: the agents' here, where nobody else is in it."""

READS = "-all,+dac_read_search"
"""What lets another user run a Python that is root's own; a socket has to be opened for writing, too."""


def asked(node: Node, *words: str, groups: str = "") -> Ended:
    """A command that nobody runs, who is in no group beside these."""
    who = [f"--reuid={NOBODY}", f"--regid={NOBODY}", f"--groups={groups}" if groups else "--clear-groups"]
    done = subprocess.run(
        ["setpriv", *who, f"--inh-caps={READS}", f"--ambient-caps={READS}", *node.command(*words)],
        env=node.places(),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def node(quorum: EmbeddedQuorum) -> Iterator[Node]:
    """A node that leads, whose agent's group is one that nobody is in."""
    settings = Settings(quorum.urls, more=f'[api]\ngroup = "{GROUP.gr_name}"')
    with short_directory() as directory:
        directory.chmod(0o755)
        with Cluster(directory, settings, "a") as cluster:
            yield cluster.wait_for_leader()


def reload(node: Node, settings: Settings) -> None:
    """Let the agent read a changed file."""
    count = node.log().count("agent re-executes")
    node.configure(settings)
    node.signal(signal.SIGHUP)
    until(lambda: node.log().count("agent re-executes") > count and node.leads(), "it has reloaded")


def test_any_user_may_ask_and_only_the_group_may_change_something(node: Node) -> None:
    """By the default mode; a refusal is one sentence, with what to do."""
    assert rights(node) == (0o666, 0, GROUP.gr_gid)
    assert asked(node, "is-leader") == Ended(0, "")
    for words in ("status", "history"):
        ended = asked(node, *words.split())
        assert (ended.code, ended.complaint) == (0, ""), words
    for words in ("pause", "step-down", "once report -- /bin/true"):
        ended = asked(node, *words.split())
        assert ended.code != 0
        assert ended.complaint.count("\n") == 1, ended.complaint
        assert f"put it in the group {GROUP.gr_name}: adduser nobody {GROUP.gr_name}" in ended.complaint
    assert node.leads()
    assert asked(node, "pause", "--reason", "test", groups=GROUP.gr_name).code == 0
    assert asked(node, "resume", groups=GROUP.gr_name).code == 0
    until(node.leads, "it leads again")


def test_a_mode_without_others_leaves_the_group_alone_to_ask(node: Node) -> None:
    """From the next reload on: the socket is the group's, so who is in it may ask and change."""
    before = node.settings
    reload(node, replace(before, more=f'{before.more}\nsocket_mode = "0660"'))
    try:
        assert rights(node) == (0o660, 0, GROUP.gr_gid)
        ended = asked(node, "is-leader")
        assert ended.code == 3
        assert "this user may not open" in ended.complaint
        assert "[api] socket_mode" in ended.complaint
        assert asked(node, "is-leader", groups=GROUP.gr_name).code == 0
    finally:
        reload(node, before)
    assert rights(node) == (0o666, 0, GROUP.gr_gid)


def test_nothing_can_be_changed_over_tcp_not_even_by_root(node: Node) -> None:
    """Nobody can tell who asks there."""
    before, port = node.settings, free_port()
    reload(node, replace(before, more=f'{before.more}\nlisten = "127.0.0.1:{port}"'))
    try:
        assert os.geteuid() == 0
        assert fetch(port, "/leader").status == 200
        for path in ("/v1/pause", "/v1/resume", "/v1/elections/default/step-down", "/v1/jobs/x/claim"):
            assert fetch(port, path, "POST", body=b"{}").status == 405
        assert node.status()["pause"] is None
        assert node.leads()
    finally:
        reload(node, before)


@pytest.mark.parametrize("mode", ["0666", "0660"])
def test_a_socket_that_somebody_removed_is_told_at_a_reload(node: Node, mode: str) -> None:
    """The agent goes on; whoever asks finds it again after a restart."""
    before, starts = node.settings, node.log().count("agent starts")
    told = node.log().count(f"the rights of {node.socket} stay as they were")
    node.socket.unlink()
    node.configure(replace(before, more=f'{before.more}\nsocket_mode = "{mode}"'))
    node.signal(signal.SIGHUP)
    until(lambda: node.log().count("agent starts") > starts, "it goes on")
    assert node.log().count(f"the rights of {node.socket} stay as they were") > told
    node.stop()
    node.configure(before)
    node.start()
    until(node.leads, "it leads again")


def rights(node: Node) -> tuple[int, int, int]:
    """The socket's mode, owner and group."""
    found = node.socket.lstat()
    return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid
