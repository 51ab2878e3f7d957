"""Directories that are full, damaged or read-only: nothing unsafe is done, nothing held is lost."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import LEASE_S, Ended, Node, Settings, term_of
from tests.support.lone import lone, only_sentence
from tests.support.polling import always, until

pytestmark = pytest.mark.xdist_group("bad-disk")
BAD_CONFIGURATION, UNKNOWN = 78, 3


ON_A_BAD_DISK = """
import errno, os, sys, threading
directory = sys.argv.pop(1)
def spoiled(real):
    def sync(descriptor):
        if os.path.exists(directory + "/full"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if os.path.exists(directory + "/hung"):
            threading.Event().wait()
        real(descriptor)
    return sync
os.fsync, os.fdatasync = spoiled(os.fsync), spoiled(os.fdatasync)
from leader.__main__ import main
main()
"""


def put_on_a_bad_disk(monkeypatch: pytest.MonkeyPatch, node: Node) -> None:
    """The agent's disk is full, or hangs, as long as there is a file that says so: see `spoil`."""
    start = [sys.executable, "-c", ON_A_BAD_DISK, str(node.directory)]
    monkeypatch.setattr(node, "command", lambda *words: [*start, *words])


def spoil(node: Node, how: str) -> Path:
    """Let the node's disk be full, or hang, from now on; return what to remove to mend it."""
    obstacle = node.directory / how
    obstacle.touch()
    return obstacle


def test_a_full_disk_keeps_a_node_from_claiming_and_not_from_running(
    shared_tcp: EmbeddedQuorum, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A term that is not on disk is not claimed (R9): one line says so; with room again, the node leads."""
    settings = Settings(shared_tcp.urls, elections={"full": 100})
    with lone(settings) as node:
        put_on_a_bad_disk(monkeypatch, node)
        obstacle = spoil(node, "full")
        node.start()
        until(lambda: "terms.json cannot be written" in node.log(), "the log says so")
        always(lambda: not node.leads("full"), "it does not lead", LEASE_S)
        assert node.run("is-leader", "full").code == 1
        told = [line for line in node.log().splitlines() if "cannot be written" in line]
        assert len(told) == 1
        assert "No space left on device" in told[0]
        assert "make room" in told[0]
        obstacle.unlink()
        until(lambda: node.leads("full"), "it leads")


def test_a_disk_that_fills_up_does_not_end_a_leadership(
    shared_tcp: EmbeddedQuorum, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held goes on being renewed; only new claims need the disk."""
    with lone(Settings(shared_tcp.urls, elections={"filling": 100})) as node:
        put_on_a_bad_disk(monkeypatch, node)
        node.start()
        until(lambda: node.leads("filling"), "it leads")
        term = term_of(node, "filling")
        spoil(node, "full")
        always(lambda: node.leads("filling"), "it leads", LEASE_S * 1.5)
        assert term_of(node, "filling") == term


def test_a_hung_disk_keeps_a_node_from_claiming_and_from_nothing_else(
    shared_tcp: EmbeddedQuorum, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that never ends holds up neither the answers, nor a reload, nor the end of the agent."""
    with lone(Settings(shared_tcp.urls, elections={"hung": 100})) as node:
        put_on_a_bad_disk(monkeypatch, node)
        spoil(node, "hung")
        node.start()
        until(lambda: "the state directory cannot be written" in node.reason("hung"), "status says so")
        assert node.run("is-leader", "hung").code == 1
        node.signal(signal.SIGHUP)
        until(lambda: node.log().count("agent starts") == 2, "it takes its own place")
        until(node.answers, "it answers")
        assert node.stop() == 0


def test_a_damaged_file_of_terms_is_78_and_stays_as_it_is(shared_tcp: EmbeddedQuorum) -> None:
    """The highest terms are not guessed: the sentence says what to do, and nothing is overwritten."""
    with lone(Settings(shared_tcp.urls)) as node:
        for text in ("{", "[]", '{"test": {"default": "many"}}', '{"test": 3}', '{"test": {"default": -1}}'):
            node.state.mkdir(exist_ok=True)
            (node.state / "terms.json").write_text(text)
            ended = node.run_agent()
            assert ended.code == BAD_CONFIGURATION, text
            assert "put it back from a backup" in only_sentence(ended)
            assert (node.state / "terms.json").read_text() == text


@pytest.mark.needs("root", "unshare", "mount")
def test_a_read_only_state_directory_is_one_sentence(shared_tcp: EmbeddedQuorum) -> None:
    """The agent cannot lock it, so it does not start, and says so."""
    with lone(Settings(shared_tcp.urls)) as node:
        node.state.mkdir()
        script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
        command = node.command("agent", "--config", str(node.config))
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", str(node.state), *command],
            env=node.places(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode not in {0, UNKNOWN}
    sentence = only_sentence(Ended(done.returncode, done.stdout, done.stderr))
    assert "Read-only file system" in sentence
    assert str(node.state) in sentence


@pytest.mark.needs("root", "unshare", "mount")
def test_a_full_file_system_of_the_state_directory_is_told(shared_tcp: EmbeddedQuorum) -> None:
    """As above, with a real file system that is full: the agent runs, answers, and does not claim."""
    with lone(Settings(shared_tcp.urls, elections={"tiny": 100})) as node:
        node.state.mkdir()
        script = (
            'mount -t tmpfs -o size=16k,mode=755 tmpfs "$1" && touch "$1/lock" && '
            '{ dd if=/dev/zero of="$1/filler" bs=4k count=99 2>/dev/null; shift; exec "$@"; }'
        )
        command = node.command("agent", "--config", str(node.config))
        with node.log_file.open("wb") as log:
            node.process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", script, "sh", str(node.state), *command],
                env=node.places(),
                stdout=log,
                stderr=log,
                process_group=node._group.id,
            )
        until(lambda: "No space left on device" in node.log(), "the log says so")
        assert node.run("is-leader", "tiny").code == 1
        assert node.stop() == 0


def test_a_runtime_directory_that_fills_up_ends_nothing(shared_tcp: EmbeddedQuorum) -> None:
    """The file of holders cannot be written: no resume after a restart, and the leadership goes on."""
    with lone(Settings(shared_tcp.urls, elections={"runtime": 100})) as node:
        (node.directory / "holders.new").mkdir()
        node.start()
        until(lambda: node.leads("runtime"), "it leads")
        assert "the file of holders cannot be written" in node.log()
        always(lambda: node.leads("runtime"), "it leads", LEASE_S)
