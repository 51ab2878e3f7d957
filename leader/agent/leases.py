"""Until when does this node surely lead? Told in files, to those who ask faster than a socket answers.

The command `leader is-leader` (`packaging/bin/leader`) reads them in the shell, and says yes, or asks the
agent; it never says no by them. There is one for each election that this node leads,
`<socket>.leases/<election>`, with one line:

    leader-1 ELECTION TERM NODE SINCE UNTIL PID START

SINCE is when it was written, and UNTIL the deadline less 10 ms: hundredths of a second on the boot clock, as
`/proc/uptime` has it. PID and START are the agent's, fields 1 and 22 of `/proc/PID/stat`. It is a yes if all
this holds:

- It has this format, and is of the election that was asked about.
- Process PID is there, is no zombie, and began at START. So the agent that wrote it runs, and the reader has
  the agent's processes and its boot clock: in a container with others, another process has that id or none,
  and where the boot clock counts from elsewhere, START differs.
- SINCE <= uptime < UNTIL. An uptime before SINCE is made up, as lxcfs does for its containers.
- After that, its name still leads to the file that was read, and it is not empty. A file is never changed: it
  is replaced or removed, or emptied if it cannot be removed.

It is removed before what it tells of may be released (rule R4), and who cannot remove it does not release.
Nothing here decides who leads, or until when: the elector computes it each time (rule R6).
"""

import contextlib
import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leader import clock
from leader.agent.logs import log
from leader.files import check_place
from leader.protocol.events import NS_PER_MS, Instant

FORMAT = "leader-1"
SUFFIX = ".leases"
MODE, DIRECTORY_MODE = 0o644, 0o755
NEW = "new~"
"""No election is called so."""

TICK_NS = 10 * NS_PER_MS
"""The step of `/proc/uptime`."""
MARGIN_NS = 10 * NS_PER_MS
"""What a reader must have left at least when it looks at the clock."""
DRIFT_NS = 20 * NS_PER_MS
"""How far `/proc/uptime` may be from the boot clock: its step, and how long it takes to read both."""
SPARED_SHARE = 10
"""A deadline that is later by less than this part of the lease is not worth a file."""


@dataclass(frozen=True, slots=True)
class Sure:
    """This node leads with this term, surely until then."""

    term: int
    until: Instant


class Leases:
    """The lease files of the agent that listens at one socket, and has its lock.

    With `open_to_all` False there are none: whom the socket is closed to is told nothing in another way.
    """

    def __init__(self, socket: Path, node: str, lease_ns: int, *, open_to_all: bool = True) -> None:
        """Make their directory, and remove what another process left there.

        Raises:
            ConfigurationError: others decide what stands in the directory.
        """
        self._directory = directory_of(socket)
        self._node = node
        self._spared_ns = lease_ns // SPARED_SHARE
        self._shown: dict[str, Sure] = {}
        """What files say, or may say because they could not be removed."""
        self._process = own_process() if open_to_all else ""
        self._fails = False
        try:
            self._prepare()
        except OSError as error:
            self._process = ""
            self._complain(error)

    def _prepare(self) -> None:
        if self._process:
            self._directory.mkdir(DIRECTORY_MODE, exist_ok=True)
        elif not self._directory.exists():
            return
        check_place(self._directory)
        self._directory.chmod(DIRECTORY_MODE)
        for path in self._directory.iterdir():
            self._shown[path.name] = Sure(0, 0)
            self._withdraw_if_possible(path.name)

    def show(self, sure: Mapping[str, Sure | None]) -> None:
        """Let the files say this of these elections, None is that this node does not lead.

        What is hardly news is not written. A file that cannot be written says what it said, or is gone.
        """
        due = {election: news for election, news in sure.items() if self._is_due(election, news)}
        if due and not clocks_agree():
            due = dict.fromkeys(due)
        for election, news in due.items():
            if news is None:
                self._withdraw_if_possible(election)
            else:
                self._try_to_write(election, news)

    def _is_due(self, election: str, news: Sure | None) -> bool:
        shown = self._shown.get(election)
        if news is None or not self._process:
            return shown is not None
        if shown is None or shown.term != news.term:
            return True
        return news.until < shown.until or news.until - shown.until >= self._spared_ns

    def withdraw(self, election: str) -> None:
        """Return when no file says that this node leads that election.

        Raises:
            OSError: it is still there, and may be believed until the deadline that it tells.
        """
        if election not in self._shown:
            return
        path = self._directory / election
        try:
            path.unlink(missing_ok=True)
        except OSError:
            os.close(os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC))
        del self._shown[election]

    def close(self) -> None:
        """Leave nothing behind."""
        for election in tuple(self._shown):
            self._withdraw_if_possible(election)
        with contextlib.suppress(OSError):
            self._directory.rmdir()

    def _withdraw_if_possible(self, election: str) -> None:
        """Withdraw it; if that fails, it is tried again before anything is released."""
        try:
            self.withdraw(election)
        except OSError as error:
            self._complain(error)

    def _try_to_write(self, election: str, news: Sure) -> None:
        try:
            self._write(election, news)
        except OSError as error:
            self._complain(error)
            shown = self._shown.get(election)
            if shown is not None and (shown.term != news.term or shown.until > news.until):
                self._withdraw_if_possible(election)
        else:
            self._shown[election] = news
            self._fails = False

    def _write(self, election: str, news: Sure) -> None:
        since, until = clock.now_ns() // TICK_NS, (news.until - MARGIN_NS) // TICK_NS
        line = f"{FORMAT} {election} {news.term} {self._node} {since} {until} {self._process}\n".encode()
        new = f"{self._directory}/{NEW}"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
        try:
            try:
                os.fchmod(descriptor, MODE)
                if os.write(descriptor, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(descriptor)
            os.rename(new, f"{self._directory}/{election}")
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(new)
            raise

    def _complain(self, error: OSError) -> None:
        if not self._fails:
            log.warning(
                "the lease files in %s cannot be kept (%s), so `leader is-leader` takes longer: "
                "see that this agent's user may write there",
                self._directory,
                error.strerror,
            )
        self._fails = True


def directory_of(socket: Path) -> Path:
    """Where the lease files of the agent at that socket are."""
    return socket.with_name(f"{socket.name}{SUFFIX}")


def own_process() -> str:
    """This process's id and when it began, as others see them; empty where there is no such thing."""
    try:
        stat = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    before, _, after = stat.rpartition(") ")
    return f"{before.partition(' ')[0]} {after.split()[19]}"


def clocks_agree() -> bool:
    """Whether a shell's clock shows here what the agent's shows: it may be made up, in a container."""
    before = clock.now_ns()
    try:
        shown = clock.uptime_ns()
    except (OSError, ValueError):
        return False
    return before - DRIFT_NS <= shown <= clock.now_ns() + DRIFT_NS
