"""Links that another user has planted where the agent writes: what they point at stays as it is."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from leader.agent.annals import Annals
from leader.agent.pause import Pause, PauseStore
from leader.agent.store import TermStore, make_directory
from leader.api.binding import bind_socket
from leader.errors import ConfigurationError, LeaderError, Refused
from leader.files import check_place, open_own, replace
from leader.instances.dev import locked
from leader.jobs.term_file import TermFile
from leader.lock import Lock
from tests.support.lone import lone
from tests.support.node import Settings

NOBODY = 65_534
PRECIOUS = "root's own\n"
AS_ROOT = pytest.mark.needs("root")


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A file that must not be touched."""
    file = tmp_path / "precious"
    file.write_text(PRECIOUS)
    file.chmod(0o600)
    return file


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory where links are planted."""
    directory = tmp_path / "place"
    directory.mkdir()
    return directory


def is_untouched(precious: Path) -> bool:
    """Whether the file is what it was, with the mode that it had."""
    return precious.read_text() == PRECIOUS and stat.S_IMODE(precious.stat().st_mode) == 0o600


WRITERS: dict[str, Callable[[Path], object]] = {
    "terms.new": lambda place: TermStore(place, "c").save("e", 7),
    "pause.new": lambda place: PauseStore(place).save(Pause("r", "me", 0, None)),
    "holders.new": lambda place: replace(place / "holders.json", "{}", durably=False),
    "history.new": lambda place: replace(place / "history.jsonl", "", durably=True),
    ".new": lambda place: bind_socket(place / "s").close(),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("kind", ["link", "hard link"])
def test_a_link_in_the_place_of_a_temporary_file_is_taken_away(
    place: Path, precious: Path, name: str, kind: str
) -> None:
    """The file is written all the same, under a name that was made for it."""
    planted = place / name
    planted.symlink_to(precious) if kind == "link" else planted.hardlink_to(precious)
    WRITERS[name](place)
    assert is_untouched(precious)
    assert not planted.exists()


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe"])
def test_a_lock_is_no_link_and_no_pipe(place: Path, precious: Path, kind: str) -> None:
    """The process id would be written over what it points at."""
    planted = place / "lock"
    if kind == "pipe":
        os.mkfifo(planted)
    else:
        planted.symlink_to(precious) if kind == "link" else planted.hardlink_to(precious)
    with pytest.raises(Refused, match=r"the lock .*/lock cannot be opened"):
        Lock(place)
    assert is_untouched(precious)


def test_history_is_not_appended_to_what_a_link_points_at(place: Path, precious: Path) -> None:
    """The history is lost, and the agent goes on."""
    (place / "history.jsonl").symlink_to(precious)
    annals = Annals(place)
    annals.add({"line": "leadership"})
    annals.close()
    assert is_untouched(precious)


@AS_ROOT
def test_a_fence_does_not_follow_a_link_of_another_user(place: Path, precious: Path) -> None:
    """It would make a file, or read one, where that user likes; a link of one's own is followed."""
    planted = place / "term"
    planted.symlink_to(place / "elsewhere")
    os.lchown(planted, NOBODY, NOBODY)
    with pytest.raises(Refused, match="is a link that another user has made"):
        TermFile(str(planted))
    assert not (place / "elsewhere").exists()
    os.lchown(planted, 0, 0)
    TermFile(str(planted)).admit(7)
    assert (place / "elsewhere").read_text() == "7\n"
    assert is_untouched(precious)


def test_a_file_of_ones_own_is_opened_again(place: Path) -> None:
    """Only links are refused."""
    for _ in range(2):
        os.close(open_own(place / "file", os.O_RDWR | os.O_CREAT))


@AS_ROOT
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda place: os.chown(place, NOBODY, NOBODY), "belongs to another user"),
        (lambda place: place.chmod(0o777), "everybody may write to"),
        (lambda place: place.chmod(0o1777), "everybody may write to"),
    ],
    ids=["another user's", "everybody's", "everybody's, sticky"],
)
def test_a_directory_where_others_decide_what_stands_in_it_is_78_with_one_sentence(
    spoil: Callable[[Path], None], words: str
) -> None:
    """They could put a file of holders there that makes this agent lead."""
    with lone(Settings(["redis://10.0.0.1:6379"])) as node:
        node.state.mkdir()
        spoil(node.state)
        ended = node.run_agent()
    assert ended.code == ConfigurationError.exit_code
    assert words in ended.complaint
    assert "Traceback" not in ended.complaint


@AS_ROOT
def test_a_directory_that_is_another_users_link_is_refused(place: Path) -> None:
    """As `/tmp/leader-dev-0` may be, for `leader agent --dev`."""
    planted = place / "dev"
    planted.symlink_to(place)
    os.lchown(planted, NOBODY, NOBODY)
    for use in (check_place, lambda path: make_directory(path, 0o755), _use_dev):
        with pytest.raises(LeaderError, match="another user"):
            use(planted)


def _use_dev(directory: Path) -> None:
    with locked(directory):
        pass


@pytest.mark.parametrize("mode", [0o666, 0o660, 0o600])
def test_a_socket_has_its_mode_from_the_first_moment(place: Path, mode: int) -> None:
    """Nothing is set by name afterwards."""
    bind_socket(place / "s", mode).close()
    assert stat.S_IMODE((place / "s").stat().st_mode) == mode
