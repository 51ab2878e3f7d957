"""Lease files: what they say, when they are written, and that they are gone in time (rule R4)."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from leader import clock
from leader.agent.leases import Leases, Sure, clocks_agree, directory_of, own_process
from leader.errors import ConfigurationError
from leader.protocol.events import NS_PER_MS

LEASE_NS = 10_000 * NS_PER_MS
SOON_NS = 9_000 * NS_PER_MS


class Desk:
    """The lease files of one agent, and what they say."""

    def __init__(self, directory: Path, *, open_to_all: bool = True) -> None:
        self.socket = directory / "leader.sock"
        self.directory = directory_of(self.socket)
        self.leases = Leases(self.socket, "web-1", LEASE_NS, open_to_all=open_to_all)
        self.began = clock.now_ns()

    def show(self, later_ms: int = 0, *, term: int = 7, election: str = "default") -> None:
        """Show a deadline so much later than the first one."""
        self.leases.show({election: Sure(term, self.began + SOON_NS + later_ms * NS_PER_MS)})

    def words(self, election: str = "default") -> list[str]:
        """What the file of an election says; nothing if there is none."""
        file = self.directory / election
        return file.read_text().split() if file.exists() else []

    def until(self) -> int:
        """The deadline that is shown, in hundredths of a second after the first one."""
        return int(self.words()[5]) - (self.began + SOON_NS) // 10_000_000 + 1


def test_a_file_says_who_leads_what_and_for_how_long(tmp_path: Path) -> None:
    """One line, open to everybody whatever the umask; nothing else is left in the directory."""
    before = os.umask(0o077)
    try:
        desk = Desk(tmp_path)
        desk.show()
    finally:
        os.umask(before)
    form, election, term, node, since, until, pid, start = desk.words()
    assert (form, election, term, node) == ("leader-1", "default", "7", "web-1")
    assert 0 <= clock.now_ns() // 10_000_000 - int(since) < 1000
    assert int(until) == (desk.began + SOON_NS - 10 * NS_PER_MS) // 10_000_000
    assert (int(pid), f"{pid} {start}") == (os.getpid(), own_process())
    assert [path.name for path in desk.directory.iterdir()] == ["default"]
    assert desk.directory.stat().st_mode & 0o777 == 0o755
    assert (desk.directory / "default").stat().st_mode & 0o777 == 0o644


def test_the_process_is_told_as_the_kernel_tells_it() -> None:
    """Whatever the process is called: the fields are counted from behind its name."""
    code = (
        "import posix; fd = posix.open('/proc/self/comm', posix.O_WRONLY); posix.write(fd, b'a) S (b 1'); "
        "from leader.agent.leases import own_process; print(posix.getpid(), own_process())"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    pid, told, start = done.stdout.split()
    assert pid == told
    ticks = clock.now_ns() // 10_000_000
    assert 0 <= ticks - int(start) < 3000


def test_a_deadline_that_hardly_moved_is_not_written(tmp_path: Path) -> None:
    """Each instance's vote moves it a little: one file for each renewal is enough."""
    desk = Desk(tmp_path)
    desk.show()
    desk.show(999)
    assert desk.until() == 0
    desk.show(1000)
    assert desk.until() == 100


def test_an_earlier_deadline_is_written_at_once(tmp_path: Path) -> None:
    """Two names turned out to be one server: what was told is too much."""
    desk = Desk(tmp_path)
    desk.show()
    desk.show(-20)
    assert desk.until() == -2


def test_another_term_is_written_at_once(tmp_path: Path) -> None:
    """A new leadership has a file of its own."""
    desk = Desk(tmp_path)
    desk.show(term=7)
    desk.show(term=8)
    assert desk.words()[2] == "8"


def test_what_is_withdrawn_or_not_led_has_no_file(tmp_path: Path) -> None:
    """Of that election alone; and it may come back."""
    desk = Desk(tmp_path)
    desk.show()
    desk.show(election="reports")
    desk.leases.withdraw("default")
    desk.leases.withdraw("default")
    assert not desk.words()
    assert desk.words("reports")
    desk.leases.show({"reports": None, "default": None})
    assert not desk.words("reports")
    desk.show()
    assert desk.words()


def test_what_another_process_left_is_removed_at_the_start(tmp_path: Path) -> None:
    """Also of elections that are no longer configured, and what was half written."""
    desk = Desk(tmp_path)
    desk.show()
    (desk.directory / "gone").write_text("leader-1 gone")
    (desk.directory / "new~").write_text("lea")
    again = Desk(tmp_path)
    assert not list(again.directory.iterdir())
    again.show()
    assert again.words()


def test_two_agents_in_one_directory_do_not_meet(tmp_path: Path) -> None:
    """Each has files beside its own socket, and removes no other's."""
    desk = Desk(tmp_path)
    desk.show()
    other = Leases(tmp_path / "b.sock", "web-2", LEASE_NS)
    other.show({"default": Sure(9, desk.began + SOON_NS)})
    other.close()
    assert desk.words()[3] == "web-1"


def test_a_socket_that_is_closed_to_others_has_no_files(tmp_path: Path) -> None:
    """Whom it is closed to would be told here; what an agent with another mode left is removed."""
    Desk(tmp_path).show()
    desk = Desk(tmp_path, open_to_all=False)
    desk.show()
    assert not desk.words()
    assert not Desk(tmp_path / "empty", open_to_all=False).directory.exists()


@pytest.mark.parametrize("shown", ["0.00 1.00", "99999999.00 1.00", "", "soon"])
def test_a_clock_that_shells_see_otherwise_gets_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str
) -> None:
    """A container's own uptime: what a shell would compare the deadline with means nothing."""
    desk = Desk(tmp_path)
    desk.show()
    assert clocks_agree()
    uptime = tmp_path / "uptime"
    uptime.write_text(shown)
    real = os.open
    monkeypatch.setattr(
        os, "open", lambda path, *rest: real(uptime if path == "/proc/uptime" else path, *rest)
    )
    assert not clocks_agree()
    desk.show(5000)
    assert not desk.words()


@pytest.mark.parametrize(("ahead_ms", "agrees"), [(-60, False), (-5, True), (5, True), (60, False)])
def test_clocks_agree_within_two_steps(
    monkeypatch: pytest.MonkeyPatch, ahead_ms: int, *, agrees: bool
) -> None:
    """The step of what a shell reads, and as much for reading it."""
    monkeypatch.setattr(clock, "now_ns", lambda: 5_000_000_000)
    monkeypatch.setattr(clock, "uptime_ns", lambda: 5_000_000_000 + ahead_ms * NS_PER_MS)
    assert clocks_agree() is agrees


def test_what_a_shell_reads_is_the_boot_clock() -> None:
    """In steps of 10 ms."""
    before = clock.now_ns()
    assert before - 10 * NS_PER_MS <= clock.uptime_ns() <= clock.now_ns()


def failing(name: str, when: Callable[[str], bool]) -> Callable[..., object]:
    """That function of `os`, which fails for some paths as on a disk that was made read-only."""
    real = getattr(os, name)

    def fails(path: "str | Path", *arguments: object, **options: object) -> object:
        if when(str(path)):
            raise OSError(30, "Read-only file system")
        return real(path, *arguments, **options)

    return fails


def test_a_file_that_cannot_be_removed_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory is closed to the agent, and the file is not."""
    desk = Desk(tmp_path)
    desk.show()
    monkeypatch.setattr(os, "unlink", failing("unlink", lambda path: path.endswith("default")))
    desk.leases.withdraw("default")
    assert (desk.directory / "default").stat().st_size == 0


def test_a_file_that_can_be_neither_is_an_error_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked for it must not go on as if it were gone."""
    desk = Desk(tmp_path)
    desk.show()
    with monkeypatch.context() as broken:
        for name in ("unlink", "open"):
            broken.setattr(os, name, failing(name, lambda path: path.endswith("default")))
        for _ in range(2):
            with pytest.raises(OSError, match="Read-only"):
                desk.leases.withdraw("default")
        desk.leases.show({"default": None})
    assert desk.words()
    desk.leases.withdraw("default")
    assert not desk.words()


def test_files_that_cannot_be_written_are_told_once_and_say_what_they_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`is-leader` goes the longer way then; what stands there is still true."""
    desk = Desk(tmp_path)
    desk.show()
    with monkeypatch.context() as broken:
        broken.setattr(os, "write", lambda *_: 3)
        desk.show(2000)
        desk.show(4000)
    assert desk.until() == 0
    assert [path.name for path in desk.directory.iterdir()] == ["default"]
    desk.show(4000)
    assert desk.until() == 400
    (told,) = caplog.messages
    assert "cannot be kept (No space left on device), so `leader is-leader` takes longer" in told


def test_an_earlier_deadline_that_cannot_be_written_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands there would be too much."""
    desk = Desk(tmp_path)
    desk.show()
    monkeypatch.setattr(os, "write", lambda *_: 3)
    desk.show(-20)
    assert not desk.words()


@pytest.mark.needs("root")
def test_a_directory_that_another_user_made_stops_the_start(tmp_path: Path) -> None:
    """Who owns it could say that this node leads."""
    directory = directory_of(tmp_path / "leader.sock")
    directory.mkdir()
    os.chown(directory, 65534, 65534)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        Desk(tmp_path)


def test_a_place_where_no_directory_can_be_made_stops_nothing(tmp_path: Path) -> None:
    """The files only save time."""
    directory_of(tmp_path / "leader.sock").write_text("")
    desk = Desk(tmp_path)
    desk.show()
    desk.leases.close()


def test_nothing_is_left_behind_at_a_clean_end(tmp_path: Path) -> None:
    """Neither files nor their directory."""
    desk = Desk(tmp_path)
    desk.show()
    desk.leases.close()
    assert not list(tmp_path.iterdir())
