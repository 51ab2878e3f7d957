"""Lease files made by hand, one fault each, and the lines of the script that see to them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from leader.agent.leases import own_process
from leader.clock import now_ns

TICKS_PER_S = 100
NS_PER_TICK = 10_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a file, and how it is made so: from the words of a good one."""

    name: str
    make: Callable[[Path, list[str]], None]


def good_words(election: str = "default", left_s: float = 60) -> list[str]:
    """A good line, of an agent that is the test's own process, so many seconds before its end."""
    now = now_ns() // NS_PER_TICK
    until = now + round(left_s * TICKS_PER_S)
    return ["leader-1", election, "7", "a", str(now - 100), str(until), *own_process().split()]


def write(path: Path, words: list[str], end: str = "\n") -> None:
    """A file with this line."""
    path.write_text(" ".join(words) + end)


def word(index: int, change: Callable[[str], str], end: str = "\n") -> Callable[[Path, list[str]], None]:
    """What changes one word."""

    def make(path: Path, words: list[str]) -> None:
        words[index] = change(words[index])
        write(path, words, end)

    return make


def line(change: Callable[[str], str]) -> Callable[[Path, list[str]], None]:
    """What changes the line as a whole."""

    def make(path: Path, words: list[str]) -> None:
        path.write_text(change(" ".join(words) + "\n"), encoding="latin-1")

    return make


def leave_nothing(_path: Path, _words: list[str]) -> None:
    """There is no file."""


def a_fifo(path: Path, _words: list[str]) -> None:
    """A reader would hang."""
    os.mkfifo(path)


def a_directory(path: Path, _words: list[str]) -> None:
    """It cannot be read."""
    path.mkdir()


def a_loop(path: Path, _words: list[str]) -> None:
    """A link to itself."""
    path.symlink_to(path)


def of_a_zombie(path: Path, words: list[str]) -> None:
    """The agent was killed, and its parent has not looked yet."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    stat = Path(f"/proc/{pid}/stat").read_text()
    words[6:] = [str(pid), stat.rpartition(") ")[2].split()[19]]
    write(path, words)


def add(ticks: int) -> Callable[[str], str]:
    """What makes a number so much greater."""
    return lambda number: str(int(number) + ticks)


FORMAT, ELECTION, SINCE, UNTIL, PID, START = 0, 1, 4, 5, 6, 7

FAULTS = (
    Fault("no file", leave_nothing),
    Fault("a pipe", a_fifo),
    Fault("a directory", a_directory),
    Fault("a link to itself", a_loop),
    Fault("empty", line(lambda _: "")),
    Fault("an empty line", line(lambda _: "\n")),
    Fault("torn in the middle", line(lambda text: text[:30])),
    Fault("torn before its end", line(lambda text: text[:-1])),
    Fault("a word too many", line(lambda text: text.replace("\n", " more\n"))),
    Fault("a word too few", line(lambda text: text.replace(" a ", " "))),
    Fault("noise", line(lambda _: "\xff$(touch /tmp/x) `id` * ? [a-z] \\\n")),
    Fault("another format", word(FORMAT, lambda _: "leader-2")),
    Fault("a longer format", word(FORMAT, lambda text: text + "0")),
    Fault("another election", word(ELECTION, lambda _: "other")),
    Fault("an election that is a pattern", word(ELECTION, lambda _: "*")),
    Fault("from the future", word(SINCE, add(6000))),
    Fault("its time is over", word(UNTIL, add(-6000))),
    Fault("its time was over long ago", word(UNTIL, lambda _: "1")),
    Fault("a time that is no number", word(UNTIL, lambda text: text + "x")),
    Fault("a negative time", word(SINCE, lambda text: "-" + text)),
    Fault("a time of thirty digits", word(UNTIL, lambda _: "9" * 30)),
    Fault("a beginning of thirty digits", word(SINCE, lambda _: "9" * 30)),
    Fault("another process", word(PID, lambda _: "1")),
    Fault("no such process", word(PID, lambda _: "99999999")),
    Fault("a process that is a path", word(PID, lambda text: f"self/../{text}")),
    Fault("the process that reads it", word(PID, lambda _: "self")),
    Fault("a process that began later", word(START, add(-1))),
    Fault("a process that began earlier", word(START, add(1))),
    Fault("a process that ended", of_a_zombie),
)
