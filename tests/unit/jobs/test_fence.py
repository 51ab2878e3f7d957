"""`leader fence FILE -- CMD`: real processes, real locks, full disks, and a `kill -9` at any moment."""

import fcntl
import itertools
import os
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.fences import (
    begin,
    ended,
    environment,
    fence,
    have_open,
    held,
    lets_go,
    waits_for_a_lock,
    words_of,
)
from tests.support.node import PROJECT, Ended
from tests.support.polling import PATIENCE_S, until

REFUSED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
ECHO = ("--", "sh", "-c", "echo ran with $LEADER_TERM")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "term"


def refusal(done: Ended, code: int = REFUSED) -> str:
    """The one sentence of a fence that has started nothing."""
    assert (done.code, done.output) == (code, ""), done
    assert done.complaint.startswith("leader fence: ")
    assert done.complaint.count("\n") == 1
    return done.complaint


# Who may run.


def test_a_term_runs_again_and_a_higher_one_too(file: Path) -> None:
    """The file is made, and holds the term as one line."""
    for term in (41, 41, 42):
        assert fence(file, *ECHO, term=term) == Ended(0, f"ran with {term}\n")
        assert file.read_text() == f"{term}\n"


def test_a_lower_term_never_runs_again(file: Path) -> None:
    """One sentence says who is stale: the file, its term, and ours."""
    assert fence(file, "--", "true", term=42).code == 0
    told = refusal(fence(file, *ECHO, term=41))
    assert f"{file} has seen term 42, and term 41 is older" in told
    assert file.read_text() == "42\n"


def test_the_option_wins_over_the_environment(file: Path) -> None:
    """And the command finds that term in its environment."""
    assert fence(file, "--term", "7", *ECHO, term=6) == Ended(0, "ran with 7\n")
    assert fence(file, "--term=8", *ECHO) == Ended(0, "ran with 8\n")


def test_a_refusal_may_have_a_code_of_its_own(file: Path) -> None:
    """So that it is not taken for the command's own 1."""
    assert fence(file, "--", "true", term=42).code == 0
    refusal(fence(file, "--refused-exit", "75", *ECHO, term=41), 75)
    refusal(fence(file, "--refused-exit", "0", *ECHO, term=41), 0)


# What is wrong, in one sentence; nothing is started or lost.


@pytest.mark.parametrize(
    ("words", "term", "told"),
    [
        (ECHO, None, "LEADER_TERM is not set: start this under `leader run`, or say --term N"),
        (ECHO, "", "LEADER_TERM is not set"),
        (ECHO, "many", "LEADER_TERM is 'many' and no term: it must be a whole number"),
        (("--term", "-1", *ECHO), 1, "--term is '-1' and no term"),
        (("--term", "", *ECHO), 1, "--term is '' and no term"),
        (("--timeout", "soon", *ECHO), 1, "--timeout: 'soon' is not a duration"),
        (("--refused-exit", "255", *ECHO), 1, "--refused-exit is '255': say a number from 0 to 254"),
        (("--bogus", *ECHO), 1, "there is no option '--bogus'"),
        (("second", *ECHO), 1, "one file at a time: leave out 'second'"),
        (("true",), 1, "there is no command: put it behind --"),
    ],
)
def test_wrong_usage_is_2_and_makes_no_file(
    file: Path, words: tuple[str, ...], term: str | None, told: str
) -> None:
    """What is missing, and what to say instead."""
    assert told in refusal(fence(file, *words, term=term), WRONG_USAGE)
    assert not file.exists()


def test_a_file_must_be_named() -> None:
    """An empty name is none."""
    for words in (["--", "true"], ["", "--", "true"]):
        done = ended([sys.executable, "-m", "leader", "fence", *words], 1)
        assert "name the file that keeps the highest term" in refusal(done, WRONG_USAGE)


@pytest.mark.parametrize("content", [b"many\n", b"\xff\xfe", b"41\n42\n", b"\0" * 9, b"{}", b"-1", b"9" * 99])
def test_a_file_with_something_else_in_it_stays_as_it_is(file: Path, content: bytes) -> None:
    """It may be anybody's: nothing is written, nothing is started, and the sentence says what to do."""
    file.write_bytes(content)
    told = refusal(fence(file, *ECHO, term=43))
    assert f"{file} holds " in told
    assert "and no term: name another file" in told
    assert file.read_bytes() == content


def test_a_directory_that_is_not_there_is_told(file: Path) -> None:
    """And not made: it may be one that is not mounted."""
    told = refusal(fence(file / "nowhere", *ECHO, term=1))
    assert "cannot be opened: No such file or directory; make its directory" in told


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    """A directory, a device, a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "pipe")
    assert "Is a directory; name a file in it" in refusal(fence(tmp_path, *ECHO, term=1))
    for path in (tmp_path / "pipe", Path("/dev/null")):
        assert f"{path} is not an ordinary file" in refusal(fence(path, *ECHO, term=1))


@pytest.mark.needs("setpriv")
def test_a_file_or_directory_that_this_user_may_not_write_is_told(file: Path) -> None:
    """The term of the file stays, and the command of a term that is not noted does not start."""
    ordinary = ["setpriv", "--bounding-set=-all", "--"] if os.geteuid() == 0 else []
    file.write_text("41\n")
    file.chmod(0o444)
    told = refusal(ended([*ordinary, *words_of(file, *ECHO)], 42))
    assert f"{file} cannot be opened: Permission denied; run this as a user that may write it" in told
    file.chmod(0o644)
    file.parent.chmod(0o555)
    told = refusal(ended([*ordinary, *words_of(file, *ECHO)], 42))
    assert f"{file} cannot be written: Permission denied; run this as a user that may write it" in told
    assert file.read_text() == "41\n"
    file.parent.chmod(0o755)


def test_a_write_that_fails_starts_nothing_and_loses_no_term(file: Path) -> None:
    """Here the process may not write a byte to any file; the next one may, and goes on from what was."""
    assert fence(file, "--", "true", term=41).code == 0
    told = refusal(ended(["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *words_of(file, *ECHO)], 42))
    assert f"{file} cannot be written: File too large" in told
    assert "the command was not started, and no term is lost" in told
    assert [path.name for path in file.parent.iterdir()] == ["term"]
    assert fence(file, *ECHO, term=41) == Ended(0, "ran with 41\n")


@pytest.mark.needs("root", "unshare", "mount")
def test_a_full_file_system_starts_nothing_and_loses_no_term(file: Path) -> None:
    """A real one, without a block to spare; with room again, the same call runs."""
    disk = file.parent / "disk"
    disk.mkdir()
    script = (
        'mount -t tmpfs -o size=16k tmpfs "$1" && cd "$1" && shift && "$@" && '
        "dd if=/dev/zero of=filler bs=4k count=99 2>/dev/null; export LEADER_TERM=42; "
        '"$@"; echo "full: $?"; cat term; ls -A; rm filler; "$@"; echo "room: $?"; cat term'
    )
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(disk), *words_of(Path("term"), *ECHO)]
    done = ended(command, 41)
    assert done.output == "ran with 41\nfull: 1\n41\nfiller\nterm\nran with 42\nroom: 0\n42\n"
    assert "cannot be written: No space left on device; make room; " in done.complaint
    assert done.complaint.count("\n") == 1


# The command is as if the shell had started it.


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "exit 255"], 255),
        (["sh", "-c", "kill -9 $$"], 128 + 9),
        (["sh", "-c", "kill -TERM $$"], 128 + 15),
        (["sh", "-c", "kill -PIPE $$"], 128 + 13),
    ],
)
def test_the_exit_code_is_the_commands_own(file: Path, command: list[str], code: int) -> None:
    """Never changed; death by a signal as a shell tells it."""
    done = ended(["sh", "-c", '"$@"; exit $?', "sh", *words_of(file, "--", *command)], 1)
    assert (done.code, done.output) == (code, "")
    assert "leader" not in done.complaint


@pytest.mark.parametrize(
    ("word", "code", "why"),
    [
        ("no-such-command", 127, "No such file"),
        ("", 127, "there is no such command"),
        ("/etc/passwd", 126, "Permission"),
    ],
)
def test_what_cannot_be_run_is_127_or_126(file: Path, word: str, code: int, why: str) -> None:
    """As a shell has it, with one sentence; the term counts as seen."""
    assert f"leader fence: {word!r} cannot be run: {why}" in refusal(fence(file, "--", word, term=3), code)
    assert file.read_text() == "3\n"


def test_a_caller_that_has_closed_its_streams_does_not_hand_the_file_to_the_command(file: Path) -> None:
    """What the command prints must not end up in the file of the term."""
    script, terms = "echo out; echo err >&2; exit 7", itertools.count(1)
    for closed in ("<&-", ">&-", "<&- >&- 2>&-"):
        done = ended(
            ["sh", "-c", f'"$@" {closed}', "sh", *words_of(file, "--", "sh", "-c", script)],
            next(terms),
        )
        assert done.code in {7, REFUSED}  # echo may find its stream closed, and so may the test
        assert file.read_text().strip().isdigit()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_reach_the_command_itself(file: Path, number: signal.Signals) -> None:
    """The process that was started is the command by now."""
    name = number.name.removeprefix("SIG")
    script = f"trap 'echo got; exit 9' {name}; echo began; while :; do :; done"
    with held(file, 1, "sh", "-c", script) as holder:
        holder.send_signal(number)
        output, errors = holder.communicate(timeout=PATIENCE_S)
    assert (holder.returncode, output, errors) == (9, "got\n", "")


def test_a_process_that_waits_for_its_turn_ends_at_a_signal(file: Path) -> None:
    """At once, without a word of Python; its command never starts."""
    with held(file, 1):
        for number, code in ((signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, INTERRUPTED)):
            waiting = begin(file, *ECHO, term=2)
            until(lambda pid=waiting.pid: waits_for_a_lock(pid), "it waits")  # type: ignore[misc]
            waiting.send_signal(number)
            assert waiting.communicate(timeout=PATIENCE_S) == ("", "")
            assert waiting.returncode == code
    assert file.read_text() == "1\n"


# One at a time.


def test_a_higher_term_waits_for_the_command_that_runs_and_a_lower_one_is_then_refused(file: Path) -> None:
    """The order in which they get the lock is the order in which they count as seen."""
    with held(file, 41) as holder:
        higher = begin(file, *ECHO, term=42)
        until(lambda: waits_for_a_lock(higher.pid), "it waits")
        assert file.read_text() == "41\n"
        lets_go(holder)
        assert higher.communicate(timeout=PATIENCE_S) == ("ran with 42\n", "")
    refusal(fence(file, *ECHO, term=41))


def test_a_lower_term_that_waited_while_a_higher_one_was_seen_is_refused(file: Path) -> None:
    """It waited for the lock on a file that has been replaced since, and looks again."""
    with held(file, 41) as first:
        lower = begin(file, *ECHO, term=40)
        until(lambda: waits_for_a_lock(lower.pid), "it waits")
        lets_go(first)
        output, errors = lower.communicate(timeout=PATIENCE_S)
    assert (lower.returncode, output) == (REFUSED, "")
    assert "has seen term 41, and term 40 is older" in errors


def test_who_waited_for_a_file_that_was_replaced_looks_at_the_new_one(file: Path) -> None:
    """A lock on the file from before is none: the term in the new one counts."""
    file.write_text("40\n")
    with file.open() as before:
        fcntl.flock(before, fcntl.LOCK_EX)
        waiting = begin(file, *ECHO, term=41)
        until(lambda: waits_for_a_lock(waiting.pid), "it waits")
        (file.parent / "new").write_text("42\n")
        (file.parent / "new").rename(file)
    output, errors = waiting.communicate(timeout=PATIENCE_S)
    assert (waiting.returncode, output) == (REFUSED, "")
    assert "has seen term 42, and term 41 is older" in errors


@pytest.mark.parametrize("timeout", ["0s", "200ms"])
def test_patience_has_an_end(file: Path, timeout: str) -> None:
    """`--timeout 0s` is one try; the term of a command that did not get its turn is not noted."""
    with held(file, 41):
        told = refusal(fence(file, "--timeout", timeout, *ECHO, term=42))
        assert f"another command runs under {file} and did not end within {timeout}" in told
        assert file.read_text() == "41\n"
    until(lambda: not have_open(file), "the lock is let go")
    assert fence(file, "--timeout", timeout, *ECHO, term=42) == Ended(0, "ran with 42\n")


@pytest.mark.parametrize("timeout", ["1s", "99999999999999999999d"])
def test_the_alarm_of_a_timeout_does_not_reach_the_command(file: Path, timeout: str) -> None:
    """A command that runs for longer than that lives."""
    with held(file, 1) as holder:
        waiting = begin(file, "--timeout", timeout, "--", "sh", "-c", "sleep 1.2; echo done", term=1)
        until(lambda: waits_for_a_lock(waiting.pid) or waiting.poll() is not None, "it waits")
        lets_go(holder)
        output, errors = waiting.communicate(timeout=PATIENCE_S)
    assert (waiting.returncode, output, errors) == (0, "done\n", "")


def test_a_command_that_closes_what_it_inherits_keeps_the_lock(file: Path) -> None:
    """As ssh, sudo and daemons do; signals to all that descend do not end the lock, its end does."""
    script = "import os; os.closerange(3, 1000); print('began', flush=True); input()"
    with held(file, 41, sys.executable, "-c", script) as holder:
        (keeper,) = have_open(file)
        assert keeper != holder.pid
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            os.kill(keeper, number)
        assert have_open(file) == [keeper]
        told = refusal(fence(file, "--timeout", "0s", *ECHO, term=42))
        assert "another command runs under" in told
        lets_go(holder)
        assert fence(file, "--timeout", "10s", *ECHO, term=42).code == 0


def test_what_a_command_leaves_behind_keeps_the_lock(file: Path) -> None:
    """It may still write; when it ends, the next one runs."""
    script = "sleep 1000 >/dev/null 2>&1 & echo $!"
    left = fence(file, "--", "sh", "-c", script, term=41)
    refusal(fence(file, "--timeout", "0s", *ECHO, term=42))
    os.kill(int(left.output), signal.SIGKILL)
    assert fence(file, "--timeout", "10s", *ECHO, term=42) == Ended(0, "ran with 42\n")


def test_the_command_has_no_child_that_it_did_not_start(file: Path) -> None:
    """A program that waits for all its children is not held up."""
    script = "import os\ntry: os.wait()\nexcept ChildProcessError: print('none')"
    assert fence(file, "--", sys.executable, "-c", script, term=1) == Ended(0, "none\n")


def test_a_reader_of_the_output_sees_its_end_with_the_command(file: Path) -> None:
    """Nothing else holds the streams: a command that closes its output early is heard to the end at once."""
    with held(file, 1, "sh", "-c", "echo began; exec >&-; read end") as holder:
        assert holder.stdout is not None
        assert holder.stdout.read() == ""
        assert holder.poll() is None


# Many at once, and killed at any moment.

ALONE = 'mkdir "$0" && echo $LEADER_TERM >>"$0.log" && rmdir "$0"'
"""Notes the term; fails if another one is at it."""


def test_racing_commands_of_many_terms_run_one_at_a_time_in_the_order_of_their_terms(tmp_path: Path) -> None:
    """Whoever wins each race: no lower term starts after a higher one, and the highest stays."""
    file, alone = tmp_path / "term", tmp_path / "alone"
    terms = [random.Random(7).randint(1, 12) for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda term: fence(file, "--", "sh", "-c", ALONE, str(alone), term=term), terms))
    ran = [int(line) for line in alone.with_suffix(".log").read_text().split()]
    assert ran == sorted(ran)
    assert sorted(ran) == sorted(term for term, end in zip(terms, done, strict=True) if end.code == 0)
    assert all("is older" in refusal(end) for end in done if end.code)
    assert file.read_text() == f"{max(terms)}\n"


@pytest.mark.timeout(120)
def test_a_kill_at_any_moment_loses_no_term(tmp_path: Path) -> None:
    """After it the file is whole, holds no less than before, and the next term runs."""
    file, log = tmp_path / "term", tmp_path / "log"
    random_ = random.Random(11)
    log.touch()
    for term in range(1, 60, 2):
        process = begin(file, "--", "sh", "-c", 'echo $LEADER_TERM >>"$0"; echo ran', str(log), term=term)
        try:
            process.communicate(timeout=random_.uniform(0.02, 0.2))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate(timeout=PATIENCE_S)
        seen = int(file.read_text() or 0) if file.exists() else 0
        ran = [int(line) for line in log.read_text().split()]
        assert max(ran, default=0) <= seen <= term
        if seen > 1:
            refusal(fence(file, *ECHO, term=seen - 1))
    assert fence(file, *ECHO, term=99) == Ended(0, "ran with 99\n")


def test_it_starts_without_what_takes_long_to_load(file: Path) -> None:
    """Nothing third-party, no asyncio, no pathlib: what is loaded when the command is to start."""
    code = (
        f"import os, sys; sys.argv = ['leader', 'fence', {str(file)!r}, '--timeout', '1s', '--', 'true']\n"
        "os.execvpe = lambda *_: sys.exit(print(*sys.modules, sep='\\n'))\n"
        "from leader.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=environment(1),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    loaded = set(done.stdout.splitlines())
    assert {name for name in loaded if name.partition(".")[0] == "leader"} == {
        "leader",
        "leader.__main__",
        "leader.durations",
        "leader.errors",
        "leader.jobs",
        "leader.jobs.fence",
        "leader.jobs.options",
        "leader.jobs.start",
        "leader.jobs.term_file",
    }
    heavy = {"typer", "click", "rich", "redis", "asyncio", "hiredis", "h11", "psutil", "subprocess"}
    assert not {name.partition(".")[0] for name in loaded} & (heavy | {"pathlib", "ctypes", "json", "socket"})
