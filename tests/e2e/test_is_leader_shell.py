"""`leader is-leader` in the shell: when a lease file is a yes; about all else the agent is asked."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.e2e.lease_files import FAULTS, Fault, good_words, write
from tests.e2e.shells import ASKED, SCRIPT, SHELLS, Script
from tests.support.agents import short_directory

needs_shells = pytest.mark.needs("dash", "bash", "busybox")
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--")
"""The command that runs another one as a user without rights."""

each_shell = pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory that others may enter."""
    with short_directory() as directory:
        directory.chmod(0o755)
        yield directory


@pytest.fixture
def leases(path: Path) -> Path:
    """The directory of the lease files of this test's agent."""
    directory = path.with_name(f"{path.name}.leases")
    directory.mkdir()
    return directory


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """The script beside a stand-in for Python."""
    return Script(tmp_path / "bin")


def environment(path: Path) -> dict[str, str]:
    """What names the socket of this test's agent."""
    return {"LEADER_SOCKET": str(path)}


@needs_shells
@each_shell
def test_a_good_lease_file_is_a_yes_in_silence(
    script: Script, path: Path, leases: Path, shell: Sequence[str]
) -> None:
    """For the default election and for one that is named, without any other process."""
    write(leases / "default", good_words())
    write(leases / "re_ports-2.x", good_words("re_ports-2.x"))
    assert script("is-leader", by=shell, **environment(path)).said_yes
    assert script("is-leader", "re_ports-2.x", by=shell, **environment(path)).said_yes
    assert not script("is-leader", "reports", by=shell, **environment(path)).said_yes


@needs_shells
@each_shell
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_any_other_file_is_no_answer_and_the_agent_is_asked(
    script: Script, path: Path, leases: Path, shell: Sequence[str], fault: Fault
) -> None:
    """Never a yes, never a no, and not a word of the shell's."""
    fault.make(leases / "default", good_words())
    assert not script("is-leader", by=shell, **environment(path)).said_yes


BENT = {
    "the format": ('"$format $election $rest" = "leader-1 $2 "', '"$election $rest" = "$2 "'),
    "the election": ('"$format $election $rest" = "leader-1 $2 "', '"$format $rest" = "leader-1 "'),
    "words too many": ('"$format $election $rest" = "leader-1 $2 "', '"$format $election" = "leader-1 $2"'),
    "a torn line": ("pid start rest || return", "pid start rest"),
    "what is no number": ("in *[!0-9]*) return ;; esac", "in *) ;; esac"),
    "whether the process is there": (
        'began _ <"/proc/$pid/stat" || return',
        'began _ <"/proc/$pid/stat" || exit 0',
    ),
    "when the process began": ('[ "$began" = "$start" ] || return', ":"),
    "that it lives": ("case $state in Z | X) return ;; esac", ":"),
    "when it was written": ('[ "$since" -le "$now" ] && ', ""),
    "the deadline": (' && [ "$now" -lt "$until" ] || return', " || return"),
    "that it is a file": ('[ -f "$lease" ] && ', ""),
}
"""By what a script would not check, how its text is bent."""


@pytest.mark.parametrize("left_out", BENT)
def test_each_check_of_the_script_is_needed(tmp_path: Path, path: Path, leases: Path, left_out: str) -> None:
    """A script without it takes one of the faulty files for a yes, or waits for ever."""
    old, new = BENT[left_out]
    text = SCRIPT.read_text()
    assert text.count(old) == 1
    bent = Script(tmp_path / "bent", text.replace(old, new))
    caught = []
    for fault in FAULTS:
        lease = leases / "default"
        fault.make(lease, good_words())
        try:
            ended = bent("is-leader", entrance=("timeout", "1"), **environment(path))
        finally:
            lease.rmdir() if lease.is_dir() else lease.unlink(missing_ok=True)
        caught += [fault.name] if ended.code != ASKED else []
    assert caught


@needs_shells
@each_shell
def test_the_file_must_still_stand_when_the_clock_was_read(
    tmp_path: Path, path: Path, leases: Path, shell: Sequence[str]
) -> None:
    """Removed, replaced or emptied while the script reads: each is no answer."""
    text = SCRIPT.read_text()
    clock = "IFS='. ' read -r seconds"
    assert text.count(clock) == 1
    for change in (
        'rm "$1"',
        'cp -p "$1" "$1~" && mv "$1~" "$1"',
        ': >"$1"',
        'rm "$1" && mkdir "$1"',
    ):
        write(leases / "default", good_words())
        meanwhile = Script(tmp_path / "meanwhile", text.replace(clock, f"{change}\n    {clock}"))
        assert not meanwhile("is-leader", by=shell, **environment(path)).said_yes
        (leases / "default").rmdir() if (leases / "default").is_dir() else None


@pytest.mark.parametrize("check", ['[ "$1" -ef /proc/self/fd/0 ] && ', '&& [ -s "$1" ]'])
def test_each_look_at_whether_it_still_stands_is_needed(
    tmp_path: Path, path: Path, leases: Path, check: str
) -> None:
    """Without it, a file that was taken away, or emptied, is a yes."""
    change = ': >"$1"' if "-s" in check else 'mv "$1" "$1~"; date >"$1"'
    text = SCRIPT.read_text().replace("IFS='. ' read", f"{change}\n    IFS='. ' read")
    assert text.count(check) == 1
    write(leases / "default", good_words())
    assert Script(tmp_path / "bent", text.replace(check, ""))("is-leader", **environment(path)).said_yes


@needs_shells
@each_shell
@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("status",),
        ("is-leader", "--verbose"),
        ("is-leader", "--for", "1s"),
        ("is-leader", "default", "--timeout=1s"),
        ("is-leader", "--", "default"),
        ("is-leader", ""),
        ("is-leader", "-"),
        ("is-leader", "a b"),
        ("is-leader", "../leases/default"),
        ("is-leader", "*"),
        ("is-leader", ".hidden"),
        ("is-leader", "näme"),
        ("is-leader", "new\nline"),
        ("run", "--", "sh", "-c", "echo  'a  b' \"$HOME\" \\*", ""),
    ],
)
def test_all_else_goes_to_python_word_for_word(
    script: Script, path: Path, leases: Path, shell: Sequence[str], arguments: tuple[str, ...]
) -> None:
    """Options, odd names, other commands; blanks, quotes and empty words among them."""
    write(leases / "default", good_words())
    ended = script(*arguments, by=shell, **environment(path))
    assert not ended.said_yes
    assert ended.output == "".join(f"{word}\n" for word in arguments or ("",))


@needs_shells
@each_shell
def test_the_callers_settings_of_the_shell_change_nothing(
    script: Script, path: Path, leases: Path, shell: Sequence[str]
) -> None:
    """Variables that a shell reads, names that the script uses, and options of its own."""
    write(leases / "default", good_words())
    odd = {"IFS": "/1", "CDPATH": "/usr", "ENV": "/nowhere", "POSIXLY_CORRECT": "1", "rest": "x", "now": "0"}
    for more in (
        odd,
        {"SHELLOPTS": "errexit:nounset:noglob"},
        {"BASH_ENV": "/nowhere"},
        {"LC_ALL": "C.UTF-8"},
    ):
        assert script("is-leader", by=shell, **environment(path), **more).said_yes
        assert not script("is-leader", "other", by=shell, **environment(path), **more).said_yes
    for option in ("-e", "-u", "-f", "-eu"):
        assert script("is-leader", by=(*shell, option), **environment(path)).said_yes
        assert not script("is-leader", "other", by=(*shell, option), **environment(path)).said_yes


@needs_shells
@each_shell
@pytest.mark.parametrize("ending", [">&-", "2>&-", "<&-", "<&- >&- 2>&-", ">/dev/full 2>&1"])
def test_closed_and_full_streams_change_nothing(
    script: Script, path: Path, leases: Path, shell: Sequence[str], ending: str
) -> None:
    """A yes is said by the exit code alone."""
    write(leases / "default", good_words())
    for election, code in (("default", 0), ("other", ASKED)):
        line = f"exec {' '.join(shell)} {script.path} is-leader {election} {ending}"
        done = subprocess.run(["sh", "-c", line], env=os.environ | environment(path), timeout=30, check=False)
        assert done.returncode == code


PLACES = """
import itertools, os, pathlib, shutil, subprocess, sys
from leader.paths import choose_client_socket
script, line, base = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
places = {
    "LEADER_SOCKET": (None, "", f"{base}/one/x.sock"),
    "LEADER_RUNTIME_DIR": (None, "", f"{base}/two"),
    "XDG_RUNTIME_DIR": (None, "", f"{base}/three"),
}
system = pathlib.Path("/run/leader")
for there in ("nothing", "a directory", "a socket"):
    system.mkdir() if there == "a directory" else None
    (system / "leader.sock").touch() if there == "a socket" else None
    for values in itertools.product(*places.values()):
        environment = {name: value for name, value in zip(places, values) if value is not None}
        socket = choose_client_socket(environment)
        leases = pathlib.Path(f"{socket}.leases")
        leases.mkdir(parents=True)
        (leases / "default").write_text(line)
        done = subprocess.run(["sh", script, "is-leader"], env={"PATH": os.defpath, **environment})
        shutil.rmtree(leases)
        if there == "nothing" and socket.startswith(str(system)):
            system.rmdir()
        print(there, socket, done.returncode)
"""


@pytest.mark.needs("root", "unshare")
def test_the_socket_is_looked_for_where_python_does(tmp_path: Path, script: Script) -> None:
    """Each mix of variables, set, empty or absent, with and without an agent of the system.

    Where its directory is there and its socket is not, it may be closed to this user: Python sees to it.
    """
    line = " ".join(good_words()) + "\n"
    (tmp_path / "three").mkdir()
    command = ["unshare", "-m", sys.executable, "-c", PLACES, str(script.path), line, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    told = [line.rsplit(" ", 2) for line in done.stdout.splitlines() if len(line.split()) > 1]
    assert len(told) == 81
    for there, socket, code in told:
        in_doubt = there == "a directory" and socket == f"{tmp_path}/three/leader/leader.sock"
        assert int(code) == (ASKED if in_doubt else 0), (there, socket)
    assert {socket for _, socket, _ in told} == {
        "/run/leader/leader.sock",
        f"{tmp_path}/one/x.sock",
        f"{tmp_path}/two/leader.sock",
        f"{tmp_path}/three/leader/leader.sock",
    }


def in_a_world(path: Path, unshare: str, change: str) -> list[str]:
    """The command that enters new namespaces and changes something there, before what follows it."""
    return ["unshare", *unshare.split(), "sh", "-ec", f'{change}; exec "$@"', str(path)]


@pytest.mark.needs("root", "unshare", "setpriv")
@pytest.mark.parametrize(
    ("unshare", "change"),
    [
        ("--mount", "echo 1.00 1.00 >u; mount --bind u /proc/uptime"),
        ("--mount", "echo 99999999.00 1.00 >u; mount --bind u /proc/uptime"),
        ("--mount", "echo soon >u; mount --bind u /proc/uptime"),
        ("--mount", ": >u; mount --bind u /proc/uptime"),
        ("--mount", "mount -t tmpfs none /proc"),
        ("--mount", f'mount -t proc -o hidepid=2 proc /proc; set -- {" ".join(NOBODY)} "$@"'),
        ("--time --boottime 1 --fork", ":"),
        ("--time --boottime 100000 --fork", ":"),
        ("--pid --fork --mount-proc", ":"),
    ],
)
def test_another_clock_or_other_processes_make_it_ask(
    tmp_path: Path, script: Script, path: Path, leases: Path, unshare: str, change: str
) -> None:
    """A container sees the file through a directory it shares, and not what the agent sees."""
    write(leases / "default", good_words())
    assert script("is-leader", **environment(path)).said_yes
    entrance = in_a_world(tmp_path, unshare, f"cd {tmp_path}; {change}")
    assert not script("is-leader", entrance=entrance, **environment(path)).said_yes


@pytest.mark.needs("root", "setpriv")
def test_a_file_that_may_not_be_read_is_no_answer(script: Script, path: Path, leases: Path) -> None:
    """Another user is told nothing, and the shell complains of nothing."""
    write(leases / "default", good_words())
    assert script("is-leader", entrance=NOBODY, **environment(path)).said_yes
    (leases / "default").chmod(0o600)
    assert not script("is-leader", entrance=NOBODY, **environment(path)).said_yes
    (leases / "default").chmod(0o644)
    leases.chmod(0o700)
    assert not script("is-leader", entrance=NOBODY, **environment(path)).said_yes


def test_a_link_to_a_lease_file_is_followed_as_one_to_a_socket_is(
    script: Script, path: Path, leases: Path
) -> None:
    """Who may write into the agent's directory could as well put a socket there."""
    write(leases / "elsewhere", good_words())
    (leases / "default").symlink_to("elsewhere")
    assert script("is-leader", **environment(path)).said_yes


@needs_shells
@each_shell
def test_the_command_is_found_through_links_and_behind_blanks(tmp_path: Path, shell: Sequence[str]) -> None:
    """`ln -s /opt/leader/bin/leader /usr/local/bin`, under another name, one link after the other."""
    program = Script(tmp_path / "a place")
    python = tmp_path / "a place/leader-python"
    python.write_text(f"#!{tmp_path}/a place/sh\n" + python.read_text().partition("\n")[2])
    (tmp_path / "a place/sh").symlink_to("/bin/sh")
    (tmp_path / "first").symlink_to(program.path)
    (tmp_path / "second").symlink_to("first")
    for name in ("first", "second", "a place/leader"):
        program.path = tmp_path / name
        assert program("status", "a  b", by=shell).output == "status\na  b\n"
