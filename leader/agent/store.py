"""What an agent keeps on disk: the highest terms (R9), and the holders that a restart may resume (R5).

Terms stand in the state directory and are durable before anyone acts on them. Holders stand in the
runtime directory, which a reboot empties. Knows files only: what they mean is the protocol's business.
"""

import json
import os
from pathlib import Path

from leader.agent.slots import Slots
from leader.errors import ConfigurationError, TermNotSaved
from leader.files import check_place
from leader.protocol import resume
from leader.protocol.record import LARGEST_TERM, Holder

TERMS_FILE = "terms.json"
HOLDERS_FILE = "holders.json"


def make_directory(path: Path, mode: int) -> None:
    """Make a directory of the agent's, with this mode whatever the umask; one that is there stays as it is.

    Raises:
        ConfigurationError: it cannot be made, or others decide what stands in it.
    """
    try:
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(mode)
    except OSError as error:
        message = f"the directory {path} cannot be made ({error.strerror}): make it, or choose another one"
        raise ConfigurationError(message) from error
    check_place(path)


class TermStore:
    """The highest term ever seen, by cluster and election, in the state directory."""

    def __init__(self, directory: Path, cluster: str) -> None:
        self._path = directory / TERMS_FILE
        self._slots = Slots(self._path, durably=True)
        self._cluster = cluster
        self._all = self._read()

    def _read(self) -> dict[str, dict[str, int]]:
        try:
            terms = json.loads(self._slots.read())
            return {str(c): {str(e): _term(t) for e, t in es.items()} for c, es in terms.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            message = (
                f"{self._path} cannot be read ({error}): it keeps the highest terms, so put it back from a "
                "backup, or, if every instance still has its data, remove it"
            )
            raise ConfigurationError(message) from error

    def highest(self, election: str) -> int:
        """The highest term on disk for this election; 0 if none is."""
        return self._all.get(self._cluster, {}).get(election, 0)

    def save(self, election: str, term: int) -> None:
        """Return when this term, or a higher one, is durable.

        Raises:
            TermNotSaved: the disk is full or read-only; what was saved before is still there.
        """
        if term <= self.highest(election):
            return
        terms = {cluster: dict(elections) for cluster, elections in self._all.items()}
        terms.setdefault(self._cluster, {})[election] = term
        try:
            self._slots.write(json.dumps(terms))
        except OSError as error:
            message = (
                f"{self._path} cannot be written ({error.strerror}), so this node claims no leadership: "
                "make room or make it writable"
            )
            raise TermNotSaved(message) from error
        self._all = terms


def _term(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value <= LARGEST_TERM:
        message = f"{value!r} is not a term"
        raise ValueError(message)
    return value


class HolderStore:
    """The file of holders in the runtime directory, whose lock the caller has."""

    def __init__(self, directory: Path, place: resume.Place) -> None:
        self._path = directory / HOLDERS_FILE
        self._slots = Slots(self._path, durably=False)
        self._place = place
        self._holders: dict[str, tuple[Holder, ...]] = {}

    def load(self) -> dict[str, tuple[Holder, ...]]:
        """Return the holders that may be resumed, by election; a file from elsewhere is deleted unread.

        Raises:
            ConfigurationError: the file is there, and the system does not let this user read or delete it.
        """
        try:
            return self._load()
        except OSError as error:
            raise ConfigurationError(
                f"{self._path} cannot be read ({error.strerror}): it names what this node held; "
                "run the agent as the user that owns it, or remove it"
            ) from error

    def _load(self) -> dict[str, tuple[Holder, ...]]:
        try:
            text = self._slots.read()
        except FileNotFoundError:
            text = ""
        except UnicodeDecodeError:
            text = "not ours"
        self._holders = resume.resumable(text, self._place)
        if text and not self._holders:
            self._path.unlink(missing_ok=True)
        return dict(self._holders)

    def save(self, election: str, holders: tuple[Holder, ...]) -> None:
        """Rewrite the file: this election has these holders from now on, or none.

        Raises:
            OSError: the file could not be rewritten; it says what it said before.
        """
        holders_now = {**self._holders, election: holders}
        self._slots.write(resume.write(self._place, holders_now))
        self._holders = holders_now


def boot_id() -> str:
    """Which boot of this machine it is; empty where the kernel does not tell, so that nothing is resumed."""
    return _first_line(Path("/proc/sys/kernel/random/boot_id"))


def machine_id() -> str:
    """Which machine this is."""
    return _first_line(Path("/etc/machine-id")) or os.uname().nodename


def directory_id(path: Path) -> str:
    """Which directory this is: a copy of it is another one."""
    status = path.stat()
    return f"{status.st_dev}:{status.st_ino}"


def _first_line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
